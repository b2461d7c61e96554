"""Checking before a run that a tracker's package is installed."""

from __future__ import annotations

from importlib.util import find_spec


def need(package: str, *, extra: str) -> None:
    """Check that a plugin's package is installed.

    Raises:
        ValueError: it isn't; the message says what to install. The core turns it into a UsageError.
    """
    if find_spec(package) is None:
        raise ValueError(f'needs the package {package}: pip install "textclf-core[{extra}]".')
