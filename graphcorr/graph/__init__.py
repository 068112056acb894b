"""The graph schema: declared once in `schema`, everything else is derived from it."""
