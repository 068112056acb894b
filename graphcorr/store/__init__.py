"""Stores: a materialised view of the projection that answers Cypher. `base` is the contract."""
