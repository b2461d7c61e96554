"""``textclf run``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from textclf_core.cli import options
from textclf_core.cli.cache import CacheDirectory
from textclf_core.cli.standard_output import print_result

if TYPE_CHECKING:
    from rich.console import Console


def run(
    context: typer.Context,
    experiment: options.Experiment = None,
    plugin: options.Plugins = None,
    plugin_file: options.PluginFiles = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The seed of the new head, the order of examples and dropout. [default: 0]", min=0, show_default=False
        ),
    ] = None,
    data_seed: options.DataSeed = None,
    output: options.Output = None,
    device: options.Device = None,
    cache_dir: CacheDirectory = None,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", help="Also show the time of each stage, and how close training is to the machine's limits."
        ),
    ] = False,
    format: Annotated[
        str, typer.Option(help="The format of the table: simple, github, html, latex ... or json.")
    ] = "simple",
) -> None:
    """Fine-tune once, score validation and test, and save the run.

    A role (dataset, model, strategy, trainer ...) without a plugin gets its default; `textclf plugins` shows roles and
    defaults. A plugin given here replaces the experiment file's plugin with the same name, or with the same role if a
    run has only one plugin of that role.
    """
    from textclf_core.comparison.experiment_file import check_one_data_set, read_settings
    from textclf_core.plugins import Catalogue, activate, override
    from textclf_core.reports.summary import check_summary_format, summary
    from textclf_core.storage.places import shown

    settings = read_settings(experiment, seed=seed, data_seed=data_seed, output=output, device=device)
    check_one_data_set(settings, "run")
    # Check all names and options before torch is imported.
    catalogue = Catalogue.discover(plugin_file or ())
    plugins = activate(override(settings.plugins, plugin or (), catalogue), catalogue)
    check_summary_format(format)

    from rich.console import Console

    from textclf_core.pipeline.pipeline import run_one
    from textclf_core.pipeline.spec import RunSpec
    from textclf_core.system.environment import resolve_device
    from textclf_core.types.progress import Progress

    console = Console(stderr=True)
    asked = RunSpec(
        plugins=plugins,
        seed=settings.seed,
        data_seed=settings.data_seed,
        output=settings.output,
        device=settings.device,
        command=context.find_root().obj,
        cache=cache_dir,
    )
    with notes_shown(console):
        done = run_one(asked, Progress(console))
    print_result(summary(done.record, shown(done.directory), format))
    if profile:
        from textclf_core.reports.profile import measure_rates, profile_text

        rates = measure_rates(resolve_device(asked.device))
        text = profile_text(done.record, rates, "simple" if format == "json" else format)
        # With JSON, standard output must contain nothing else.
        typer.echo(text, err=True) if format == "json" else print_result(f"\n{text}")


@contextmanager
def notes_shown(console: Console) -> Iterator[None]:
    """Show the log messages of textclf and its plugins while the block runs."""
    logger = logging.getLogger("textclf")
    handler = _NoteHandler(console)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _NoteHandler(logging.Handler):
    """Print each message once, above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() in self._shown:  # the cells of a comparison log the same messages
            return
        self._shown.add(record.getMessage())
        prefix = "warning" if record.levelno >= logging.WARNING else "note"
        self._console.print(f"{prefix}: {record.getMessage()}", soft_wrap=True, highlight=False, markup=False)
