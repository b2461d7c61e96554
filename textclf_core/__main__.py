"""``python -m textclf_core`` is ``textclf``."""

import sys

from textclf_core.cli import main

sys.exit(main())
