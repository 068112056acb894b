"""Sample tenants: logs, configuration and truth, made from a seed. Shares nothing with the engine but forms of ids."""
