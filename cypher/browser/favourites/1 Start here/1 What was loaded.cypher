// 1 What was loaded
// Every log source with what it delivered, and the spans in which it delivered nothing. Click a node to read its
// numbers. What no source shows, no picture can show. Where only inventories were loaded: the objects that they list.
CALL () {
  MATCH path = (:LogSource)-[:HAS_GAP*0..1]->()
  RETURN path, 1 AS tier LIMIT 200
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
