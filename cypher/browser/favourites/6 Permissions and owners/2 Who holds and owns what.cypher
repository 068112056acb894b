// 2 Who holds and owns what
// Permissions, directory roles and Azure roles that principals hold, and objects that they own. Where the logs state
// none: identities and their parts.
CALL () {
  MATCH path = (principal)-[:HOLDS|OWNS]->()
  RETURN path, 1 AS tier LIMIT 80
  UNION ALL
  MATCH path = (:Identity)<-[:PART_OF]-()
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
