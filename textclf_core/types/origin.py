"""Where an encoder comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """A plugin that built an encoder or adapted it.

    Attributes:
        plugin: as it would be typed, with the options that somebody set.
        sha256: of its name, code, options and what it depends on.
    """

    plugin: str
    sha256: str
