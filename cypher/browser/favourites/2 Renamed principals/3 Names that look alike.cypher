// 3 Names that look alike
// Names that read the same once case, blanks and look-alike letters are folded, with everything that carries them.
// Where there are none: names that more than one object carries, else all names.
CALL () {
  MATCH (name:Name)
  WITH name.tenantId AS tenantId, name.skeleton AS skeleton, collect(name) AS names
  WHERE size(names) > 1
  UNWIND names[..10] AS name
  MATCH path = (name)<-[:NAMED]-(:DirectoryObject)
  RETURN path, 1 AS tier LIMIT 100
  UNION ALL
  MATCH (name:Name)
  WITH name, COUNT { (name)<-[:NAMED]-() } AS carriers
  WHERE carriers > 1
  WITH name ORDER BY carriers DESC, name.key LIMIT 15
  MATCH path = (name)<-[:NAMED]-(:DirectoryObject)
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
