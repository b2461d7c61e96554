"""Keeps the tests of this package offline."""

import os

# Set before the hub's libraries are imported, since they read it at import.
os.environ["HF_HUB_OFFLINE"] = "1"
