"""The folder of the cache on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from textclf_core.errors import UsageError

DIRECTORY_VARIABLE = "TEXTCLF_CACHE_DIR"


def default_cache_directory() -> Path:
    """Return the user's cache: ``TEXTCLF_CACHE_DIR``, or ``textclf`` in the system's cache directory of the user.

    Raises:
        UsageError: the variable names no folder of this machine.
    """
    if chosen := os.environ.get(DIRECTORY_VARIABLE):
        if "://" in chosen:
            raise UsageError(
                f"{DIRECTORY_VARIABLE}={chosen} must be a folder of this machine; --cache-dir takes a URL."
            )
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("textclf", appauthor=False)
