// 2 Sign-ins that cannot be decided, and to what
// Up to four sign-ins of a principal with nothing seen afterwards, where the logs at hand cannot tell; `evidence` of a sign-in says which log, time
// or scope is missing. Where every sign-in can be decided, or none was loaded: the sources.
CALL () {
  MATCH (principal)-[:SIGNED_IN]->(signIn:SignIn)
  WHERE signIn.resultClass = 'success' AND signIn.kind <> 'user' AND signIn.evidence <> 'complete'
  WITH principal, signIn ORDER BY signIn.unexplainedCount DESC, signIn.lastSeen DESC, signIn.key
  WITH principal, collect(signIn)[..4] AS signIns ORDER BY principal.key LIMIT 12
  UNWIND signIns AS signIn
  MATCH path = (signIn)-[:SIGNED_IN|TO]-()
  RETURN path, 1 AS tier
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
