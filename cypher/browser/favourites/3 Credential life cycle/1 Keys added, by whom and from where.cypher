// 1 Keys added, by whom and from where
// Every key that a change added: who made the change, from which address, on what. Where no key was added: the keys
// that are known, else the newest changes.
CALL () {
  MATCH (change:Change)-[:ADDED]->(:Credential)
  WITH DISTINCT change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:ADDED|MADE|CHANGED|FROM]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH path = (:DirectoryObject)-[:HAS_CREDENTIAL]->(:Credential)
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
