"""Optional arguments as the types that the code behind them takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from textclf_core.errors import UsageError, shortened
from textclf_core.plugins.specs import PluginSpec
from textclf_core.storage.places import local_folder

S = TypeVar("S")


def as_specs(name: str, given: Iterable[S]) -> list[S]:
    """Return specs of plugins as a list.

    Raises:
        UsageError: they aren't texts in a list, but one text, data, or objects.
    """
    if isinstance(given, str):
        raise UsageError(f"{name} takes a list of texts: {name}=[{given!r}].")
    specs = None if isinstance(given, Mapping) or hasattr(given, "columns") else list(given)
    if specs is None or not all(isinstance(spec, str | PluginSpec) for spec in specs):
        raise UsageError(
            f"{name} takes a list of texts such as 'NAME' or 'NAME:key=value', not {shortened(given)}; data in memory "
            "are passed as data=."
        )
    return specs


def as_path(given: str | Path | None) -> Path | None:
    """Return a path, if one is given."""
    return None if given is None else Path(given)


def as_folder(given: str | Path | None) -> Path | None:
    """Return a folder, if one is given; that of the local copy for a URL."""
    return None if given is None else local_folder(given)
