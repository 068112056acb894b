// 2 Keys from added to removed
// The keys with most to tell: who holds them, the changes that added or removed them, the sign-ins that used them.
// Where no key is known: the newest changes.
CALL () {
  MATCH (key:Credential)
  WITH key, COUNT { (key)<-[:ADDED|REMOVED]-() } AS changes, COUNT { (key)<-[:USED]-() } AS uses
  ORDER BY changes > 0 DESC, uses > 0 DESC, key.lastSeen DESC, key.key LIMIT 12
  CALL (key) {
    MATCH path = (key)<-[:HAS_CREDENTIAL]-()-[:PART_OF*0..1]->() RETURN path LIMIT 6
    UNION
    MATCH path = (key)<-[:ADDED|REMOVED]-()<-[:MADE*0..1]-() RETURN path LIMIT 12
    UNION
    MATCH path = (key)<-[:USED]-(signIn:SignIn) RETURN path ORDER BY signIn.firstSeen, signIn.key LIMIT 6
  }
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (change:Change)
  WITH change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:MADE|CHANGED]-()
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
