"""No test of this package asks the hub."""

import os

# Before the hub's libraries are imported, which read it then.
os.environ["HF_HUB_OFFLINE"] = "1"
