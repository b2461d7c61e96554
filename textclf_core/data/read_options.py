"""How a file of texts is written, as far as a user says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quoting = Literal["none", "double", "backslash"]

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Separators by names that need no quotes in a shell."""

NAMED_SEPARATORS = SEPARATORS | {"\\t": "\t"}
"""The same, and a tab as programmers write it."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The format of a text file, as far as it shall not be detected from its name and header.

    Attributes:
        encoding: see :func:`~textclf_core.data.decoding.decoded_lines`.
        separator: the separator of cells: a name in :data:`SEPARATORS`, or the character.
        quoting: ``none``: quotes are part of the text; ``double``: a cell may be in double quotes, and quotes inside it
            are doubled; ``backslash``: the same, but quotes inside it follow a backslash.
        header: whether the first row has the names of the columns.
        columns: the names of the columns, if there is no header.
        of_command: whether messages name these as options of a command (``--encoding``) instead of a plugin.
    """

    encoding: str | None = None
    separator: str | None = None
    quoting: Quoting | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    of_command: bool = False

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                "".encode(self.encoding)  # refuses what is no encoding of text, such as base64
            except LookupError:
                raise ValueError(
                    f"{self.written('encoding', self.encoding)}: unknown encoding; examples are windows-1252 and utf-16"
                ) from None
        if self.separator is not None and self.separator not in NAMED_SEPARATORS and len(self.separator) != 1:
            wanted = ", ".join(SEPARATORS)
            raise ValueError(f"{self.written('separator', self.separator)} must be {wanted} or one character")
        if (twice := next((name for name in self.columns if self.columns.count(name) > 1), None)) is not None:
            raise ValueError(f"{self.written('columns')} names {twice!r} twice; rename one")
        if self.header == bool(self.columns):
            both = f"{self.written('header', 'none')} and {self.written('columns', 'NAME,NAME')}"
            raise ValueError(f"{both} must be given together")

    def written(self, option: str, value: str | None = None) -> str:
        """Return one of these options, with a value or without, as a user writes it."""
        if self.of_command:
            return f"--{option}" if value is None else f"--{option} {value}"
        return f"{option}={value or ''}"

    def without_effect(self, usable: tuple[str, ...]) -> list[str]:
        """Return, as the user writes them, the options that are set and aren't among the usable ones."""
        is_set = {
            "encoding": self.encoding is not None,
            "separator": self.separator is not None,
            "quoting": self.quoting is not None,
            "header": not self.header,
            "columns": bool(self.columns),
        }
        return [self.written(option) for option, given in is_set.items() if given and option not in usable]
