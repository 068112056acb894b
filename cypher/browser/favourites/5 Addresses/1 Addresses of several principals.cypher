// 1 Addresses of several principals
// Addresses from which more than one principal signed in, acted or changed something: shared egress, or one hand behind
// several names. Where there are none: all addresses, else the newest changes.
CALL () {
  MATCH (ip:IPAddress)
  CALL (ip) {
    MATCH (ip)<-[:FROM]-()<-[:SIGNED_IN|PERFORMED|MADE]-(principal)
    RETURN collect(DISTINCT principal)[..20] AS principals
  }
  WITH ip, principals WHERE size(principals) > 1
  WITH ip, principals ORDER BY size(principals) DESC, ip.key LIMIT 8
  UNWIND principals AS principal
  CALL (ip, principal) {
    MATCH path = (ip)<-[:FROM]-(event)<-[:SIGNED_IN|PERFORMED|MADE]-(principal)
    RETURN path ORDER BY event.lastSeen DESC, event.key LIMIT 2
  }
  RETURN path, 1 AS tier
  UNION ALL
  MATCH path = (:IPAddress)<-[:FROM]-(event)<-[:SIGNED_IN|PERFORMED|MADE]-()
  RETURN path, 2 AS tier LIMIT 60
  UNION ALL
  MATCH (change:Change)
  WITH change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:MADE|CHANGED]-()
  RETURN path, 3 AS tier
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
