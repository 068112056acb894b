"""SQL of the daily layer: functions of one day's events and 28 hours on either side, run in the order of names."""
