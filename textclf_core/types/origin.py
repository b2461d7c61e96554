"""The plugins that made an encoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """A plugin that built or adapted an encoder.

    Attributes:
        plugin: its spec, with the options that were set.
        sha256: the hash of its name, code, options and dependencies.
    """

    plugin: str
    sha256: str
