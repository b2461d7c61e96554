"""Reserving standard output for a command's result: the output of plugins and libraries goes to standard error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TextIO

from textclf_core.errors import format_error

P = ParamSpec("P")

_STDOUT, _STDERR = 1, 2
_result: ContextVar[TextIO] = ContextVar("result")


def result_alone(command: Callable[P, None]) -> Callable[P, None]:
    """Return a command whose standard output contains only what it writes to :func:`result_stream`."""

    @wraps(command)
    def alone(*args: P.args, **kwargs: P.kwargs) -> None:
        with _others_on_stderr() as stream:
            token = _result.set(stream)
            try:
                command(*args, **kwargs)
            except KeyboardInterrupt as interrupt:  # Typer would drop the notes on it
                notes = format_error(interrupt).strip()
                print(f"interrupted. {notes}".strip(), file=sys.stderr)
                raise SystemExit(130) from None
            finally:
                _result.reset(token)

    return alone


def result_stream() -> TextIO:
    """Return the standard output of the command before it was redirected."""
    return _result.get(sys.stdout)


def print_result(text: object) -> None:
    """Print a command's result, or a part of it."""
    print(text, file=result_stream(), flush=True)


@contextmanager
def _others_on_stderr() -> Iterator[TextIO]:
    """Redirect standard output to standard error, and yield a stream to the original standard output.

    Both Python's stream and the process's file descriptor, which C libraries and child processes use, are redirected.
    """
    stdout = sys.stdout
    if stdout is not None:
        stdout.flush()
    try:
        original = os.dup(_STDOUT)
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # one of them is closed
        with redirect_stdout(sys.stderr):
            yield stdout
        return
    # Python's stream may be a different one, as in a test or a notebook.
    result = _reopened(stdout, original) if _writes_to(stdout, _STDOUT) else stdout
    try:
        with redirect_stdout(sys.stderr):
            yield result
    finally:
        _flush_others(stdout)
        os.dup2(original, _STDOUT)
        os.close(original)
        if result is not stdout:
            result.close()


def _writes_to(stream: TextIO | None, descriptor: int) -> bool:
    with suppress(AttributeError, io.UnsupportedOperation):
        return stream is not None and stream.fileno() == descriptor
    return False


def _reopened(stream: TextIO, descriptor: int) -> TextIO:
    return open(os.dup(descriptor), "w", encoding=stream.encoding, errors=stream.errors)  # noqa: PTH123


def _flush_others(stdout: TextIO | None) -> None:
    """Flush the buffers of Python's and C's standard output."""
    if stdout is not None:
        stdout.flush()
    # Libraries with C code have imported ctypes; if none has, importing it would only take time.
    if os.name == "posix" and "ctypes" in sys.modules:
        sys.modules["ctypes"].CDLL(None).fflush(None)
