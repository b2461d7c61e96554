"""The types that a hook's signature names, and the values that pass between the rooms."""
