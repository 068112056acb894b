"""Sample tenants; `demo/` holds the bundled logs of `graphcorr demo`."""
