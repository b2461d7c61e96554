"""The cost estimate of a comparison, and its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.records.schema import CostEstimate
from textclf_core.reports.columns import MISSING
from textclf_core.reports.formatting import format_table, prose
from textclf_core.reports.tables import SEPARATORS, TABLE_ALONE, separated
from textclf_core.types.progress import format_seconds
from textclf_core.types.report import Value

if TYPE_CHECKING:
    import pandas as pd

_HEADINGS = ("contender", "cells", "finished", "a cell takes", "peak memory", "model", "cache", "all to run")
_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class EstimateLine:
    """The estimated cost of one contender's cells at one size of train, on one data set.

    Attributes:
        cells: the number of cells.
        finished: the number of finished cells.
        expected: the estimated cost per unfinished cell, on average, since the first one may fill the cache for the
            others; ``None`` if all are finished.
        seconds_left: the estimated seconds of all unfinished cells.
        data_set: the name of the data set; ``None`` if the comparison has one only.
    """

    contender: str
    train_size: str | None
    cells: int
    finished: int
    expected: CostEstimate | None
    seconds_left: float
    data_set: str | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimated cost of a comparison, from pilot runs of each contender. A notebook shows it as a table.

    Attributes:
        lines: one line per contender and size of train, and data set if there are several.
        price_per_hour: the price of the machine per hour.
        not_included: a sentence on costs that aren't included; ``None`` if there are none.
    """

    lines: tuple[EstimateLine, ...]
    price_per_hour: float | None = None
    not_included: str | None = None

    @property
    def seconds_left(self) -> float:
        """The estimated seconds of all unfinished cells."""
        return sum(line.seconds_left for line in self.lines)

    def text(self, format: str = "simple") -> str:
        """Return the table, in a format of ``textclf compare --format``."""
        return estimate_text(self.lines, format, self.price_per_hour)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with one row per contender, in seconds and bytes."""
        import pandas as pd

        return pd.DataFrame(estimate_rows(self.lines, self.price_per_hour)).set_index("contender")

    def __str__(self) -> str:
        return "\n".join([self.text(), *([self.not_included] if self.not_included else [])])

    def _repr_html_(self) -> str:
        return self.text("html")


def estimate_text(lines: Sequence[EstimateLine], format: str, price_per_hour: float | None = None) -> str:
    """Return the estimate of a comparison as text: a table with one row per contender, and the total.

    CSV, TSV, JSON, LaTeX and HTML contain the table only; CSV, TSV and JSON unrounded, in seconds and bytes.

    Args:
        lines: the estimate.
        format: ``csv``, ``tsv``, ``json`` or a format of tabulate.
        price_per_hour: the price of the machine per hour; if given, costs in money are added.
    """
    if format == "json":
        return json.dumps(estimate_rows(lines, price_per_hour), indent=2, ensure_ascii=False)
    if format in SEPARATORS:
        return separated(estimate_rows(lines, price_per_hour), SEPARATORS[format])
    align = ["left", *["right"] * (len(_HEADINGS) - 1)]
    table = format_table(_HEADINGS, [_written(line) for line in lines], format, align)
    return table if format in TABLE_ALONE else f"{table}\n\n{prose([_total(lines, price_per_hour)], format)}"


def estimate_rows(lines: Sequence[EstimateLine], price_per_hour: float | None = None) -> list[dict[str, Value]]:
    """Return the raw values of an estimate, one row per line; the arguments are those of :func:`estimate_text`."""
    return [_raw(line, price_per_hour) for line in lines]


def _raw(line: EstimateLine, price_per_hour: float | None) -> dict[str, Value]:
    """Return the raw values of a line; ``None`` for the costs of a contender whose cells are all finished."""
    expected = line.expected
    money = {} if price_per_hour is None else {"money": _money(line.seconds_left, price_per_hour)}
    return {
        "contender": line.contender,
        **({"data_set": line.data_set} if line.data_set else {}),
        "train_size": line.train_size,
        "cells": line.cells,
        "finished": line.finished,
        "seconds": expected.seconds if expected else None,
        "peak_memory_bytes": expected.peak_memory_bytes if expected else None,
        "artifact_bytes": expected.artifact_bytes if expected else None,
        "cache_bytes": expected.cache_bytes if expected else None,
        "seconds_left": line.seconds_left,
        **money,
    }


def _written(line: EstimateLine) -> list[str]:
    expected = line.expected
    where = f" on {line.data_set}" if line.data_set else ""
    size = f" at {line.train_size}" if line.train_size else ""
    known = [
        format_seconds(expected.seconds),
        _mebibytes(expected.peak_memory_bytes),
        _mebibytes(expected.artifact_bytes),
        _mebibytes(expected.cache_bytes),
        format_seconds(line.seconds_left),
    ] if expected else [MISSING] * 5  # fmt: skip
    return [f"{line.contender}{where}{size}", str(line.cells), str(line.finished), *known]


def _total(lines: Sequence[EstimateLine], price_per_hour: float | None) -> str:
    seconds = sum(line.seconds_left for line in lines)
    waiting = sum(line.cells - line.finished for line in lines)
    disk = sum((line.cells - line.finished) * line.expected.artifact_bytes for line in lines if line.expected)
    money = (
        f", {_money(seconds, price_per_hour):.2f} at {price_per_hour:g} an hour" if price_per_hour is not None else ""
    )
    return f"{waiting} cells to run: about {format_seconds(seconds)}{money}; models of {_mebibytes(disk)} on disk."


def _money(seconds: float, price_per_hour: float) -> float:
    return price_per_hour * seconds / _SECONDS_AN_HOUR


def _mebibytes(count: float) -> str:
    return f"{count / 2**20:,.1f} MiB" if count else "0"
