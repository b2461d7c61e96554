"""The directory of a run: reserved before it begins, whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
from datetime import datetime
from itertools import count
from pathlib import Path

import psutil
from filelock import FileLock

from textclf_core.errors import UsageError
from textclf_core.records.schema import RECORD_FILE

_OWNER = "owner.json"
_REPLACED = "replaced"
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
            self._reserve(output, name, replace=replace)
        except OSError as error:
            raise UsageError(
                f"--output {output}: no run can be written there: {error}. Give another folder."
            ) from error

    def _reserve(self, output: Path, name: str, *, replace: bool) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(output)
        for number in count(1):
            numbered = name if number == 1 else f"{name}-{number}"
            self.id = name if replace else numbered
            self.path = output / self.id
            self._reservation = output / f".{numbered}.reserved"
            with self._lock:
                if _reserve(self._reservation, self.path):
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
            earlier = self._reservation / _REPLACED
            try:
                if self._replaced is not None:
                    # Two renames: the place is empty for a moment, but what is in it is always whole.
                    self.path.rename(earlier)
                self.partial.rename(self.path)
            except BaseException as error:
                if self.path.exists():  # another host doesn't heed the lock
                    if isinstance(error, OSError):
                        return False
                elif earlier.exists():
                    earlier.rename(self.path)
                raise
        self.discard()
        return True

    def keep_incomplete(self) -> Path | None:
        """Keep what was written as ``ID.incomplete`` and return that folder; ``None`` if nothing was."""
        if not any(self.partial.iterdir()):
            self.discard()
            return None
        with self._lock:
            kept = _free(self.path)
            self.partial.rename(kept)
        self.discard()
        return kept

    def discard(self) -> None:
        """Leave nothing of what isn't published."""
        shutil.rmtree(self._reservation, ignore_errors=True)


def _lock(output: Path) -> FileLock:
    """Return what lets one process of this user and host at a time reserve or publish in a folder."""
    place = hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"textclf-{getattr(os, 'getuid', int)()}-{place}.lock")


def _free(path: Path) -> Path:
    """Return a name for what is left of a run that failed, which no other has."""
    names = (f"{path.name}.incomplete" if number == 1 else f"{path.name}-{number}.incomplete" for number in count(1))
    return next(place for place in map(path.with_name, names) if not place.exists())


def _reserve(reservation: Path, path: Path) -> bool:
    """Make the folder of a reservation, in place of one whose process is gone; return whether it is this run's now."""
    if reservation.exists() and _is_abandoned(reservation):
        _clear_up(reservation, path)
    try:
        reservation.mkdir()
    except FileExistsError:
        return False
    try:
        owner = {"host": _host(), "process": os.getpid()}
        (reservation / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    except OSError:
        shutil.rmtree(reservation, ignore_errors=True)
        raise
    return True


def _clear_up(reservation: Path, path: Path) -> None:
    """Put what a killed process left in its reservation where it belongs: whole runs in place, the rest beside."""
    for left in (reservation / _WORK, reservation / _REPLACED):
        if (left / RECORD_FILE).exists() and not path.exists():
            left.rename(path)
        elif left.is_dir() and any(left.iterdir()):
            left.rename(_free(path))
    shutil.rmtree(reservation)


def _host() -> str:
    """Return what tells the processes that this one sees by their numbers from others."""
    space = Path("/proc/self/ns/pid")  # two containers may have one name
    return f"{socket.gethostname()} {space.readlink() if space.is_symlink() else ''}".strip()


def _is_abandoned(reservation: Path) -> bool:
    """Return whether the process that made a reservation ran on this host and is gone."""
    try:
        owner = json.loads((reservation / _OWNER).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # it is being made, or taken away, just now
        return False
    return bool(owner["host"] == _host()) and not psutil.pid_exists(owner["process"])


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a run in a place from a later one in the same place; ``None`` if there is none."""
    try:
        facts = (path / RECORD_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return (path.stat().st_ino, 0) if path.exists() else None
    return facts.st_ino, facts.st_mtime_ns
