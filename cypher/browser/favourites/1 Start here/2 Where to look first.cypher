// 2 Where to look first
// The applications whose names or keys were changed, with the change and who made it. Where nothing was renamed and no
// key added: the newest changes, else failed sign-ins.
CALL () {
  MATCH path = (actor)-[:MADE]->(change:Change)-[:CHANGED]->(:DirectoryObject)-[:PART_OF]->(:Identity)
  WHERE EXISTS { (change)-[:RENAMED_TO]->() } OR EXISTS { (change)-[:ADDED|REMOVED]->(:Credential) }
  RETURN path, 1 AS tier ORDER BY change.at DESC, change.key LIMIT 60
  UNION ALL
  MATCH path = (actor)-[:MADE]->(change:Change)-[:CHANGED]->(:DirectoryObject)
  RETURN path, 2 AS tier ORDER BY change.at DESC, change.key LIMIT 60
  UNION ALL
  MATCH path = (principal)-[:SIGNED_IN]->(signIn:SignIn)-[:FROM]->(:IPAddress)
  RETURN path, 3 AS tier ORDER BY signIn.resultClass = 'success', signIn.lastSeen DESC, signIn.key LIMIT 60
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
