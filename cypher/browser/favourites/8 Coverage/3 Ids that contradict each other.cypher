// 3 Ids that contradict each other
// Records that state ids which cannot be one identity: shown, never merged. Where there are none: objects that were
// deleted and made again or share a name, else identities and their parts.
CALL () {
  MATCH path = (:Conflict)-[:BETWEEN]->()
  RETURN path, 1 AS tier LIMIT 60
  UNION ALL
  MATCH path = ()-[:RECREATED_AS|SAME_NAME_AS]->()
  RETURN path, 2 AS tier LIMIT 60
  UNION ALL
  MATCH path = (:Identity)<-[:PART_OF]-()
  RETURN path, 3 AS tier LIMIT 60
  UNION ALL
  MATCH path = (:DirectoryObject)--()
  RETURN path, 4 AS tier LIMIT 60
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
