"""Whether a tracker's package is there, asked before a run rather than after it."""

from __future__ import annotations

from importlib.util import find_spec


def need(package: str, *, extra: str) -> None:
    """Refuse a plugin whose package isn't installed.

    Raises:
        ValueError: with what to install; the core makes a UsageError of it.
    """
    if find_spec(package) is None:
        raise ValueError(f'it needs the package {package}: pip install "textclf-core[{extra}]".')
