// 2 Addresses from which names or keys were changed
// The addresses of such changes, and what else came from them. Where no name or key was changed: the addresses of the
// newest changes, else of the newest sign-ins.
CALL () {
  MATCH (change:Change)-[:FROM]->(ip:IPAddress)
  WHERE EXISTS { (change)-[:RENAMED_TO]->() } OR EXISTS { (change)-[:ADDED|REMOVED]->(:Credential) }
  WITH ip, max(change.at) AS latest ORDER BY latest DESC, ip.key LIMIT 6
  CALL (ip) {
    MATCH path = (ip)<-[:FROM]-(event)<-[:SIGNED_IN|PERFORMED|MADE]-()
    RETURN path ORDER BY event:Change DESC, event.lastSeen DESC, event.key LIMIT 20
  }
  RETURN path, 1 AS tier
  UNION ALL
  MATCH path = (:IPAddress)<-[:FROM]-(change:Change)<-[:MADE]-()
  RETURN path, 2 AS tier ORDER BY change.at DESC, change.key LIMIT 40
  UNION ALL
  MATCH path = (:IPAddress)<-[:FROM]-(signIn:SignIn)<-[:SIGNED_IN]-()
  RETURN path, 3 AS tier ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 40
  UNION ALL
  MATCH (change:Change)
  WITH change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:MADE|CHANGED]-()
  RETURN path, 4 AS tier
  UNION ALL
  MATCH path = (:LogSource)
  RETURN path, 9 AS tier LIMIT 50
  UNION ALL
  MATCH path = (:DirectoryObject)
  RETURN path, 10 AS tier LIMIT 50
}
WITH tier, collect(path) AS paths ORDER BY tier LIMIT 1
UNWIND paths AS path
RETURN path
