"""Runs, and the data that they would read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.api.arguments import as_folder, as_path, as_specs
from textclf_core.plugins import Catalogue, activate, override
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.remote_runs import fetch_runs
from textclf_core.records.schema import read_record
from textclf_core.results import Run
from textclf_core.storage.places import local_folder

if TYPE_CHECKING:
    from textclf_core.reports.inspection import Inspection


def inspect_data(
    plugins: Sequence[str | PluginSpec] = (),
    *,
    experiment: str | Path | None = None,
    data: Any = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    data_seed: int | None = None,
    plugin_files: Iterable[str | Path] = (),
) -> Inspection:
    """Read the data as a run would, without training, and return what was read.

    >>> print(inspect_data(data=frame, text="review", label="stars"))

    Args:
        plugins: a dataset plugin, and a model to count tokens with.
        experiment: an experiment file (TOML) with values for these arguments; given arguments override it.
        data: labelled texts in memory, as for :func:`run`.
        text: the text column of ``data``, or several; inferred if not given.
        label: the label column of ``data``, or one column of zeros and ones per label; inferred if not given.
        group: a column of ``data``, such as an author: rows that share a value stay on one side of each split that is
            made, and test rows that do count as one draw.
        time: a column of ``data`` with numbers or dates: splits that are made train on the past.
        data_seed: the seed of held-out splits and samples; 0 if not given.
        plugin_files: Python files with your own plugins.

    Raises:
        TextclfError: the message says what was wrong and what to do.
    """
    from textclf_core.comparison.experiment_file import check_one_data_set, read_settings
    from textclf_core.comparison.inspection import inspect
    from textclf_core.data import from_memory
    from textclf_core.types.progress import Progress

    settings = read_settings(as_path(experiment), data_seed=data_seed)
    check_one_data_set(settings, "data")
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    specs = override(settings.plugins, as_specs("plugins", plugins), catalogue, set_by="call")
    return inspect(
        activate(specs, catalogue, without=() if data is None else ("dataset",)),
        None if data is None else from_memory(data, text, label, group=group, time=time, progress=Progress()),
        data_seed=settings.data_seed,
    )


def run(
    plugins: Sequence[str | PluginSpec] = (),
    *,
    experiment: str | Path | None = None,
    data: Any = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    seed: int | None = None,
    data_seed: int | None = None,
    output: str | Path | None = None,
    device: str | None = None,
    cache_dir: str | Path | None = None,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> Run:
    """Fine-tune once, score validation and test, and save a run.

    >>> run(plugins=["minilm", "freeze-first-n:n=4"], seed=0).metrics["test"]["f1"]
    >>> run(plugins=["minilm"], data=frame, text="review", label="stars")

    Args:
        plugins: specs, as on the command line. A role without a plugin gets its default. A plugin replaces the
            experiment file's plugin with the same name, or with the same role if a run has only one plugin of it.
        experiment: an experiment file (TOML) with values for these arguments; given arguments override it.
        data: labelled texts in memory instead of a dataset plugin: a pandas or polars data frame, an Arrow table, a
            ``Dataset``, a list or generator of ``(text, label)`` pairs or of dicts, a dict of columns, or a dict of any
            of these by split.
        text: the text column of ``data``, or several; inferred if not given.
        label: the label column of ``data``, or one column of zeros and ones per label; inferred if not given.
        group: a column of ``data``, such as an author: rows that share a value stay on one side of each split that is
            made, and test rows that do count as one draw.
        time: a column of ``data`` with numbers or dates: splits that are made train on the past.
        seed: the seed of the new head, the order of examples and dropout; 0 if not given.
        data_seed: the seed of splits held out from train, and of samples; 0 if not given.
        output: the folder for run directories, or the URL of one, such as ``s3://bucket/runs``; ``runs`` if not given.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``; ``auto`` if not given.
        cache_dir: the cache's folder, or the URL of one; the user's cache if not given.
        plugin_files: Python files with your own plugins.
        quiet: whether to show no progress.

    Raises:
        TextclfError: the message says what was wrong and what to do.
    """
    from textclf_core.comparison.experiment_file import check_one_data_set, read_settings

    settings = read_settings(as_path(experiment), seed=seed, data_seed=data_seed, output=output, device=device)
    check_one_data_set(settings, "run")
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    specs = override(settings.plugins, as_specs("plugins", plugins), catalogue, set_by="call")
    active = activate(specs, catalogue, without=() if data is None else ("dataset",))

    from textclf_core.data import from_memory
    from textclf_core.pipeline.pipeline import run_one
    from textclf_core.pipeline.spec import InMemoryData, RunSpec
    from textclf_core.types.progress import Progress

    progress = Progress(quiet=quiet)
    spec = RunSpec(
        plugins=active,
        data=None
        if data is None
        else InMemoryData.of(from_memory(data, text, label, group=group, time=time, progress=progress)),
        seed=settings.seed,
        data_seed=settings.data_seed,
        output=settings.output,
        device=settings.device,
        cache=as_folder(cache_dir),
    )
    done = run_one(spec, progress)
    return Run(done.directory, done.record)


def open_run(directory: str | Path) -> Run:
    """Return the finished run in ``directory``, which may also be a URL, such as ``s3://bucket/runs/ID``.

    Raises:
        UsageError: the directory isn't a run.
    """
    place = local_folder(directory)
    fetch_runs(place)
    return Run(place, read_record(place))
