"""Networks that systems share, and the contract that describes a network."""
