// 4 Activity without a sign-in
// Something was done, and no sign-in that can have led to it was seen: `evidence` says whether one should have been.
// Where there is none: the newest activity, else the newest changes.
CALL () {
  MATCH (principal)-[:PERFORMED]->(activity:Activity)
  WHERE activity.withoutSignInCount > 0
  WITH principal, activity ORDER BY activity.evidence = 'complete' DESC, activity.lastSeen DESC, activity.key
  WITH principal, collect(activity)[..5] AS activities, max(activity.lastSeen) AS lastSeen
  ORDER BY activities[0].evidence = 'complete' DESC, lastSeen DESC, principal.key LIMIT 10
  UNWIND activities AS activity
  MATCH path = (activity)-[:PERFORMED|FROM|ON]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (activity:Activity)
  WITH activity ORDER BY activity.lastSeen DESC, activity.key LIMIT 30
  MATCH path = (activity)-[:PERFORMED|FROM|ON|LED_TO]-()
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
