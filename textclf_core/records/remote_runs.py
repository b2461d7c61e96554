"""Runs in a folder behind a URL, and their copies on this machine, which commands read and write."""

from __future__ import annotations

import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from textclf_core.errors import RunError, UsageError, some_of
from textclf_core.records.schema import (
    CHECKPOINTS_DIRECTORY,
    INCOMPLETE,
    MODEL_DIRECTORY,
    RECORD_FILE,
    TRIALS_DIRECTORY,
)
from textclf_core.storage.places import url_of
from textclf_core.storage.remote import RemoteFolder, remote_folder
from textclf_core.storage.whole import FILES, ChangedError, FileList, download, upload

logger = logging.getLogger("textclf")

_LISTS = ".lists"
_PENDING = ".pending"
_REPLACES = ".replaces"
_DOWNLOADS = ".downloads"
_TRIES = 3
_SECONDS_FRESH = 3.0
_SECONDS_ABANDONED = 24 * 60 * 60


def remote_runs(folder: Path) -> RemoteRuns | None:
    """Return the runs behind the URL whose copy is at a path; ``None`` if it isn't a copy.

    Raises:
        UsageError: the package of the URL's protocol isn't installed.
    """
    url = url_of(folder)
    return None if url is None else _open(folder.absolute(), url, os.getpid())


@lru_cache(maxsize=64)
def _open(folder: Path, url: str, process: int) -> RemoteRuns:
    remote = remote_folder(folder)
    assert remote is not None
    return RemoteRuns(folder, remote)


def fetch_runs(path: Path) -> None:
    """Bring the copy of a run, or of all runs directly in a folder, up to date, but for their models.

    A path that isn't a copy is left alone.

    Raises:
        UsageError: the URL can't be read.
    """
    if (above := remote_runs(path.parent)) and above.refresh([path.name]):
        return
    if runs := remote_runs(path):
        runs.refresh()
        path.mkdir(parents=True, exist_ok=True)
        if waiting := runs.waiting():
            logger.warning(
                "%s isn't uploaded to %s yet, and left out; the next `textclf run` or `textclf compare` on this "
                "machine with that output uploads it",
                some_of(waiting),
                runs.remote.url,
            )


def fetch_model(path: Path) -> None:
    """Bring the copy of a run up to date, with its model; a path that isn't a copy is left alone.

    Raises:
        UsageError: there is no run, or the URL can't be read.
    """
    if url_of(path) is None:
        return
    runs = remote_runs(path.parent)
    if runs is None or not runs.refresh([path.name]):
        raise UsageError(f"{url_of(path)} is not a run: it has no {FILES}. Give a run, such as s3://bucket/runs/ID.")
    runs.fetch_model(path.name)


class RemoteRuns:
    """The runs of a folder behind a URL, and their copies.

    A copy has everything but the model and the checkpoints. A finished run is first moved to the subfolder of pending
    uploads, and from there to its place when it is uploaded. So a run that isn't there is absent, and one whose upload
    was interrupted waits for the next command.

    Args:
        folder: the folder of the copies.
        remote: the folder behind the URL.
    """

    def __init__(self, folder: Path, remote: RemoteFolder) -> None:
        self.folder = folder
        self.remote = remote
        self._checked: dict[str, float] = {}
        # The models of trials are removed after each run.
        self._without = (CHECKPOINTS_DIRECTORY, *([MODEL_DIRECTORY] if folder.name == TRIALS_DIRECTORY else []))

    def refresh(self, names: Collection[str] | None = None, *, now: bool = True) -> list[str]:
        """Bring copies up to date: download what is new, remove what is gone; return the names of those that exist.

        Args:
            names: the names of the runs; all if not given.
            now: whether to ask the store even if it was asked a few seconds ago.

        Raises:
            UsageError: the URL can't be read, or a run there is damaged.
        """
        if names is None:
            names = {*self.remote.list(), *(path.name for path in self.folder.glob("[!.]*") if path.is_dir())}
            names = {name for name in names if not name.startswith(".") and not name.endswith(INCOMPLETE)}
        start = time.monotonic()
        asked = [name for name in names if now or start - self._checked.get(name, -_SECONDS_FRESH) >= _SECONDS_FRESH]
        found = self.remote.read_all(f"{name}/{FILES}" for name in asked)
        for name in asked:
            self._refresh(name, found.get(f"{name}/{FILES}"))
            self._checked[name] = start
        return [name for name in names if (self.folder / name / RECORD_FILE).is_file()]

    def current(self, name: str) -> FileList | None:
        """Return the list of a run's files; ``None`` if there is no such run."""
        return FileList.parsed(self.remote.read(f"{name}/{FILES}"))

    def fetch_model(self, name: str) -> None:
        """Download the model of a run whose copy is up to date, unless it is there.

        Raises:
            UsageError: it can't be read, or the run is damaged.
        """
        place = self.folder / name / MODEL_DIRECTORY
        files = self._known(name)
        if files is None or place.is_dir():
            return
        try:
            with self._download(name, files, lambda file: _top(file) == MODEL_DIRECTORY) as folder, self._lock():
                if (folder / MODEL_DIRECTORY).is_dir() and not place.is_dir() and self._known(name) == files:
                    (folder / MODEL_DIRECTORY).rename(place)
        except ChangedError as error:
            raise UsageError(f"{error}: it was replaced just now, or damaged. Give the command once more.") from error

    def pending(self, name: str) -> Path:
        """Return where a finished run waits for its upload."""
        return self.folder / _PENDING / name

    def add_pending(self, run: Path, name: str, replaced: FileList | None) -> None:
        """Move a finished run to those that wait for their upload.

        Args:
            run: the folder of the run.
            name: its name.
            replaced: the run of that name that it may replace.
        """
        place = self.pending(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        replaces = place.with_name(f"{name}{_REPLACES}")
        replaces.unlink(missing_ok=True)
        if replaced is not None:
            replaces.write_bytes(replaced.content)
        run.rename(place)

    def upload(self, name: str) -> bool:
        """Upload a pending run, and make it the copy; return ``False`` if another one of this name came first.

        Raises:
            RunError: it can't be uploaded; it stays pending.
        """
        place = self.pending(name)
        with FileLock(place.with_name(f"{name}.lock")):
            if not place.is_dir():  # another process of this machine has uploaded it
                return name in self.refresh([name])
            replaces = place.with_name(f"{name}{_REPLACES}")
            replaced = FileList.parsed(replaces.read_bytes()) if replaces.is_file() else None
            try:
                files = upload(self.remote, place, name, last=RECORD_FILE, without=self._without, replaced=replaced)
            except UsageError as error:
                raise RunError(
                    f"the run has finished, but couldn't be uploaded: {error}. It is in {place}, and the next `textclf "
                    "run` or `textclf compare` on this machine with the same output uploads it."
                ) from error
            if files is None:
                self.refresh([name])
                return False
            self._put_in_place(place, name, files)
            shutil.rmtree(self.folder / name / MODEL_DIRECTORY, ignore_errors=True)  # downloaded when it is asked for
            replaces.unlink(missing_ok=True)
        return True

    def waiting(self) -> list[str]:
        """Return the names of the finished runs of this machine that aren't uploaded."""
        return sorted(path.name for path in (self.folder / _PENDING).glob("*") if path.is_dir())

    def upload_pending(self) -> None:
        """Upload the runs whose upload was interrupted; a run of that name that exists by now is kept instead."""
        for place in map(self.pending, self.waiting()):
            try:
                with FileLock(place.with_name(f"{place.name}.lock"), timeout=0):
                    pass  # else its process is uploading it
            except Timeout:
                continue
            if self.upload(place.name):
                logger.info("uploaded %s/%s, whose upload was interrupted", self.remote.url, place.name)
            else:
                shutil.rmtree(place, ignore_errors=True)

    def _refresh(self, name: str, content: bytes | None) -> None:
        """Bring one copy up to date with the list of its files, of which the content is given."""
        for _ in range(_TRIES):
            files = FileList.parsed(content)
            place = self.folder / name
            if files is None:
                self._forget(name)
                return
            if files == self._known(name) and (place / RECORD_FILE).is_file():
                return
            try:
                with self._download(name, files, _is_small) as folder:
                    self._put_in_place(folder, name, files)
                return
            except ChangedError as error:
                problem, before = error, content
                content = self.remote.read(f"{name}/{FILES}")
                if content == before:
                    raise UsageError(f"{problem}: it was damaged after its upload. Remove it.") from error
        raise UsageError(f"{problem}: it is being replaced again and again. Give the command once more.")

    @contextmanager
    def _download(self, name: str, files: FileList, wanted: Callable[[str], bool]) -> Iterator[Path]:
        """Yield a folder with the files of a run that are wanted; it is removed at the end.

        Raises:
            ChangedError: the run was replaced or removed in the meantime, or is damaged.
        """
        downloads = self.folder / _DOWNLOADS
        downloads.mkdir(parents=True, exist_ok=True)
        for left in downloads.iterdir():  # by killed processes
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _SECONDS_ABANDONED:
                    shutil.rmtree(left, ignore_errors=True)
        folder = downloads / f"{name}.{uuid.uuid4().hex}"
        folder.mkdir()
        try:
            download(self.remote, name, files, folder, wanted)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _put_in_place(self, folder: Path, name: str, files: FileList) -> None:
        """Make a folder of this machine the copy of a run."""
        place, known = self.folder / name, self.folder / _LISTS / name
        with self._lock():
            if files == self._known(name) and (place / RECORD_FILE).is_file():  # another process did
                shutil.rmtree(folder)
                return
            known.parent.mkdir(exist_ok=True)
            known.unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            folder.rename(place)
            known.write_bytes(files.content)

    def _forget(self, name: str) -> None:
        """Remove a copy whose run no longer exists."""
        place, known = self.folder / name, self.folder / _LISTS / name
        if not known.is_file() and not (place / RECORD_FILE).is_file():
            return
        with self._lock():
            known.unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)

    def _known(self, name: str) -> FileList | None:
        """Return the list of the files that a copy was made from."""
        try:
            return FileList.parsed((self.folder / _LISTS / name).read_bytes())
        except FileNotFoundError:
            return None

    def _lock(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".lock")


def _top(file: str) -> str:
    return PurePosixPath(file).parts[0]


def _is_small(file: str) -> bool:
    """Return whether a file is part of the copy of a run."""
    return _top(file) not in (MODEL_DIRECTORY, CHECKPOINTS_DIRECTORY)
