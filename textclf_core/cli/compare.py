"""``textclf compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli import criteria, options
from textclf_core.cli.cache import CacheDirectory
from textclf_core.cli.completion import complete_datasets, complete_executors, complete_specs
from textclf_core.cli.standard_output import print_result
from textclf_core.errors import UsageError, format_error
from textclf_core.types.seeds import check_seeds


def compare(
    context: typer.Context,
    experiment: options.Experiment = None,
    attempt: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            help="A contender: a plugin with its options, or several joined by ' + '. A list of numbers (n=0,4,6) or a "
            "range (n=0..6) stands for one contender per number. Repeatable.",
            metavar="SPEC",
            autocompletion=complete_specs,
            show_default=False,
        ),
    ] = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            help="A plugin for all contenders. Repeatable.",
            metavar="SPEC",
            show_default=False,
            autocompletion=complete_specs,
        ),
    ] = None,
    data_set: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="A data set: a dataset plugin with its options. Repeat it to compare on several, each with all "
            "contenders.",
            metavar="SPEC",
            show_default=False,
            autocompletion=complete_datasets,
        ),
    ] = None,
    plugin_file: options.PluginFiles = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="The number of seeds (3 stands for 0, 1 and 2), or a list of seeds: 0,7,42. [default: 3]",
            show_default=False,
        ),
    ] = None,
    max_seeds: Annotated[
        int | None,
        typer.Option(
            help="Run more seeds, up to this number, while they could decide something: contenders shown to be worse "
            "get no more. Verdicts hold over all looks.",
            metavar="NUMBER",
            min=3,
            show_default=False,
        ),
    ] = None,
    data_seed: options.DataSeed = None,
    vary: Annotated[
        str,
        typer.Option(
            help="data: give each seed its own training sample, the same for all contenders, and with --tune its own "
            "tuning. Train and validation are drawn anew from both, and the sample of --train-size from train; test "
            "stays the same. data=all: test is drawn anew too.",
            metavar="seed|data|data=all",
        ),
    ] = "seed",
    train_size: Annotated[
        str | None,
        typer.Option(
            help="Train on samples of these sizes, for learning curves: 16/class,64/class,10%,100%. Larger samples "
            "include smaller ones.",
            metavar="SIZES",
            show_default=False,
        ),
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            help="A trainer's option to tune on validation for each contender, such as learning_rate, with a range, "
            "learning_rate=1e-5..1e-2, or with choices, batch_size=16,32. Repeat it to tune several together.",
            metavar="OPTION",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="The number of trials with --tune, per contender, and per seed with --vary data: 8, or as many as "
            "--tune-flops allows.",
            min=2,
            show_default=False,
        ),
    ] = None,
    tune_flops: Annotated[
        float | None,
        typer.Option(
            help="The FLOPs of training after which a contender's tuning begins no further trial, such as 2e13.",
            metavar="FLOPS",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option(help="Begin trials on a quarter of train, on which all but the best quarter of them end.")
    ] = True,
    baselines: Annotated[
        bool, typer.Option(help="Also compare with the majority class and TF-IDF with logistic regression.")
    ] = True,
    metric: criteria.Metric = None,
    cost: criteria.Cost = "train-seconds",
    tolerance: criteria.Tolerance = None,
    pairs: criteria.Pairs = False,
    cluster: criteria.Cluster = None,
    price: criteria.Price = None,
    label_price: criteria.LabelPrice = 0.0,
    predictions: criteria.Predictions = None,
    months: criteria.Months = 12.0,
    output: options.Output = None,
    device: options.Device = None,
    cache_dir: CacheDirectory = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="The plugin that runs the cells in other processes, such as local. Without it they run in this one, "
            "one after another.",
            metavar="SPEC",
            show_default=False,
            autocompletion=complete_executors,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Run so many cells at the same time, in processes of this machine or by the --executor.",
            metavar="NUMBER",
            min=1,
            show_default=False,
        ),
    ] = None,
    emit: Annotated[
        Path | None,
        typer.Option(
            help="Only write the cells as files into a folder, from which `textclf cell FILE` runs one anywhere.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Serve the report to browsers of this machine while the comparison runs: scores, intervals and the "
            "time left; verdicts only at planned looks and at the end. The final page is saved too.",
        ),
    ] = False,
    live_at: Annotated[
        str | None,
        typer.Option(
            help="Where to serve it: a port, or a host and a port for other machines. [default: a free port]",
            metavar="[HOST:]PORT",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only estimate, from short pilot runs, what the comparison will cost."),
    ] = False,
    force: Annotated[
        bool, typer.Option(help="Run finished cells again; finished trials of --tune are reused.")
    ] = False,
    format: Annotated[
        str,
        typer.Option(help="The format of the table: simple, github, html, latex_booktabs ..., csv, tsv or json."),
    ] = "simple",
) -> None:
    """Compare contenders, and recommend one.

    All contenders are trained on the same splits, once per seed. Each contender at a seed is a cell, whose run is saved
    in the output folder. With several data sets, each has such cells, and a comparison over them follows. If the
    command was stopped, give it again: it reads the finished cells and runs the others. `textclf report` shows the same
    table later.
    """
    from textclf_core.cli.run import notes_shown
    from textclf_core.comparison.contenders import named_contenders
    from textclf_core.comparison.data_sets import named_data_sets
    from textclf_core.comparison.experiment_file import read_settings
    from textclf_core.plugins import Catalogue, activate_executor, override
    from textclf_core.reports.criteria import Criteria
    from textclf_core.reports.tables import check_format

    settings = read_settings(
        experiment,
        seeds=parse_seeds(seeds) if seeds is not None else None,
        data_seed=data_seed,
        output=output,
        device=device,
    )
    # Check all names and options before torch is imported.
    catalogue = Catalogue.discover(plugin_file or ())
    found = named_contenders(
        [*settings.tries, *(attempt or ())],
        override(settings.plugins, plugin or (), catalogue),
        catalogue,
        data_sets=named_data_sets([*(spec for [spec] in settings.data_sets), *(data_set or ())], catalogue),
        baselines=baselines,
    )
    check_format(format)
    if (live or live_at is not None) and (dry_run or emit is not None):
        raise UsageError("--live shows cells that run, and --dry-run and --emit run none; leave one out.")
    by = Criteria.parsed(
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

    from rich.console import Console

    from textclf_core.comparison.compare import ComparisonRequest, estimate
    from textclf_core.comparison.compare import compare as run_and_compare
    from textclf_core.comparison.compare import emit as write_cell_files
    from textclf_core.comparison.page_server import Address
    from textclf_core.comparison.search import parse_search
    from textclf_core.data.sampling import parse_train_sizes

    request = ComparisonRequest(
        contenders=found,
        seeds=settings.seeds,
        max_seeds=max_seeds,
        vary=vary,
        sizes=parse_train_sizes(train_size) if train_size is not None else (),
        search=parse_search(tune or (), trials, flops=tune_flops, prune=prune),
        data_seed=settings.data_seed,
        device=settings.device,
        cache_directory=cache_dir,
        output=settings.output,
        criteria=by,
        executor=activate_executor(executor, workers, catalogue),
        workers=workers,
        live=(Address() if live_at is None else Address.parse(live_at)) if live or live_at is not None else None,
        force=force,
        command=context.find_root().obj,
    )
    console = Console(stderr=True)
    if dry_run:
        with notes_shown(console):
            expected = estimate(request, console=console)
        print_result(expected.text(format))
        if expected.not_included:
            typer.echo(expected.not_included, err=True)
        return
    if emit is not None:
        with notes_shown(console):
            files = write_cell_files(request, emit)
        print_result(
            f"{len(files)} files in {emit}, each to be run by\n  textclf cell {emit}/NAME.json\n"
            "When they have run, this command without --emit shows the comparison."
        )
        return
    with notes_shown(console):
        outcome = run_and_compare(request, console=console)
    try:
        if outcome.report.analyses:
            print_result(outcome.report.text(format))
    finally:
        for cell in outcome.failed:
            typer.echo(f"error: {cell.cell.name}: {format_error(cell.error)}", err=True)
    if outcome.error:
        raise outcome.error
    if outcome.failed:
        raise typer.Exit(1)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds for ``3`` (their number) or ``0,7,42`` (a list).

    Raises:
        UsageError: the text is neither, or a seed is given twice.
    """
    parts = text.replace(" ", "").split(",")
    if not all(part.isdigit() for part in parts):
        raise UsageError(f"--seeds {text}: give their number, such as 3, or a list, such as 0,7,42.")
    numbers = tuple(int(part) for part in parts)
    return check_seeds(numbers[0] if len(numbers) == 1 else numbers)
