"""Tables and sentences in tabulate's formats."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

WIDTH = 120
"""The width of text, in characters."""

_LATEX = ("latex", "latex_booktabs", "latex_longtable")
_MARKDOWN = ("github", "pipe")


def prose(sentences: Sequence[str], format: str) -> str:
    """Return sentences, one per line, as text outside a table in one of tabulate's formats."""
    if format in _MARKDOWN:
        return "\n".join(
            f"- {escape_markdown(one)}" if len(sentences) > 1 else escape_markdown(one) for one in sentences
        )
    return "\n".join(
        textwrap.fill(_one_line(one), WIDTH, break_long_words=False, break_on_hyphens=False) for one in sentences
    )


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]], format: str, align: Sequence[str]) -> str:
    """Return a table of texts in one of tabulate's formats, with markup characters escaped."""
    escape = escape_markdown if format in _MARKDOWN else _one_line
    # tabulate would parse numbers in texts and write 0.800 as 0.8.
    table = tabulate(
        [[escape(cell) for cell in row] for row in rows],
        headers=[escape(heading) for heading in headings],
        tablefmt=format,
        disable_numparse=True,
        colalign=list(align) if rows else None,
    )
    return _mend_latex(table) if format in _LATEX else table


def escape_markdown(text: str) -> str:
    """Return a text escaped for GitHub's Markdown, also within a table cell."""
    text = re.sub(r"([\\`*|<$])", r"\\\1", _one_line(text))
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)  # an underscore within a word isn't emphasis
    return re.sub(r"~(?=~)|(?<=~)~|&(?=#?\w+;)|(?<=\])\(", r"\\\g<0>", text)


def _mend_latex(table: str) -> str:
    """Return a LaTeX table of tabulate with the characters fixed that tabulate doesn't escape."""
    # In TeX's default encoding, a bar is shown as a dash.
    table = table.replace("|", r"\textbar{}")
    # TeX would read a bracket or star at the beginning of a row as an argument of the previous row's end.
    return re.sub(r"^( *)(?=[\[*])", r"\1{}", table, flags=re.MULTILINE)


def _one_line(text: str) -> str:
    return " ".join(text.split())
