// 2 What happened around a rename
// Changes of the same identity in the seven days before and after it was renamed, and what they added, removed or
// granted. A rename beside a new key is worth a question. Where nothing was renamed: the newest changes.
CALL () {
  MATCH (rename:Change)-[:CHANGED]->(:DirectoryObject)-[:PART_OF]->(identity:Identity)
  WHERE EXISTS { (rename)-[:RENAMED_TO]->() }
  WITH DISTINCT identity, rename ORDER BY rename.at DESC, rename.key LIMIT 15
  MATCH (change:Change)-[:CHANGED]->(object:DirectoryObject)-[:PART_OF]->(identity)
  WHERE rename.at - duration('P7D') <= change.at AND change.at <= rename.at + duration('P7D')
  WITH DISTINCT change, object, identity ORDER BY change.at, change.key LIMIT 60
  MATCH path = (identity)<-[:PART_OF]-(object)<-[:CHANGED]-(change)
  OPTIONAL MATCH effect = (change)-[:ADDED|REMOVED|GRANTED|REVOKED|RENAMED_FROM|RENAMED_TO|MADE]-()
  UNWIND [path, effect] AS one
  WITH one WHERE one IS NOT NULL
  RETURN one AS path, 1 AS tier
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
