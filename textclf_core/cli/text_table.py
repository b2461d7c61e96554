"""Tables of text with wrapped cells."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest


def aligned(rows: Sequence[Sequence[str]], widest: Mapping[int, int] | None = None) -> str:
    """Return rows, the headings first, as aligned columns; ``widest`` is the width at which a column is wrapped.

    The result is that of tabulate's format "plain", without the twentieth of a second for importing tabulate.
    """
    wrapped = [
        [textwrap.wrap(cell, (widest or {}).get(column, 10_000)) or [""] for column, cell in enumerate(row)]
        for row in rows
    ]
    headings = rows[0]
    widths = [
        max(len(heading) + 2, *(len(line) for cell in column for line in cell))
        for heading, column in zip(headings, zip(*wrapped, strict=True), strict=True)
    ]
    return "\n".join(
        "  ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True)).rstrip()
        for row in wrapped
        for lines in zip_longest(*row, fillvalue="")
    )
