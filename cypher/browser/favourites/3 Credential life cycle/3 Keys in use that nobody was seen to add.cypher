// 3 Keys in use that nobody was seen to add
// Keys with a successful sign-in that no change and no inventory shows arriving. They may be older than the logs.
// Where there are none: the keys that were used, else the keys that are known, else the newest changes.
CALL () {
  MATCH (key:Credential)<-[:USED]-(signIn:SignIn)
  WHERE signIn.resultClass = 'success' AND key.addedAt IS NULL AND coalesce(key.origin, 'unknown') IN ['absent', 'unknown']
  WITH key, signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 40
  MATCH path = (key)<-[:USED]-(signIn)-[:SIGNED_IN|FROM]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (key:Credential)<-[:USED]-(signIn:SignIn)
  WITH key, signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 40
  MATCH path = (key)<-[:USED]-(signIn)-[:SIGNED_IN|FROM]-()
  RETURN path, 2 AS tier
  UNION ALL
  MATCH path = (:DirectoryObject)-[:HAS_CREDENTIAL]->(:Credential)
  RETURN path, 3 AS tier LIMIT 60
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
