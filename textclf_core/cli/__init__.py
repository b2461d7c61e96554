"""The command line, with one module per sub-command; slow imports are made only when a command runs."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from functools import partial

from textclf_core.errors import RunError, TextclfError, UsageError, format_error

_OF_THE_PATH = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code.

    The message of a textclf error, or of a file or folder that can't be read or written, is printed to stderr, and
    determines the exit code. With ``--debug``, anywhere on the command line, the traceback is shown instead, and with
    ``--trace-hooks`` each call of a hook is printed to stderr. The process ends here for help, for a wrong command line
    (2) and for Ctrl-C (130).

    Args:
        arguments: the arguments after ``textclf``; those of the process if ``None``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        own = [word for word in words if word not in ("--debug", "--trace-hooks")]
        if "--trace-hooks" in words:
            _trace_hooks()
        if own == ["plugins"]:  # typer, and pydantic with which it reads options, take twice as long as the list
            from textclf_core.cli.plugin_list import print_plugins

            print_plugins()
        else:
            from textclf_core.cli.application import application
            from textclf_core.cli.completion import answer_bash, asked_by_bash

            run = partial(application(), own, prog_name="textclf", obj=shlex.join(["textclf", *words]))
            answer_bash(run) if asked_by_bash() else run()
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


def _trace_hooks() -> None:
    """Print each call of a hook to stderr; it is no message of the run, so the record doesn't get it."""
    import logging

    trace = logging.getLogger("textclf.hooks")
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("hook: %(message)s"))
    trace.handlers = [handler]
