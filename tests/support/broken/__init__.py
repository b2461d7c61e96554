"""Plugins that each break one promise, with the check that catches them and a part of its advice.

They stand in modules, so that another process can import them; those whose import is what is wrong have their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

T = TypeVar("T", bound=type)
MODULES = (
    "every", "imports_torch", "prints_at_import", "dataset", "model", "strategy", "trainer", "postprocessor", "metric",
    "observer", "executor", "reporter", "exporter", "engine",
)  # fmt: skip


@dataclass(frozen=True)
class Broken:
    """A broken plugin."""

    cls: type
    check: str
    advice: str

    @property
    def role(self) -> str:
        """The module that it stands in."""
        return self.cls.__module__.rpartition(".")[2]


BROKEN: list[Broken] = []


def broken(check: str, advice: str) -> Callable[[T], T]:
    """Add a class to the broken plugins, by the check that must catch it and a part of the advice that it gives."""

    def add(cls: T) -> T:
        BROKEN.append(Broken(cls, check, advice))
        return cls

    return add


def all_broken() -> list[Broken]:
    """Return every broken plugin, by module."""
    for module in MODULES:
        import_module(f"broken.{module}")
    return BROKEN
