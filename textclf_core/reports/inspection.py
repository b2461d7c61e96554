"""What was read, alone: the data of a run before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape

from textclf_core.reports.data_read import data_json, data_rows, data_table
from textclf_core.reports.formatting import format_table
from textclf_core.reports.summary import check_summary_format, held_out_sentence
from textclf_core.types.data import DataRecord

_WIDTH = 100


@dataclass(frozen=True)
class Lengths:
    """The lengths of all texts in one unit."""

    median: int
    p95: int
    longest: int


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was read. A notebook shows it as tables.

    Attributes:
        data: the data as a run would record them.
        lengths: the lengths of the texts of all splits, in ``words``, ``characters`` and, with a model, ``tokens``.
        examples: the first texts of train with each of the first labels.
    """

    data: DataRecord
    lengths: Mapping[str, Lengths]
    examples: Mapping[str, Sequence[str]]

    def text(self, format: str = "simple") -> str:
        """Return it as text, in a format of ``textclf data --format``.

        Raises:
            UsageError: the format doesn't exist.
        """
        check_summary_format(format)
        if format == "json":
            content = {
                **data_json(self.data),
                "lengths": {unit: asdict(lengths) for unit, lengths in self.lengths.items()},
                "examples": {label: list(texts) for label, texts in self.examples.items()},
            }
            return json.dumps(content, indent=2, ensure_ascii=False)
        lengths = [(unit, f"{one.median:,}", f"{one.p95:,}", f"{one.longest:,}") for unit, one in self.lengths.items()]
        examples = [(label, _shortened(text)) for label, texts in self.examples.items() for text in texts]
        parts = [
            self.data.source,
            data_table(data_rows([self.data]), format),
            format_table(("length", "median", "95%", "longest"), lengths, format, ("left", "right", "right", "right")),
            format_table(("label", "text"), examples, format, ("left", "left")),
            held_out_sentence(self.data),
        ]
        return "\n\n".join(filter(None, parts))

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return f"<div>{self.text('html')}</div>".replace(self.data.source, escape(self.data.source), 1)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
