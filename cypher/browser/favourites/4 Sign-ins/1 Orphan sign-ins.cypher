// 1 Orphan sign-ins
// Tokens were issued, the log of the resource is complete, and it shows nothing done with them. Where there are none:
// sign-ins with nothing seen afterwards where the logs cannot tell (read `evidence`), else all sign-ins.
CALL () {
  MATCH (signIn:SignIn)
  WHERE signIn.unexplainedCount > 0 AND signIn.evidence = 'complete' AND signIn.kind <> 'user'
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 30
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO|USED]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (signIn:SignIn)
  WHERE signIn.unexplainedCount > 0
  WITH signIn ORDER BY signIn.kind = 'user', signIn.lastSeen DESC, signIn.key LIMIT 30
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO]-()
  RETURN path, 2 AS tier
  UNION ALL
  MATCH (signIn:SignIn)
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 30
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO|LED_TO]-()
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
