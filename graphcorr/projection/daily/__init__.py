"""SQL of the daily layer: pure functions of one day's events and 28 hours on either side, run in order of their names."""
