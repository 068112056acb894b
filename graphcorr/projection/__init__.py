"""archive + configuration → tables of nodes and edges; the daily layer, the whole, then what belongs to a day."""
