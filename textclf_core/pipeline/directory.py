"""The directory of a run, which is reserved at its start and is always complete or absent."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from contextlib import ExitStack
from datetime import datetime
from itertools import count
from pathlib import Path

import psutil
from filelock import FileLock

from textclf_core.errors import UsageError
from textclf_core.records.remote_runs import RemoteRuns, remote_runs
from textclf_core.records.schema import INCOMPLETE, RECORD_FILE
from textclf_core.storage.leases import leased
from textclf_core.storage.places import shown
from textclf_core.storage.remote import remote_folder
from textclf_core.system.host import host_name

_OWNER = "owner.json"
_REPLACED = "replaced"
_WORK = "run"

CLAIMS = ".running"
"""The subfolder of an output folder for the claims of runs in progress."""


def run_id(started: datetime, label: str, seed: int) -> str:
    """Return the default name of a run directory: ``20260314-150926-head-only-s0``."""
    return f"{started:%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9.+-]+', '-', label)}-s{seed}"


class RunDirectory:
    """A directory that is written inside a reservation, and renamed when the run is complete.

    A reservation is the hidden folder ``.ID.reserved``. Creating a folder is atomic, on one host and in a folder that
    several hosts share, so no two runs write to the same directory. What another run wrote is never removed; a
    reservation is, if its process ran on this host and no longer exists.

    If the output folder is the copy of one behind a URL, the id isn't one of a run there, nor of one that another
    machine is running, and a complete run is uploaded.

    Args:
        output: the folder of the run directories.
        name: the run's id; a number is appended if it is taken.
        replace: replace a finished run with that id, once the new one is complete, instead of appending a number.

    Attributes:
        id: the run's id.
        path: the final path of the run directory.
        partial: where to write until the run is complete.
    """

    def __init__(self, output: Path, name: str, *, replace: bool = False) -> None:
        self._claim = ExitStack()
        self._remote = remote_runs(output)
        try:
            self._reserve(output, name, replace=replace)
        except OSError as error:
            where = shown(output)
            raise UsageError(f"--output {where}: the folder can't be written: {error}. Choose another one.") from error

    def _reserve(self, output: Path, name: str, *, replace: bool) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(output)
        self._replaced_there = self._remote.current(name) if self._remote and replace else None
        for number in count(1):
            numbered = name if number == 1 else f"{name}-{number}"
            self.id = name if replace else numbered
            self.path = output / self.id
            self._reservation = output / f".{numbered}.reserved"
            with self._lock:
                if _reserve(self._reservation, self.path, self._remote):
                    try:
                        if replace or not (self.path.exists() or self._is_taken_elsewhere(output)):
                            break
                    except BaseException:
                        shutil.rmtree(self._reservation)
                        raise
                    shutil.rmtree(self._reservation)
        self._replaced = _identity(self.path)
        self.partial = self._reservation / _WORK
        self.partial.mkdir()

    def _is_taken_elsewhere(self, output: Path) -> bool:
        """Return whether a run behind the URL, or one that is running, has the id; else it is claimed."""
        claims = remote_folder(output / CLAIMS)
        if self._remote is None or claims is None:
            return False
        claim = ExitStack()
        if claim.enter_context(leased(claims, self.id)) and self._remote.current(self.id) is None:
            self._claim = claim
            return False
        claim.close()
        return True

    def publish(self) -> bool:
        """Rename the run to its final path; return ``False``, and do nothing, if another run was published there.

        Raises:
            RunError: it can't be uploaded; a later command will do it.
        """
        if self._remote is not None:
            return self._publish_to(self._remote)
        with self._lock:
            if _identity(self.path) != self._replaced:
                return False
            earlier = self._reservation / _REPLACED
            try:
                if self._replaced is not None:
                    # Between the two renames there is no directory, but there is never an incomplete one.
                    self.path.rename(earlier)
                self.partial.rename(self.path)
            except BaseException as error:
                if self.path.exists():  # the lock doesn't apply to other hosts
                    if isinstance(error, OSError):
                        return False
                elif earlier.exists():
                    earlier.rename(self.path)
                raise
        self.discard()
        return True

    def _publish_to(self, remote: RemoteRuns) -> bool:
        with self._lock:
            remote.add_pending(self.partial, self.id, self._replaced_there)
        try:
            if not remote.upload(self.id):
                remote.pending(self.id).rename(self.partial)
                return False
        except KeyboardInterrupt as interrupt:
            interrupt.add_note("The run has finished. The next command with the same output uploads it.")
            self.discard()
            raise
        self.discard()
        return True

    def keep_incomplete(self) -> Path | None:
        """Rename what was written to ``ID.incomplete`` and return that folder; ``None`` if nothing was written."""
        if not self.partial.is_dir() or not any(self.partial.iterdir()):
            self.discard()
            return None
        with self._lock:
            kept = _free(self.path)
            self.partial.rename(kept)
        self.discard()
        return kept

    def discard(self) -> None:
        """Remove everything that isn't published."""
        shutil.rmtree(self._reservation, ignore_errors=True)
        self._claim.close()


def finish_killed_runs(output: Path) -> None:
    """Put in place the complete runs that killed processes of this host have left in an output folder.

    They go to their paths, or behind the folder's URL. Incomplete ones stay where they are, so that a command can
    resume from them.

    Raises:
        TextclfError: a complete run can't be uploaded.
    """
    remote = remote_runs(output)
    for reservation in output.glob(".*.reserved"):
        with _lock(output):
            is_complete = remote is not None or not _is_unfinished(reservation / _WORK)
            if reservation.exists() and is_complete and _is_abandoned(reservation):
                _clear_up(reservation, output / reservation.name.removeprefix(".").removesuffix(".reserved"), remote)
    if remote is not None:
        remote.upload_pending()


def _lock(output: Path) -> FileLock:
    """Return the lock, for processes of this user and host, for reserving and publishing in a folder."""
    place = hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"textclf-{getattr(os, 'getuid', int)()}-{place}.lock")


def _free(path: Path) -> Path:
    """Return an unused path for the files of a failed run."""
    names = (f"{path.name}{INCOMPLETE}" if number == 1 else f"{path.name}-{number}{INCOMPLETE}" for number in count(1))
    return next(place for place in map(path.with_name, names) if not place.exists())


def _reserve(reservation: Path, path: Path, remote: RemoteRuns | None) -> bool:
    """Create a reservation, replacing one whose process no longer exists; return whether it succeeded."""
    if reservation.exists() and _is_abandoned(reservation):
        _clear_up(reservation, path, remote)
    try:
        reservation.mkdir()
    except FileExistsError:
        return False
    try:
        owner = {"host": host_name(), "process": os.getpid()}
        (reservation / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    except OSError:
        shutil.rmtree(reservation, ignore_errors=True)
        raise
    return True


def _clear_up(reservation: Path, path: Path, remote: RemoteRuns | None) -> None:
    """Move what a killed process left in its reservation: a complete run to its path, the rest to ``ID.incomplete``.

    In the copy of a folder behind a URL, a complete run goes to those that wait for their upload.
    """
    for left in (reservation / _WORK, reservation / _REPLACED):
        if remote is not None and (left / RECORD_FILE).exists():
            remote.add_pending(left, path.name, None)
        elif (left / RECORD_FILE).exists() and not path.exists():
            left.rename(path)
        elif left.is_dir() and any(left.iterdir()):
            left.rename(_free(path))
    shutil.rmtree(reservation)


def _is_unfinished(partial: Path) -> bool:
    return partial.is_dir() and any(partial.iterdir()) and not (partial / RECORD_FILE).exists()


def _is_abandoned(reservation: Path) -> bool:
    """Return whether the process that made a reservation ran on this host and no longer exists."""
    try:
        owner = json.loads((reservation / _OWNER).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # it is being created or removed
        return False
    return bool(owner["host"] == host_name()) and not psutil.pid_exists(owner["process"])


def _identity(path: Path) -> tuple[int, int] | None:
    """Return an identity of the run at a path that changes if it is replaced; ``None`` if there is no run."""
    try:
        facts = (path / RECORD_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return (path.stat().st_ino, 0) if path.exists() else None
    return facts.st_ino, facts.st_mtime_ns
