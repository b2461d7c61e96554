"""The checks that there are, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from textclf_core.errors import TextclfError
from textclf_core.testing.subject import Subject

Function = Callable[[Subject], Iterator[str]]
"""Yields the faults of a plugin, each as a sentence with what to change."""


@dataclass(frozen=True)
class Registered:
    """A check of every plugin that implements one of its hooks, or of all plugins if it has none."""

    function: Function
    hooks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    def applies(self, hooks: Mapping[str, object]) -> bool:
        """Return whether it is for a plugin with these hooks."""
        return not self.hooks or any(hook in hooks for hook in self.hooks)


REGISTERED: list[Registered] = []


def check_of(*hooks: str) -> Callable[[Function], Function]:
    """Register a check of plugins that implement one of these hooks, or of all plugins."""

    def register(function: Function) -> Function:
        REGISTERED.append(Registered(function, hooks))
        return function

    return register


def call_each_hook(subject: Subject) -> None:
    """Call each hook that a check calls; what fails is reported by the check itself."""
    called: set[str] = set()
    for one in REGISTERED:
        if new := set(one.hooks) & set(subject.hooks) - called:
            called |= new
            with suppress(TextclfError):
                list(one.function(subject))
