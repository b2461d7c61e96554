"""Training under freezing."""
