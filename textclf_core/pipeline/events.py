"""Two views of a run's events: what is logged goes to the run that logs it, and the history goes to its file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.types.events import History, RunEvents

_LOGGER = logging.getLogger("textclf")
_RUNNING: ContextVar[tuple[RunEvents, ...]] = ContextVar("textclf_running", default=())


class _NotesOfTheRun(logging.Handler):
    """Gives what is logged to the events of the run in whose context it is logged, and to no other's."""

    def emit(self, record: logging.LogRecord) -> None:
        for events in _RUNNING.get():
            events.note(record.getMessage())


_HANDLER = _NotesOfTheRun(logging.INFO)


@contextmanager
def noting(events: Sequence[RunEvents]) -> Iterator[None]:
    """Let these events, and no other run's, have what this thread logs to ``textclf`` while the block runs."""
    _LOGGER.addHandler(_HANDLER)  # the same one for all runs, so it stays; adding it again does nothing
    if _LOGGER.getEffectiveLevel() > logging.INFO:
        _LOGGER.setLevel(logging.INFO)
    token = _RUNNING.set(tuple(events))
    try:
        yield
    finally:
        _RUNNING.reset(token)


def write_history(events: RunEvents, directory: Path) -> None:
    """Have ``history.jsonl`` in ``directory`` written at the end of each epoch."""

    def write(history: History) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in history)
        (directory / HISTORY_FILE).write_text(lines, encoding="utf-8")

    events.listeners.append(write)
