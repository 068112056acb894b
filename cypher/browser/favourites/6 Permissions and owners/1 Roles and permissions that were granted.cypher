// 1 Roles and permissions that were granted
// The changes and activities that granted something, who made them and to whom. Where nothing was granted: what is held,
// else who owns what, else the newest changes.
CALL () {
  MATCH (event)-[:GRANTED|REVOKED]->()
  WITH DISTINCT event ORDER BY event.lastSeen DESC, event.key LIMIT 30
  MATCH path = (event)-[:GRANTED|REVOKED|MADE|PERFORMED|CHANGED|ON]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH path = ()-[:HOLDS|OWNS]->()
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
