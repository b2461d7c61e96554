"""The directory of a run: reserved before it begins, whole or absent."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import socket
import tempfile
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from textclf_core.errors import UsageError
from textclf_core.records.schema import RECORD_FILE

_OWNER = "owner.json"
_WORK = "run"


def run_id(started: datetime, label: str, seed: int) -> str:
    """Return a name that tells a run from others at a glance: ``20260314-150926-head-only-s0``."""
    return f"{started:%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9.+-]+', '-', label)}-s{seed}"


class RunDirectory:
    """A directory that is written inside a reservation, and renamed when the run is whole.

    A reservation is the hidden folder ``.ID.reserved``. Making a folder either succeeds or finds it there, on one host
    and on a folder that several share, so no two runs write to one place. What another run wrote is never removed; a
    reservation is, if its process ran on this host and is gone.

    Args:
        output: the folder that gets the run.
        name: the run's id; a number is put behind it where it is taken.
        replace: take the place of a finished run of that id instead, once the new one is whole.

    Attributes:
        id: the id.
        path: where the run will be.
        partial: where to write until then.
    """

    def __init__(self, output: Path, name: str, *, replace: bool = False) -> None:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--output {output}: it can't be made: {error}. Give another folder.") from error
        self._lock = _lock(output)
        for number in itertools.count(1):
            numbered = name if number == 1 else f"{name}-{number}"
            self.id = name if replace else numbered
            self.path = output / self.id
            self._reservation = output / f".{numbered}.reserved"
            with self._lock:
                if _reserve(self._reservation):
                    if replace or not self.path.exists():
                        break
                    shutil.rmtree(self._reservation)
        self._replaced = _identity(self.path)
        self.partial = self._reservation / _WORK
        self.partial.mkdir()

    def publish(self) -> bool:
        """Give the run its name; return ``False`` if another run took that place meanwhile, which then stays."""
        with self._lock:
            if _identity(self.path) != self._replaced:
                return False
            if self._replaced is not None:
                # Two renames: the place is empty for a moment, but what is in it is always whole.
                self.path.rename(self._reservation / "replaced")
            try:
                self.partial.rename(self.path)
            except OSError:  # another host doesn't heed the lock
                if self.path.exists():
                    return False
                raise
        self.discard()
        return True

    def keep_incomplete(self) -> Path | None:
        """Keep what was written as ``ID.incomplete`` and return that folder; ``None`` if nothing was."""
        if not any(self.partial.iterdir()):
            self.discard()
            return None
        for number in itertools.count(1):
            kept = self.path.with_name(f"{self.id}.incomplete" if number == 1 else f"{self.id}.incomplete-{number}")
            with self._lock:
                if not kept.exists():
                    self.partial.rename(kept)
                    break
        self.discard()
        return kept

    def discard(self) -> None:
        """Leave nothing of what isn't published."""
        shutil.rmtree(self._reservation, ignore_errors=True)


def _lock(output: Path) -> FileLock:
    """Return what lets one process of this user and host at a time reserve or publish in a folder."""
    place = hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"textclf-{getattr(os, 'getuid', int)()}-{place}.lock")


def _reserve(reservation: Path) -> bool:
    """Make the folder of a reservation, in place of one whose process is gone; return whether it is this run's now."""
    if reservation.exists() and _is_abandoned(reservation):
        shutil.rmtree(reservation)
    try:
        reservation.mkdir()
    except FileExistsError:
        return False
    owner = {"host": socket.gethostname(), "process": os.getpid()}
    (reservation / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    return True


def _is_abandoned(reservation: Path) -> bool:
    """Return whether the process that made a reservation ran on this host and is gone."""
    try:
        owner = json.loads((reservation / _OWNER).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # it is being made, or taken away, just now
        return False
    return owner["host"] == socket.gethostname() and not _is_alive(owner["process"])


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a run in a place from a later one in the same place; ``None`` if there is none."""
    try:
        facts = (path / RECORD_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return (path.stat().st_ino, 0) if path.exists() else None
    return facts.st_ino, facts.st_mtime_ns


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and alive
        return True
    return True
