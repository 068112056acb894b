// Sources and their gaps
// Each source and scope that delivered, and each span in which it did not; `kind` of a gap says what it means.
// Read `eventCount`, `delayP95` and `duplicates` in the panel of a node.
MATCH (source:LogSource)
OPTIONAL MATCH path = (source)-[:HAS_GAP]->(:Gap)
RETURN source, path
ORDER BY source.key
LIMIT 200
