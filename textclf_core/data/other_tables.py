"""Recognising tables that aren't CSV or TSV, though their files' names say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textclf_core.errors import DataError

JSON_BEGIN = re.compile(r'\s*(\{\s*"|\[\s*[\[{]|[\[{]\s*$)')
"""The beginning of JSON."""

_UPPER_EDGE = re.compile(r"\s*[+\u250c\u2554][-=\u2500\u2550+\u252c\u2566]{3,}")  # of a table drawn with lines
_RULE = re.compile(r"\s*-{2,}(\+-+)+\s*")  # the line below the header that psql prints
_RULE_CELL = re.compile(r"\s*:?-{2,}:?\s*")  # a cell of that of a Markdown table


def refuse_other_format(first: str, where: str) -> None:
    """Refuse a file whose first line begins JSON, or a table drawn with lines.

    Raises:
        DataError: names the format.
    """
    if JSON_BEGIN.match(first):
        raise DataError(f"{where}: this is JSON; name it .jsonl if each line is an object, else .json")
    if _UPPER_EDGE.match(first):
        raise DataError(f"{where}: this is a table drawn with lines, as database clients print it; save it as CSV")


def refuse_drawn_table(header: Sequence[str], following: str, separator: str, line: int, where: str) -> None:
    """Refuse a table of Markdown or of a database client, and one with cells in single quotes.

    Args:
        header: the names of the columns.
        following: the line that follows the header; empty if none does.
        separator: the separator of its cells.
        line: the number of the header's line.
        where: the name of the file.

    Raises:
        DataError: names the line.
    """
    if len(header) > 1 and all(len(name) > 2 and name[0] == name[-1] == "'" for name in header):
        raise DataError(
            f"{where}, line {line}: the cells are in single quotes, which are part of the text in CSV; save the table "
            "with double quotes"
        )
    cells = [cell for cell in following.strip("\r\n").split(separator) if cell.strip()]
    if len(cells) > 1 and all(map(_RULE_CELL.fullmatch, cells)):
        raise DataError(f"{where}, line {line + 1}: a rule of a Markdown table; save the table as CSV")
    if _RULE.fullmatch(following):
        raise DataError(
            f"{where}, line {line + 1}: a line of dashes, as database clients print below the header; save the table "
            "as CSV"
        )
