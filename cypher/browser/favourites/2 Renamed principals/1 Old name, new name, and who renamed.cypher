// 1 Old name, new name, and who renamed
// Every rename that the audit log shows: the name before, the change, the name after, who made it and on what. Where
// nothing was renamed: principals that carried more than one name, else all names.
CALL () {
  MATCH (change:Change)-[:RENAMED_TO]->(:Name)
  WITH DISTINCT change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:RENAMED_FROM|RENAMED_TO|MADE|CHANGED|FROM]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (identity:Identity) WHERE size(identity.formerNames) > 0
  WITH identity ORDER BY identity.lastSeen DESC, identity.key LIMIT 20
  MATCH path = (identity)<-[:PART_OF]-()-[:NAMED]->(:Name)
  RETURN path, 2 AS tier LIMIT 100
  UNION ALL
  MATCH path = (:DirectoryObject)-[:NAMED]->(:Name)
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
