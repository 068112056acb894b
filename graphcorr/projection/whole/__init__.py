"""SQL of the whole layer: from daily tables, inventories and configuration only, run in the order of names."""
