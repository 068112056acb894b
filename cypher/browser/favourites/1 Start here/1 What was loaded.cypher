// What was loaded
// Every log source with what it delivered, and the spans in which it delivered nothing. Click a node to read its
// numbers. What no source shows, no picture can show.
MATCH (source:LogSource)
OPTIONAL MATCH (source)-[:HAS_GAP]->(gap:Gap)
RETURN source, gap
ORDER BY source.key, gap.start DESC
LIMIT 200
