"""Optional arguments as the types that the code behind them takes."""

from __future__ import annotations

from pathlib import Path

from textclf_core.storage.places import local_folder


def as_path(given: str | Path | None) -> Path | None:
    """Return a path, if one is given."""
    return None if given is None else Path(given)


def as_folder(given: str | Path | None) -> Path | None:
    """Return a folder, if one is given; that of the local copy for a URL."""
    return None if given is None else local_folder(given)
