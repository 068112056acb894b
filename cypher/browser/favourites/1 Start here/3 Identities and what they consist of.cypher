// 3 Identities and what they consist of
// One identity is an application object, a service principal and all of their names: here the ones of this tenant, those
// with most names first. Microsoft's own come last.
CALL () {
  MATCH (identity:Identity)
  WITH identity, COUNT { (identity)<-[:PART_OF]-()-[:NAMED]->() } AS names
  ORDER BY identity.kind = 'microsoft', names DESC, identity.key LIMIT 15
  MATCH path = (identity)<-[:PART_OF]-(part)
  OPTIONAL MATCH named = (part)-[:NAMED]->(:Name)
  UNWIND [path, named] AS one
  WITH one WHERE one IS NOT NULL
  RETURN one AS path, 1 AS tier LIMIT 200
  UNION ALL
  MATCH path = (:DirectoryObject)-[:NAMED]->(:Name)
  RETURN path, 2 AS tier LIMIT 60
  UNION ALL
  MATCH path = (:DirectoryObject)--()
  RETURN path, 3 AS tier LIMIT 60
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
