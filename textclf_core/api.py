"""The command line's words, in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.plugins import Catalogue, activate
from textclf_core.records import Record, read_record
from textclf_core.specs import PluginSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa



@dataclass(frozen=True)
class Run:
    """A run that is on disk: its record, its predictions, its model. In a notebook it shows as a table."""

    directory: Path
    record: Record

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """The metrics by split and name: ``run.metrics["test"]["f1"]``."""
        return self.record.metrics

    def predictions(self) -> pa.Table:
        """Return the stored predictions, a row an example; ``.to_pandas()`` makes a frame of them."""
        from textclf_core.predictions import read_predictions

        return read_predictions(self.directory)

    def predict(self, texts: Iterable[str]) -> list[dict[str, Any]]:
        """Return a ``{"text", "prediction", "score"}`` for each text, in order."""
        from textclf_core.saving import load_classifier
        from textclf_core.scoring import score_rows

        classifier, task = load_classifier(self.directory, Catalogue.discover())
        return list(score_rows(classifier, task, ({"text": text} for text in texts), "text"))

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
    text: str | None = None,
    label: str | None = None,
    seed: int = 0,
    data_seed: int = 0,
    output: str | Path = "runs",
    device: str = "auto",
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
        text: the column of ``data`` that holds the texts; guessed if not given.
        label: the column of ``data`` that holds the labels; guessed if not given.
        seed: decides the head, the order of the examples and the dropout.
        data_seed: decides carved splits and samples.
        output: the folder that gets the run's directory.
        device: a torch device, or ``auto``.
        plugin_files: Python files with plugins of your own.
        quiet: show no progress.

    Raises:
        TextclfError: with a sentence that says what was wrong and what to do.
    """
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    active = activate(plugins, catalogue, set_by="call", without=() if data is None else ("dataset",))

    from textclf_core.data import from_memory
    from textclf_core.engine import Experiment, run_experiment
    from textclf_core.progress import Progress

    splits = None if data is None else from_memory(data, text=text, label=label)
    experiment = Experiment(active, data=splits, seed=seed, data_seed=data_seed, output=Path(output), device=device)
    return Run(*run_experiment(experiment, Progress(quiet=quiet)))
