"""The command line, with one module per sub-command; slow imports are made only when a command runs."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import partial

from textclf_core.errors import RunError, TextclfError, UsageError, format_error
from textclf_core.system.world import World, reports_failure

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
        with _hooks_traced() if "--trace-hooks" in words else nullcontext(), _silent_beside_rank_0():
            _run(own, shlex.join(["textclf", *words]))
    except TextclfError as error:
        if not reports_failure():  # another process that shares the run has printed the error
            notes = "" if World.launched().rank else format_error(error, notes_only=True)
            print(notes, end="\n" if notes else "", file=sys.stderr)
        elif "--debug" in words:
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


@contextmanager
def _silent_beside_rank_0() -> Iterator[None]:
    """Print nothing while the block runs in a process that shares a run, unless it is rank 0."""
    if World.launched().rank == 0:
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
        yield


def _run(words: list[str], command: str) -> None:
    if (launched := World.launched()).size > 1 and "run" not in words[:1]:
        raise UsageError(
            f"only `textclf run` can be shared among processes, of which {launched.size} were launched; start "
            f"`textclf {' '.join(words[:1])}` without torchrun."
        )
    if words == ["plugins"]:  # typer, and pydantic with which it reads options, take twice as long as the list
        from textclf_core.cli.plugin_list import print_plugins

        print_plugins()
        return
    from textclf_core.cli.application import application
    from textclf_core.cli.completion import answer_bash, asked_by_bash

    run = partial(application(), words, prog_name="textclf", obj=command)
    answer_bash(run) if asked_by_bash() else run()


@contextmanager
def _hooks_traced() -> Iterator[None]:
    """Print each call of a hook to stderr; it is no message of the run, so the record doesn't get it."""
    import logging

    trace = logging.getLogger("textclf.hooks")
    before = trace.level, trace.propagate, trace.handlers
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("hook: %(message)s"))
    trace.handlers = [handler]
    try:
        yield
    finally:
        trace.level, trace.propagate, trace.handlers = before
