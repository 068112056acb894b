// 4 The newest changes
// Who changed what in the directory, and from which address, newest first. Without an audit log: the newest sign-ins.
CALL () {
  MATCH (change:Change)
  WITH change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:MADE|CHANGED|FROM]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (signIn:SignIn)
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 40
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO]-()
  RETURN path, 2 AS tier
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
