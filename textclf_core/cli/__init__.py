"""The command line, with one module per sub-command; slow imports are made only when a command runs."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from textclf_core.errors import RunError, TextclfError, UsageError, format_error

HELP = """Which fine-tuning strategy should I use for my labelled text, and what does it cost me?

Plugins are written as NAME or NAME:key=value,key=value, such as --plugin freeze-first-n:n=4. `textclf plugins` lists
them, and `textclf plugins show NAME` shows the options of one."""


_OF_THE_PATH = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code.

    The message of a textclf error, or of a file or folder that can't be read or written, is printed to stderr, and
    determines the exit code. With ``--debug``, anywhere on the command line, the traceback is shown instead. Typer
    itself ends the process for help, for a wrong command line (2) and for Ctrl-C (130).

    Args:
        arguments: the arguments after ``textclf``; those of the process if ``None``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        own = [word for word in words if word != "--debug"]
        application()(own, prog_name="textclf", obj=shlex.join(["textclf", *words]))
    except TextclfError as error:
        if "--debug" in words:
            traceback.print_exception(error)
        else:
            print(f"error: {format_error(error)}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if "--debug" in words or error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return UsageError.exit_code if isinstance(error, _OF_THE_PATH) else RunError.exit_code
    except KeyboardInterrupt:  # pressed before Typer handles it
        return 130
    return 0


def application() -> typer.Typer:
    """Return the application with its sub-commands."""
    from textclf_core.cli.cache import app as cache
    from textclf_core.cli.compare import compare
    from textclf_core.cli.data import data
    from textclf_core.cli.export import export
    from textclf_core.cli.plugins import app as plugins
    from textclf_core.cli.predict import predict
    from textclf_core.cli.report import report
    from textclf_core.cli.run import run
    from textclf_core.cli.standard_output import result_alone

    # Plain help texts, since drawing boxes with rich takes a tenth of a second.
    app = typer.Typer(
        help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )
    app.callback()(_options)
    app.command()(result_alone(data))
    app.command()(result_alone(run))
    app.command()(result_alone(compare))
    app.command()(result_alone(report))
    app.command()(result_alone(predict))
    app.command()(result_alone(export))
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
) -> None:
    """Declare the options of ``textclf`` itself; ``main`` has already handled ``--debug``."""
