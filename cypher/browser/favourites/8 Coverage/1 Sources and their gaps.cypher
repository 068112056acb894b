// 1 Sources and their gaps
// Each span in which a source did not deliver, newest first; `kind` of a gap says what it means. Read `eventCount`,
// `delayP95` and `duplicates` in the panel of a source. Where there are no gaps: the sources.
CALL () {
  MATCH path = (source:LogSource)-[:HAS_GAP]->(gap:Gap)
  RETURN path, 1 AS tier ORDER BY gap.start DESC, gap.key LIMIT 100
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
