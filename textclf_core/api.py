"""The command line's words, in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import TextclfError
from textclf_core.plugins import Catalogue, activate, override
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.schema import Record, read_record
from textclf_core.types.seeds import check_seed, check_seeds

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from textclf_core.inference.store import Engine
    from textclf_core.report.analysis import Analysis


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
        self, texts: Iterable[str | Sequence[str] | Mapping[str, str]], engine: Engine = "torch"
    ) -> list[dict[str, Any]]:
        """Return a ``{"text", "prediction", "score"}`` for each text, in order.

        Where a model reads several text columns, each item holds a text for each of them, in their order or by their
        names, and the answer has them under their names in the place of ``text``.

        A model that gives several labels gives ``{"text", "labels"}``, and one that labels words splits a text at
        white space and gives ``{"text", "entities"}``; see :func:`textclf_core.inference.predict.score_rows`.

        Args:
            texts: the texts to label, or, for several text columns, the texts of each row.
            engine: what computes: ``torch``, or ``onnx`` or ``onnx-int8``, which the extra ``onnx`` brings. How far
                these agree with torch goes to the logger ``textclf``.

        Raises:
            UsageError: there is no such engine, it isn't installed, or the run's model isn't an encoder; or a row
                hasn't a text for each text column.
            RunError: the model can't be exported to ONNX.
        """
        from textclf_core.inference.predict import named_texts, score_rows
        from textclf_core.inference.store import load_classifier

        classifier, task = load_classifier(self.directory, Catalogue.discover(), engine=engine)
        if len(task.text_columns) == 1:
            return list(score_rows(classifier, task, ({"text": text} for text in texts), "text"))
        rows = (row if isinstance(row, Mapping) else named_texts(row, task) for row in texts)
        return list(score_rows(classifier, task, map(dict, rows)))

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

        from textclf_core.report.summary import metric_rows

        return pd.DataFrame(metric_rows(self.record)).set_index("metric")

    def __str__(self) -> str:
        from textclf_core.report.summary import summary

        return summary(self.record, str(self.directory))

    def _repr_html_(self) -> str:
        from textclf_core.report.summary import summary_html

        return summary_html(self.record, str(self.directory))


def open_run(directory: str | Path) -> Run:
    """Return the run in ``directory``.

    Raises:
        UsageError: there is none.
    """
    return Run(Path(directory), read_record(Path(directory)))


def run(
    plugins: Sequence[str | PluginSpec] = (),
    *,
    data: Any = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    seed: int = 0,
    data_seed: int = 0,
    output: str | Path = "runs",
    device: str = "auto",
    cache_dir: str | Path | None = None,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> Run:
    """Fine-tune once, score validation and test, and leave a record.

    >>> run(plugins=["minilm", "freeze-first-n:n=4"], seed=0).metrics["test"]["f1"]
    >>> run(plugins=["minilm"], data=frame, text="review", label="stars")

    Args:
        plugins: specs, as on the command line. Roles that none is given for take their defaults.
        data: labelled texts in memory instead of a dataset plugin: a pandas frame, an Arrow table, a ``Dataset``, a
            ``DatasetDict`` or a dict of any of these by split, or a list of ``(text, label)`` pairs or of dicts.
        text: the column of ``data`` that holds the texts, or several; guessed if not given.
        label: the column of ``data`` that holds the labels, or one of 0 and 1 for each label; guessed if not given.
        seed: decides the head, the order of the examples and the dropout.
        data_seed: decides carved splits and samples.
        output: the folder that gets the run's directory.
        device: a torch device, or ``auto``.
        cache_dir: the folder of the cache of frozen prefixes; the user's if not given.
        plugin_files: Python files with plugins of your own.
        quiet: show no progress.

    Raises:
        TextclfError: with a sentence that says what was wrong and what to do.
    """
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    active = activate(plugins, catalogue, set_by="call", without=() if data is None else ("dataset",))

    from textclf_core.data import from_memory
    from textclf_core.pipeline.pipeline import run_one
    from textclf_core.pipeline.spec import InMemoryData, RunSpec
    from textclf_core.types.progress import Progress

    spec = RunSpec(
        plugins=active,
        data=None if data is None else InMemoryData.of(from_memory(data, text=text, label=label)),
        seed=check_seed(seed),
        data_seed=check_seed(data_seed, "data_seed"),
        output=Path(output),
        device=device,
        cache=Path(cache_dir) if cache_dir else None,
    )
    done = run_one(spec, Progress(quiet=quiet))
    return Run(done.directory, done.record)


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison that was run: what it says, its runs, and what failed. In a notebook it shows as a table.

    Attributes:
        analysis: scores, verdicts, costs and the recommended line; ``None`` if every cell failed.
        runs: the finished runs, contender by contender.
        failed: the error of each cell that failed, by the contender's label and the seed.
    """

    analysis: Analysis | None
    runs: tuple[Run, ...]
    failed: dict[tuple[str, int], TextclfError]

    @property
    def recommended(self) -> str | None:
        """The label of the cheapest contender that is not distinguishable from the best."""
        rows = self.analysis.rows if self.analysis else ()
        return next((row.line.label for row in rows if row.recommended), None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a contender, the best first, as a pandas frame."""
        import pandas as pd

        rows = self.analysis.rows if self.analysis else ()
        if not rows:
            return pd.DataFrame(index=pd.Index([], name="contender"))
        return pd.DataFrame(
            [
                {
                    "contender": row.line.label,
                    "score": row.score,
                    "deviation": row.deviation,
                    "low": row.low,
                    "high": row.high,
                    "verdict": row.verdict,
                    "p_value": row.p_value,
                    "recommended": row.recommended,
                    **row.costs,
                }
                for row in rows
            ]
        ).set_index("contender")

    def __str__(self) -> str:
        from textclf_core.report.tables import comparison_text

        return comparison_text(self.analysis, "simple") if self.analysis else "every cell failed"

    def _repr_html_(self) -> str:
        from textclf_core.report.tables import comparison_text

        return comparison_text(self.analysis, "html") if self.analysis else "every cell failed"


def compare(
    tries: Sequence[str],
    *,
    plugins: Sequence[str | PluginSpec] = (),
    seeds: int | Sequence[int] = 3,
    data: Any = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    data_seed: int = 0,
    yardsticks: bool = True,
    metric: str = "f1",
    cost: str = "train-seconds",
    output: str | Path = "runs",
    device: str = "auto",
    cache_dir: str | Path | None = None,
    force: bool = False,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> ComparisonResult:
    """Run contenders on the same splits and seeds, and say which strategy to use.

    >>> compare(["full", "head-only", "freeze-first-n:n=0..6"], plugins=["minilm"], seeds=3).recommended

    Cells that are finished in ``output`` are read, not run. One that fails doesn't stop the others.

    Args:
        tries: the contenders, as after ``--try``.
        plugins: plugins of every contender.
        seeds: how many (3 is 0, 1 and 2), or which.
        data: labelled texts in memory, as :func:`run` takes them.
        text: the column of ``data`` that holds the texts, or several.
        label: the column of ``data`` that holds the labels, or one of 0 and 1 for each label.
        data_seed: decides carved splits and samples, one for all contenders.
        yardsticks: compare with the majority class and TF-IDF with logistic regression too.
        metric: what decides: ``f1`` or ``accuracy``.
        cost: what the recommended line is cheap by, a name in ``textclf_core.report.costs.COSTS``.
        output: the folder that gets the runs.
        device: a torch device, or ``auto``.
        cache_dir: the folder of the cache of frozen prefixes; the user's if not given.
        force: run cells again that are finished.
        plugin_files: Python files with plugins of your own.
        quiet: show no progress.

    Raises:
        TextclfError: a name, an option or the data can't be used; nothing has run then.
    """
    from textclf_core.comparison.contenders import contenders, with_yardsticks
    from textclf_core.report.analysis import analyse, check_metric
    from textclf_core.report.costs import check_cost

    check_metric(metric)
    check_cost(cost)
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    base = override((), plugins, catalogue)
    found = contenders(
        with_yardsticks(tries, catalogue) if yardsticks else tries,
        base,
        catalogue,
        without=() if data is None else ("dataset",),
    )

    from textclf_core.comparison.estimate import kept_expected
    from textclf_core.comparison.live_view import Board
    from textclf_core.comparison.runner import plan, run_cells
    from textclf_core.data import from_memory, prepare
    from textclf_core.report.stored import StoredRun

    planned = plan(
        found,
        check_seeds(seeds),
        output=Path(output),
        data=None if data is None else prepare(from_memory(data, text=text, label=label), data_seed),
        data_seed=check_seed(data_seed, "data_seed"),
        device=device,
        cache=Path(cache_dir) if cache_dir else None,
    )
    check_metric(metric, planned.tasks)
    expected = kept_expected(planned.output)
    board = Board(planned.cells, metric, expected=expected, quiet=quiet)
    finished, failed = run_cells(planned, board, force=force, expected=expected)
    analyses = analyse([StoredRun(cell.directory, cell.record) for cell in finished], metric=metric, cost=cost)
    return ComparisonResult(
        analyses[0] if analyses else None,
        tuple(Run(cell.directory, cell.record) for cell in finished),
        {(cell.cell.contender.label, cell.cell.seed): cell.error for cell in failed},
    )
