"""The errors that textclf raises for its users.

::

    TextclfError            exit code 1
    ├── UsageError          exit code 2: a wrong name, option, spec or file of settings
    │   └── PluginError     exit code 2: a plugin that can't be loaded or used
    ├── DataError           exit code 2: rows, columns or labels that can't be used
    └── RunError            exit code 1: a run that failed while it ran
        └── OtherProcessError   exit code 1: another process of the run ended

Each message states what was expected, what was found and what to do.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Sequence

_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 5
_SHORT.maxstring = _SHORT.maxother = 60


class TextclfError(Exception):
    """The base class of all errors that a user of textclf can fix."""

    exit_code = 1


class UsageError(TextclfError):
    """A name, option, spec or settings file is wrong or doesn't exist."""

    exit_code = 2


class PluginError(UsageError):
    """A plugin can't be imported, or needs something that this version doesn't have."""


class DataError(TextclfError):
    """The data can't be used; the message names the file and the row."""

    exit_code = 2


class RunError(TextclfError):
    """A run failed while it ran: a loss that isn't finite, a frozen parameter that was updated."""


class OtherProcessError(RunError):
    """Another process of a run over several ended before the run did."""


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the name of ``right`` nearest to ``wrong``, or ``""``."""
    near = difflib.get_close_matches(wrong, list(right), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def some_of(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shortened(value: object) -> str:
    """Return the representation of a value, with at most five items and 60 characters of a text."""
    return _SHORT.repr(value)


def format_error(error: BaseException, *, notes_only: bool = False) -> str:
    """Return an error's message and the notes added to it, one per line."""
    return "\n".join([*([] if notes_only else [str(error)]), *getattr(error, "__notes__", ())])
