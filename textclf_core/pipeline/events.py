"""Collecting log messages in the events of the run that logs them, and writing the history file."""

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
    """Add log messages to the events of the run in whose context they are logged, and to no other's."""

    def emit(self, record: logging.LogRecord) -> None:
        for events in _RUNNING.get():
            events.note(record.getMessage())


class _Listening:
    """Lower the logger's level to INFO during runs, and restore it after the last one."""

    def __init__(self) -> None:
        self._handler, self._lock, self._runs, self._level = _NotesOfTheRun(logging.INFO), Lock(), 0, logging.NOTSET

    def begin(self) -> None:
        """Register a run."""
        with self._lock:
            if self._runs == 0:
                self._level = _LOGGER.level
                _LOGGER.addHandler(self._handler)
                if _LOGGER.getEffectiveLevel() > logging.INFO:
                    _LOGGER.setLevel(logging.INFO)
            self._runs += 1

    def end(self) -> None:
        """Unregister a run."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                _LOGGER.removeHandler(self._handler)
                _LOGGER.setLevel(self._level)


_LISTENING = _Listening()


@contextmanager
def noting(events: Sequence[RunEvents]) -> Iterator[None]:
    """Add what this thread logs to ``textclf`` to these events, and no others, while the block runs."""
    token = _RUNNING.set(tuple(events))
    _LISTENING.begin()
    try:
        yield
    finally:
        _LISTENING.end()
        _RUNNING.reset(token)


def write_history(events: RunEvents, directory: Path) -> None:
    """Write ``history.jsonl`` into ``directory`` at the end of each epoch from now on."""

    def write(history: History, new: History) -> None:
        if not any("epoch" in row for row in new):
            return
        lines = "".join(json.dumps(row) + "\n" for row in history)
        (directory / HISTORY_FILE).write_text(lines, encoding="utf-8")

    events.listeners.append(write)
