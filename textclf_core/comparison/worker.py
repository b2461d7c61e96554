"""A process that runs the jobs of an executor one after another, as it is asked to on standard input."""

from __future__ import annotations

import _thread
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from textclf_core.comparison.execution import run_file
from textclf_core.system.memory import present_objects_kept
from textclf_core.types.progress import Bar, Progress

_SECONDS_BETWEEN_SHOWS = 0.5
_SECONDS_TO_IDLE = 0.2
_SECONDS_TO_END = 5.0


def work(results: TextIO) -> None:
    """Run the jobs whose files are named on standard input, until it is closed.

    Args:
        results: where to write a line of JSON for each event, as ``CellQueue.worker_command`` describes them.
    """
    channel = _Channel(results)
    files: SimpleQueue[str | None] = SimpleQueue()
    is_idle = threading.Event()
    threading.Thread(target=_read, args=(files, is_idle), daemon=True).start()
    logger = logging.getLogger("textclf")
    logger.setLevel(logging.INFO)
    logger.addHandler(_LogHandler(channel))
    channel.send(ready=True)
    with present_objects_kept():
        while (file := files.get()) is not None:
            run_file(Path(file), _SentProgress(channel))
            channel.send(ended=file)
    is_idle.set()


def _read(files: SimpleQueue[str | None], is_idle: threading.Event) -> None:
    """Pass on the names of files; when there will be none, end the process, whatever it is doing."""
    for line in sys.stdin:
        files.put(line.rstrip("\n"))
    files.put(None)
    if not is_idle.wait(_SECONDS_TO_IDLE):
        # The job that is running ends as after Ctrl-C, with what it has written so far.
        _thread.interrupt_main()
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


class _Channel:
    """Write events, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, **event: object) -> None:
        with self._lock:
            print(json.dumps(event), file=self._stream, flush=True)


class _LogHandler(logging.Handler):
    def __init__(self, channel: _Channel) -> None:
        super().__init__(logging.INFO)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send(log=[record.levelno, record.getMessage()])


class _SentBar(Bar):
    """Send the progress, twice a second at most."""

    def __init__(self, description: str, total: int | None, unit: str, channel: _Channel) -> None:
        super().__init__(description, total, unit)
        self._channel = channel
        self._last = self._started

    def _show(self) -> None:
        now = time.perf_counter()
        if now - self._last >= _SECONDS_BETWEEN_SHOWS:
            self._last = now
            self._channel.send(show=self.text)


class _SentProgress(Progress):
    def __init__(self, channel: _Channel) -> None:
        super().__init__(quiet=True)
        self._channel = channel

    @contextmanager
    def bar(self, description: str, total: int | None, unit: str = "steps") -> Iterator[Bar]:
        yield _SentBar(description, total, unit, self._channel)
