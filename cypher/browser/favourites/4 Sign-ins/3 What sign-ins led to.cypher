// 3 What sign-ins led to
// From who signed in, through the sign-in, to the activity or change that came of it; `basis` on the arrow says how that
// is known. Where nothing could be linked: the newest sign-ins, else the newest changes.
CALL () {
  MATCH (signIn:SignIn)-[led:LED_TO]->(effect)
  WITH signIn, effect, led ORDER BY effect:Change DESC, led.lastAt DESC, signIn.key, effect.key LIMIT 30
  MATCH path = (principal)-[:SIGNED_IN]->(signIn)-[:LED_TO]->(effect)
  OPTIONAL MATCH further = (effect)-[:ON|CHANGED]->()
  UNWIND [path, further] AS one
  WITH one WHERE one IS NOT NULL
  RETURN one AS path, 1 AS tier
  UNION ALL
  MATCH (signIn:SignIn)
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 30
  MATCH path = (signIn)-[:SIGNED_IN|FROM|TO]-()
  RETURN path, 2 AS tier
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
