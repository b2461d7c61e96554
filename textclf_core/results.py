"""What the Python API gives back: a run, and a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, TextclfError
from textclf_core.plugins import Catalogue
from textclf_core.records.schema import Record

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from textclf_core.inference.store import Engine
    from textclf_core.reports.analysis import Analysis
    from textclf_core.reports.report import Report


@dataclass(frozen=True)
class Run:
    """A run that is on disk: its record, its predictions, its model. In a notebook it shows as a table."""

    directory: Path
    record: Record

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """The metrics by split and name, such as ``run.metrics["test"]["f1"]``."""
        return self.record.metrics

    def predictions(self) -> pa.Table:
        """Return the stored predictions, a row an example; ``.to_pandas()`` makes a frame of them."""
        from textclf_core.records.predictions import read_predictions

        return read_predictions(self.directory)

    def predict(
        self,
        texts: Iterable[str | Sequence[str] | Mapping[str, Any]],
        *,
        text: str | None = None,
        device: str = "auto",
        engine: Engine = "torch",
        plugin_files: Iterable[str | Path] = (),
    ) -> list[dict[str, Any]]:
        """Return a ``{"text", "prediction", "score"}`` for each text, in order.

        Where a model reads several text columns, each item holds a text for each of them, in their order or by their
        names, and the answer has them under their names in the place of ``text``. An item may also be a row, a dict
        with the text in one of its columns; the answer has all of them.

        A model that gives several labels gives ``{"text", "labels"}``, and one that labels words splits a text at
        white space and gives ``{"text", "entities"}``; see :func:`textclf_core.inference.predict.score_rows`.

        Args:
            texts: the texts to label, or, for several text columns, the texts of each row; or rows.
            text: the column of rows that holds the text; several with commas between. Looked for if not given.
            device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.
            engine: what computes: ``torch``, or ``onnx`` or ``onnx-int8``, which the extra ``onnx`` brings. How far
                these agree with torch goes to the logger ``textclf``.
            plugin_files: Python files with plugins of your own.

        Raises:
            UsageError: there is no such device or engine, it isn't installed, or the run's model isn't an encoder; or a
                row hasn't a text for each text column.
            RunError: the model can't be exported to ONNX.
        """
        from textclf_core.inference.predict import named_texts, open_classifier, score_rows

        catalogue = Catalogue.discover(Path(path) for path in plugin_files)
        classifier, task = open_classifier(self.directory, catalogue, device=device, engine=engine)

        def row_of(item: str | Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
            if isinstance(item, Mapping):
                return dict(item)
            return {"text": item} if len(task.text_columns) == 1 else named_texts(item, task)

        return list(score_rows(classifier, task, map(row_of, texts), text))

    def export(self, directory: str | Path, *, push: str | None = None, private: bool = False) -> str | None:
        """Write the model and a model card into ``directory``; return the address of the commit if it is pushed.

        Args:
            directory: the folder to write; it must not hold anything yet.
            push: a repository of the model hub to send it to, ``owner/name``; made if it isn't there.
            private: a repository that is made is private.

        Raises:
            UsageError: the run has no model, the folder holds something, or the hub can't be had.
        """
        from textclf_core.inference.publish import export_run

        return export_run(self.directory, Path(directory), push=push, private=private)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a metric, with its value on each evaluated split, as a pandas frame."""
        import pandas as pd

        from textclf_core.reports.summary import metric_rows

        return pd.DataFrame(metric_rows(self.record)).set_index("metric")

    def text(self, format: str = "simple") -> str:
        """Return the closing table, in a format of ``textclf run --format``.

        Raises:
            UsageError: there is no such format.
        """
        from textclf_core.reports.summary import summary

        return summary(self.record, str(self.directory), format)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from textclf_core.reports.summary import summary_html

        return summary_html(self.record, str(self.directory))


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison that was run: what it says, its runs, and what failed. In a notebook it shows as a table.

    Attributes:
        report: a comparison for each data set, and each size of train; empty if every cell failed.
        runs: the finished runs, contender by contender.
        failed: the error of each cell that failed, by the contender's label (with the size of train behind it, as in
            ``full at 10%``, where that isn't all) and the seed.
        error: why the finished runs can't be compared; ``None`` if they can.
    """

    report: Report
    runs: tuple[Run, ...]
    failed: dict[tuple[str, int], TextclfError]
    error: RunError | None = None

    @property
    def analysis(self) -> Analysis | None:
        """Scores, verdicts, costs and the recommended line on the most training data; ``None`` if every cell failed."""
        return self.report.analysis

    @property
    def recommended(self) -> str | None:
        """The label of the cheapest contender that is not distinguishable from the best, on the most training data."""
        return self.report.recommended

    def text(self, format: str = "simple") -> str:
        """Return the closing table, in a format of ``textclf compare --format``.

        Raises:
            UsageError: there is no such format.
        """
        return self.report.text(format)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a contender, the best first, as a pandas frame, with every column, unrounded."""
        return self.report.to_frame()

    def __str__(self) -> str:
        return self.text() if self.report.analyses else self._why_empty()

    def _repr_html_(self) -> str:
        return self.report._repr_html_() if self.report.analyses else escape(self._why_empty())

    def _why_empty(self) -> str:
        return str(self.error) if self.error else "every cell failed"
