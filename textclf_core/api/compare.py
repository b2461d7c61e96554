"""Comparisons of strategies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from textclf_core.api.arguments import as_folder, as_path, as_specs
from textclf_core.errors import UsageError
from textclf_core.plugins import Catalogue, activate_executor, override
from textclf_core.plugins.specs import PluginSpec
from textclf_core.results import ComparisonResult, Run

if TYPE_CHECKING:
    from textclf_core.reports.estimate_table import Estimate

logger = logging.getLogger("textclf")


@overload
def compare(
    tries: Sequence[str] = (),
    *,
    plugins: Sequence[str | PluginSpec] = (),
    experiment: str | Path | None = None,
    data: Any = None,
    data_sets: Sequence[str | PluginSpec] | Mapping[str, Any] = (),
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    seeds: int | Sequence[int] | None = None,
    max_seeds: int | None = None,
    data_seed: int | None = None,
    vary: str = "seed",
    train_size: str | Sequence[str] | None = None,
    tune: str | Sequence[str] = (),
    trials: int | None = None,
    tune_flops: float | None = None,
    prune: bool = True,
    baselines: bool = True,
    metric: str | None = None,
    cost: str = "train-seconds",
    tolerance: float | None = None,
    pairs: bool = False,
    cluster: str | None = None,
    price: str | None = None,
    label_price: float = 0.0,
    predictions: str | None = None,
    months: float = 12.0,
    output: str | Path | None = None,
    device: str | None = None,
    cache_dir: str | Path | None = None,
    executor: str | PluginSpec | None = None,
    workers: int | None = None,
    dry_run: Literal[False] = False,
    force: bool = False,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> ComparisonResult: ...


@overload
def compare(
    tries: Sequence[str] = (),
    *,
    plugins: Sequence[str | PluginSpec] = (),
    experiment: str | Path | None = None,
    data: Any = None,
    data_sets: Sequence[str | PluginSpec] | Mapping[str, Any] = (),
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    seeds: int | Sequence[int] | None = None,
    max_seeds: int | None = None,
    data_seed: int | None = None,
    vary: str = "seed",
    train_size: str | Sequence[str] | None = None,
    tune: str | Sequence[str] = (),
    trials: int | None = None,
    tune_flops: float | None = None,
    prune: bool = True,
    baselines: bool = True,
    metric: str | None = None,
    cost: str = "train-seconds",
    tolerance: float | None = None,
    pairs: bool = False,
    cluster: str | None = None,
    price: str | None = None,
    label_price: float = 0.0,
    predictions: str | None = None,
    months: float = 12.0,
    output: str | Path | None = None,
    device: str | None = None,
    cache_dir: str | Path | None = None,
    executor: str | PluginSpec | None = None,
    workers: int | None = None,
    dry_run: Literal[True],
    force: bool = False,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> Estimate: ...


def compare(
    tries: Sequence[str] = (),
    *,
    plugins: Sequence[str | PluginSpec] = (),
    experiment: str | Path | None = None,
    data: Any = None,
    data_sets: Sequence[str | PluginSpec] | Mapping[str, Any] = (),
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    seeds: int | Sequence[int] | None = None,
    max_seeds: int | None = None,
    data_seed: int | None = None,
    vary: str = "seed",
    train_size: str | Sequence[str] | None = None,
    tune: str | Sequence[str] = (),
    trials: int | None = None,
    tune_flops: float | None = None,
    prune: bool = True,
    baselines: bool = True,
    metric: str | None = None,
    cost: str = "train-seconds",
    tolerance: float | None = None,
    pairs: bool = False,
    cluster: str | None = None,
    price: str | None = None,
    label_price: float = 0.0,
    predictions: str | None = None,
    months: float = 12.0,
    output: str | Path | None = None,
    device: str | None = None,
    cache_dir: str | Path | None = None,
    executor: str | PluginSpec | None = None,
    workers: int | None = None,
    dry_run: bool = False,
    force: bool = False,
    plugin_files: Iterable[str | Path] = (),
    quiet: bool = False,
) -> ComparisonResult | Estimate:
    """Run contenders on the same splits and seeds, and recommend a strategy.

    >>> compare(["full", "head-only", "freeze-first-n:n=0..6"], plugins=["minilm"], seeds=3).recommended

    Every cell (a contender at a seed, on each of several data sets) is a run in the output folder. Finished cells are
    read instead of run again. A failing cell doesn't stop the others. :func:`report` shows the same table later.

    Args:
        tries: the contenders: a plugin with its options, or several joined by ``" + "``. A number may be a list,
            ``n=0,4,6``, or a range, ``n=0..6``. They are added to those of the experiment file.
        plugins: plugins of every contender.
        experiment: an experiment file (TOML) with values for these arguments; given arguments override it.
        data: labelled texts in memory, as for :func:`run`.
        data_sets: several data sets, on each of which all contenders run: dataset plugins with their options,
            ``["files:path=reviews", "files:path=tweets"]``, or a dict by name of these or of data in memory. They are
            added to those of the experiment file.
        text: the text column of data in memory, or several; inferred if not given.
        label: the label column of data in memory, or one column of zeros and ones per label; inferred if not given.
        group: a column of data in memory, such as an author: rows that share a value stay on one side of each split
            that is made, and test rows that do count as one draw.
        time: a column of data in memory with numbers or dates: splits that are made train on the past.
        seeds: the number of seeds (3 stands for 0, 1 and 2), or the seeds; 3 if not given.
        max_seeds: run more seeds, up to this number, while they could decide something. Contenders shown to be worse
            get no more; verdicts hold over all looks.
        data_seed: the seed of splits held out from train, and of samples; 0 if not given.
        vary: ``data`` to give each seed its own training sample, which all contenders share: train and validation are
            drawn anew from both, and the sample of ``train_size`` from train. Test stays the same. ``data=all`` draws
            test too, from all rows. With ``tune``, each sample has its own tuning.
        train_size: sizes of train, for learning curves: ``["16/class", "64/class", "10%", "100%"]``. Smaller samples
            are part of larger ones.
        tune: options of the trainer to tune on validation for each contender: ``learning_rate``, with a range
            ``learning_rate=1e-5..1e-2``, or with choices ``batch_size=16,32``.
        trials: the number of trials with ``tune``, per contender, and per seed if ``vary`` is ``data``: 8, or as
            many as ``tune_flops`` allows.
        tune_flops: the FLOPs of training after which a contender's tuning begins no further trial.
        prune: whether trials begin on a quarter of train, on which all but the best quarter of them end.
        baselines: whether to add the majority class and TF-IDF with logistic regression.
        metric: the metric by which contenders are ranked and recommended: any that a metric plugin describes; the first
            default metric for the task if ``None``.
        cost: the cost that the recommended contender should keep low: ``train-seconds``, ``flops``, ``memory``,
            ``trainable``, ``artifact``, ``latency``, one that a plugin adds or, with ``price``, ``money``.
        tolerance: the loss to accept, in the metric's units; 0.01, one point, if ``None`` and the metric ranges from 0
            to 1.
        pairs: whether to add the test of each pair of contenders.
        cluster: a column of the data, such as an author: test rows that share a value count as one draw. Rows that
            share a text always do.
        price: the price of the machine, such as ``0.40/h``, which adds the cost ``money``: labels, training and
            predictions.
        label_price: the price of labelling one text.
        predictions: how many texts the model will predict: ``1e6/month``.
        months: for how many months it will.
        output: the folder for run directories, or the URL of one, such as ``s3://bucket/runs``; ``runs`` if not given.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``; ``auto`` if not given.
        cache_dir: the cache's folder, or the URL of one; the user's cache if not given.
        executor: the plugin that runs the cells in other processes: ``local``, or ``slurm:partition=gpu``. If not
            given, they run in this process, one after another, or with ``workers`` in processes of this machine.
        workers: how many cells to run at the same time; the executor decides it if not given.
        dry_run: whether to only estimate, by pilot runs, what the comparison will cost.
        force: whether to run finished cells again; finished trials of ``tune`` are reused.
        plugin_files: Python files with your own plugins.
        quiet: whether to show no progress.

    Raises:
        TextclfError: a name, an option or the data can't be used; no cell has run.
    """
    from textclf_core.comparison.contenders import named_contenders
    from textclf_core.comparison.data_sets import named_data_sets
    from textclf_core.comparison.experiment_file import read_settings
    from textclf_core.reports.criteria import Criteria

    settings = read_settings(as_path(experiment), seeds=seeds, data_seed=data_seed, output=output, device=device)
    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    chosen = (
        *named_data_sets([spec for [spec] in settings.data_sets], catalogue),
        *named_data_sets(data_sets, catalogue, set_by="call"),
    )
    if data is not None and chosen:
        raise UsageError("data and data sets exclude each other; add data in memory to data_sets by a name.")
    found = named_contenders(
        [*settings.tries, *as_specs("tries", tries)],
        override(settings.plugins, as_specs("plugins", plugins), catalogue, set_by="call"),
        catalogue,
        data_sets=chosen,
        baselines=baselines,
        without=() if data is None else ("dataset",),
        set_by="call",
    )
    criteria = Criteria.parsed(
        metric=metric,
        cost=cost,
        tolerance=tolerance,
        pairs=pairs,
        cluster=cluster,
        price=price,
        label_price=label_price,
        predictions=predictions,
        months=months,
    )

    from textclf_core.comparison.compare import ComparisonRequest, estimate
    from textclf_core.comparison.compare import compare as run_and_compare
    from textclf_core.comparison.search import parse_search
    from textclf_core.data import from_memory
    from textclf_core.data.sampling import parse_train_sizes
    from textclf_core.types.progress import Progress

    read = partial(from_memory, text=text, label=label, group=group, time=time, progress=Progress(quiet=quiet))
    in_memory = [(one.name, one.rows) for one in chosen if one.spec is None]
    if data is not None:
        in_memory = [("data in memory", data)]
    sizes = ",".join([train_size] if isinstance(train_size, str) else train_size or ())
    request = ComparisonRequest(
        contenders=found,
        seeds=settings.seeds,
        max_seeds=max_seeds,
        vary=vary,
        sizes=parse_train_sizes(sizes) if train_size is not None else (),
        search=parse_search([tune] if isinstance(tune, str) else tune or (), trials, flops=tune_flops, prune=prune),
        data={name if len(chosen) > 1 else None: read(rows, source=name) for name, rows in in_memory},
        data_seed=settings.data_seed,
        device=settings.device,
        cache_directory=as_folder(cache_dir),
        output=settings.output,
        criteria=criteria,
        executor=activate_executor(executor, workers, catalogue, set_by="call"),
        workers=workers,
        force=force,
    )
    if dry_run:
        return estimate(request, quiet=quiet)
    outcome = run_and_compare(request, quiet=quiet)
    if outcome.error:
        logger.warning("%s", outcome.error)
    return ComparisonResult(
        outcome.report,
        tuple(Run(cell.directory, cell.record) for cell in outcome.finished),
        {(one.cell.contender_name, one.cell.seed): one.error for one in outcome.failed},
        outcome.error,
    )
