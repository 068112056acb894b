"""Documents → text, JSON, CSV."""
