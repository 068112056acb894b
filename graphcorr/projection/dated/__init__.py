"""SQL of the dated layer: from daily tables and what the whole layer knows of a day, run in the order of names."""
