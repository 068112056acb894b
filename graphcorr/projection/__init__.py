"""archive + configuration → tables of nodes and edges; daily layer first, then the whole."""
