// 2 Failed sign-ins
// Who failed to sign in, from which address, to what; wrong keys, unknown identities and blocked ones. Where none
// failed: the newest sign-ins.
CALL () {
  MATCH (signIn:SignIn)
  WHERE signIn.resultClass <> 'success'
  WITH signIn ORDER BY signIn.kind = 'user', signIn.lastSeen DESC, signIn.key LIMIT 30
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO|USED]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (signIn:SignIn)
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 30
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
