"""The results of the Python API: a run, and a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, TextclfError
from textclf_core.plugins import Catalogue
from textclf_core.records.schema import Record
from textclf_core.storage.places import shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from textclf_core.reports.analysis import Analysis
    from textclf_core.reports.report import Report


@dataclass(frozen=True)
class Run:
    """A finished run on disk: its record, predictions and model. A notebook shows it as a table."""

    directory: Path
    record: Record

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """The metrics by split and name, such as ``run.metrics["test"]["f1"]``."""
        return self.record.metrics

    def predictions(self) -> pa.Table:
        """Return the stored predictions, one row per example; ``.to_pandas()`` converts them to a data frame."""
        from textclf_core.records.predictions import read_predictions

        return read_predictions(self.directory)

    def predict(
        self,
        texts: Any,
        *,
        text: str | Sequence[str] | None = None,
        device: str = "auto",
        engine: str = "torch",
        plugin_files: Iterable[str | Path] = (),
    ) -> list[dict[str, Any]]:
        """Return a list with a dict of ``text``, ``prediction`` and ``score`` for each text, in order.

        If the model reads several text columns, each item has a text for each of them, in order or by name, and the
        result has the columns' names in place of ``text``. An item may also be a row: a dict with the text in one of
        its columns, all of which the result includes. A row's own ``prediction`` or ``score`` is kept; the model's is
        then ``model_prediction`` or ``model_score``. A missing text is an empty one.

        A multi-label model returns ``text`` and ``labels``. A token classification model splits texts into words at
        white space and returns ``text`` and ``entities``; see :func:`textclf_core.inference.predict.score_rows`.

        Args:
            texts: a text, or the texts to label; for several text columns, the texts of each row; or rows: a list of
                dicts, a data frame, an Arrow table, a ``Dataset``, or a dict of columns.
            text: the text column of rows, or several; inferred if not given.
            device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.
            engine: ``torch``, or an engine that ``textclf plugins --role engine`` lists, with its options as
                ``NAME:key=value``; its agreement with torch is logged.
            plugin_files: Python files with your own plugins.

        Raises:
            UsageError: the device or engine doesn't exist or isn't installed, or the engine doesn't support the model;
                a column doesn't exist; or the data is of another type.
            DataError: a cell isn't a text.
            RunError: the model can't be exported, or the engine computes other scores.
        """
        from textclf_core.inference.given_rows import given_rows
        from textclf_core.inference.predict import score_rows
        from textclf_core.inference.store import load_classifier

        catalogue = Catalogue.discover(Path(path) for path in plugin_files)
        classifier, task = load_classifier(self.directory, catalogue, device=device, engine=engine)
        rows = given_rows(texts, task)
        return list(score_rows(classifier, task, rows, text, dict.fromkeys(chain.from_iterable(rows))))

    def export(
        self,
        directory: str | Path,
        *,
        format: str | None = None,
        push: str | None = None,
        private: bool = False,
        plugin_files: Iterable[str | Path] = (),
    ) -> str | None:
        """Write the model and a model card into ``directory``; return the address of the commit if it is pushed.

        Args:
            directory: the folder to write, which must be empty or not exist.
            format: an exporter that ``textclf plugins --role exporter`` lists, with its options as ``NAME:key=value``,
                which also writes the model into ``directory/exports/NAME``.
            push: a repository of the model hub to push to, ``owner/name``, which is created if it doesn't exist.
            private: whether a created repository is private.
            plugin_files: Python files with your own plugins.

        Raises:
            UsageError: the run has no model, the folder isn't empty, the exporter doesn't exist or doesn't support the
                model, or the hub can't be used.
            RunError: the model can't be exported.
        """
        from textclf_core.inference.publish import export_run

        catalogue = Catalogue.discover(Path(path) for path in plugin_files)
        return export_run(self.directory, Path(directory), catalogue, format=format, push=push, private=private)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with one row per metric and one column per evaluated split."""
        import pandas as pd

        from textclf_core.reports.summary import metric_rows

        return pd.DataFrame(metric_rows(self.record)).set_index("metric")

    def text(self, format: str = "simple") -> str:
        """Return the summary table, in a format of ``textclf run --format``.

        Raises:
            UsageError: the format doesn't exist.
        """
        from textclf_core.reports.summary import summary

        return summary(self.record, shown(self.directory), format)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from textclf_core.reports.summary import summary_html

        return summary_html(self.record, shown(self.directory))


@dataclass(frozen=True)
class ComparisonResult:
    """The result of a comparison: its report, its runs, and its failed cells. A notebook shows it as a table.

    Attributes:
        report: the analysis for each data set and each size of train; empty if every cell failed.
        runs: the finished runs, contender by contender.
        failed: the error of each failed cell, by the contender's label and the seed. The label is followed by the data
            set if there are several, and by the size of train if it isn't all of it: ``full on files:path=reviews at
            10%``.
        error: why the finished runs can't be compared; ``None`` if they can.
    """

    report: Report
    runs: tuple[Run, ...]
    failed: dict[tuple[str, int], TextclfError]
    error: RunError | None = None

    @property
    def analysis(self) -> Analysis | None:
        """Scores, verdicts, costs and recommendation for the largest training set; ``None`` if every cell failed.

        ``report.analyses`` has those of all data sets and sizes of train.
        """
        return self.report.analysis

    @property
    def recommended(self) -> str | None:
        """The label of the recommended contender, for the largest training set.

        ``None`` if it isn't the same on all data sets.
        """
        return self.report.recommended

    def text(self, format: str = "simple") -> str:
        """Return the summary table, in a format of ``textclf compare --format``.

        Raises:
            UsageError: the format doesn't exist.
        """
        return self.report.text(format)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with one row per contender, the best first, and all columns, unrounded."""
        return self.report.to_frame()

    def __str__(self) -> str:
        return self.text() if self.report.analyses else self._why_empty()

    def _repr_html_(self) -> str:
        return self.report._repr_html_() if self.report.analyses else escape(self._why_empty())

    def _why_empty(self) -> str:
        return str(self.error) if self.error else "every cell failed"
