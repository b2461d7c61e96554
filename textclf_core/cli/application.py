"""The application: the command ``textclf`` and its sub-commands, from one module each."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = """Which fine-tuning strategy should I use for my labelled text, and what does it cost me?

Plugins are written as NAME or NAME:key=value,key=value, such as --plugin freeze-first-n:n=4. `textclf plugins` lists
them, and `textclf plugins show NAME` shows the options of one."""


def application() -> typer.Typer:
    """Return the application with its sub-commands."""
    from textclf_core.cli.cache import app as cache
    from textclf_core.cli.cell import cell
    from textclf_core.cli.compare import compare
    from textclf_core.cli.data import data
    from textclf_core.cli.doctor import doctor
    from textclf_core.cli.export import export
    from textclf_core.cli.plugins import app as plugins
    from textclf_core.cli.predict import predict
    from textclf_core.cli.report import report
    from textclf_core.cli.run import run
    from textclf_core.cli.standard_output import result_alone

    # Plain help texts, since drawing boxes with rich takes a tenth of a second.
    app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_options)
    app.command()(result_alone(data))
    app.command()(result_alone(run))
    app.command()(result_alone(compare))
    app.command()(result_alone(cell))
    app.command()(result_alone(report))
    app.command()(result_alone(predict))
    app.command()(result_alone(export))
    app.command()(result_alone(doctor))
    app.add_typer(cache, name="cache")
    app.add_typer(plugins, name="plugins")
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"textclf {version('textclf-core')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere.")] = False,
    trace_hooks: Annotated[
        bool,
        typer.Option(
            "--trace-hooks", help="Print which plugin answered each hook, in order, with times; allowed anywhere."
        ),
    ] = False,
) -> None:
    """Declare the options of ``textclf`` itself; ``main`` has already handled the last two."""
