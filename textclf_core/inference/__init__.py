"""A saved model: stored, loaded, scored, handed over."""
