"""The archive: Delta tables, one per record kind, holding a set of events."""
