"""The bill of a comparison, as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from textclf_core.progress import format_seconds
from textclf_core.report.tables import format_table

if TYPE_CHECKING:
    from textclf_core.comparison.bill import BillLine


def bill_text(lines: Sequence[BillLine], format: str, hourly: float | None = None) -> str:
    """Return what the cells of a comparison will take, a line a contender, and the sum.

    Args:
        lines: the bill.
        format: ``json`` or a format of tabulate.
        hourly: what an hour of the machine costs; adds the money.
    """
    if format == "json":
        return json.dumps([asdict(line) for line in lines], indent=2)
    headings = ["contender", "cells", "finished", "a cell takes", "peak memory", "model", "cache", "all to run"]
    rows = []
    for line in lines:
        size = f" at {line.train_size}" if line.train_size else ""
        expected = line.expected
        known = (
            [
                format_seconds(expected.seconds),
                _mebibytes(expected.peak_memory_bytes),
                _mebibytes(expected.artifact_bytes),
                _mebibytes(expected.cache_bytes),
                format_seconds(line.seconds_left),
            ]
            if expected
            else ["-"] * 5
        )
        rows.append([f"{line.contender}{size}", str(line.cells), str(line.finished), *known])
    table = format_table(headings, rows, format, ["left", *["right"] * (len(headings) - 1)])
    seconds = sum(line.seconds_left for line in lines)
    waiting = sum(line.cells - line.finished for line in lines)
    disk = sum((line.cells - line.finished) * line.expected.artifact_bytes for line in lines if line.expected)
    money = f", {hourly * seconds / 3600:.2f} at {hourly:g} an hour" if hourly is not None else ""
    total = f"{waiting} cells to run: about {format_seconds(seconds)}{money}; models of {_mebibytes(disk)} on disk."
    return f"{table}\n\n{total}"


def _mebibytes(count: float) -> str:
    return f"{count / 2**20:,.1f} MiB" if count else "0"
