"""Pattern files: parse, lint, run."""
