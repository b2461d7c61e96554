"""Run ``textclf`` as ``python -m textclf_core``."""

import sys

from textclf_core.cli import main

sys.exit(main())
