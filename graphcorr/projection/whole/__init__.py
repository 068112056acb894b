"""SQL of the whole layer: computed from daily tables, inventories and configuration only, run in order of their names."""
