"""What is logged goes to the events of the run that logs it; the history, a view of these, goes to its file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.types.events import History, RunEvents

_LOGGER = logging.getLogger("textclf")
_RUNNING: ContextVar[tuple[RunEvents, ...]] = ContextVar("textclf_running", default=())


class _NotesOfTheRun(logging.Handler):
    """Gives what is logged to the events of the run in whose context it is logged, and to no other's."""

    def emit(self, record: logging.LogRecord) -> None:
        for events in _RUNNING.get():
            events.note(record.getMessage())


class _Listening:
    """Has the logger pass on INFO while there is a run, and puts its level back after the last."""

    def __init__(self) -> None:
        self._handler, self._lock, self._runs, self._level = _NotesOfTheRun(logging.INFO), Lock(), 0, logging.NOTSET

    def begin(self) -> None:
        """Count one run more."""
        with self._lock:
            if self._runs == 0:
                self._level = _LOGGER.level
                _LOGGER.addHandler(self._handler)
                if _LOGGER.getEffectiveLevel() > logging.INFO:
                    _LOGGER.setLevel(logging.INFO)
            self._runs += 1

    def end(self) -> None:
        """Count one run less."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                _LOGGER.removeHandler(self._handler)
                _LOGGER.setLevel(self._level)


_LISTENING = _Listening()


@contextmanager
def noting(events: Sequence[RunEvents]) -> Iterator[None]:
    """Let these events, and no other run's, have what this thread logs to ``textclf`` while the block runs."""
    token = _RUNNING.set(tuple(events))
    _LISTENING.begin()
    try:
        yield
    finally:
        _LISTENING.end()
        _RUNNING.reset(token)


def write_history(events: RunEvents, directory: Path) -> None:
    """Have ``history.jsonl`` in ``directory`` written at the end of each epoch."""

    def write(history: History) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in history)
        (directory / HISTORY_FILE).write_text(lines, encoding="utf-8")

    events.listeners.append(write)
