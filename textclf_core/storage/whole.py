"""Folders that are written whole or not at all, in a folder behind a URL, where nothing can be renamed.

The files of the folder ``NAME`` are at ``NAME/VERSION/...``, and the list of them, with their sizes and hashes, is
``NAME/files.json``, which is written last: without it there is no such folder. ``VERSION`` is made of the hashes, so
writers of different contents never write the same file, and one that begins again after an interruption writes the same
files. A reader that finds the list finds exactly its files, whoever else is writing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from textclf_core.errors import UsageError
from textclf_core.storage.remote import RemoteFolder

FILES = "files.json"
_FORMAT = 1


class ChangedError(Exception):
    """A folder was replaced or removed while it was read, or is damaged."""


@dataclass(frozen=True)
class FileList:
    """The files of a folder: size in bytes and SHA-256 of each, by its path in the folder."""

    files: dict[str, tuple[int, str]]

    @classmethod
    def of(cls, folder: Path, without: Collection[str] = ()) -> FileList:
        """Return the files of a folder of this machine, without some of its subfolders."""
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        names = {path.relative_to(folder).as_posix(): path for path in paths}
        return cls(
            {name: file_facts(path) for name, path in names.items() if PurePosixPath(name).parts[0] not in without}
        )

    @classmethod
    def parsed(cls, content: bytes | None) -> FileList | None:
        """Return the list that a file has; ``None`` without one, or if it is being written."""
        try:
            found = json.loads(content or b"")
            if found["format"] != _FORMAT:
                raise UsageError(f"{FILES} has format {found['format']}, but this version of textclf reads {_FORMAT}.")
            return cls({name: (int(size), str(digest)) for name, (size, digest) in found["files"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def content(self) -> bytes:
        """The content of the file that has the list."""
        return json.dumps({"format": _FORMAT, "files": self.files}, indent=1, sort_keys=True).encode()

    @property
    def version(self) -> str:
        """The name of the subfolder that has the files."""
        return hashlib.sha256(self.content).hexdigest()[:16]


def upload(
    remote: RemoteFolder,
    source: Path,
    name: str,
    *,
    last: str,
    without: Collection[str] = (),
    replaced: FileList | None = None,
) -> FileList | None:
    """Upload a folder; return the list of its files, or ``None`` if another process wrote another one meanwhile.

    Args:
        remote: where to.
        source: the folder on this machine.
        name: its name there.
        last: the file that is uploaded last, before the list.
        without: subfolders that aren't uploaded.
        replaced: the list of the folder that it may replace.

    Raises:
        UsageError: it can't be written.
    """
    own = FileList.of(source, without)
    listed = f"{name}/{FILES}"
    current = FileList.parsed(remote.read(listed))
    if current == own:  # an earlier try was interrupted after its end
        return own
    if current is not None and current != replaced:
        return None
    for file in sorted(own.files, key=lambda file: (file == last, file)):
        remote.put(source / file, f"{name}/{own.version}/{file}")
    if current is None and remote.create(listed, own.content):
        # Other versions are of uploads that were interrupted, or whose list will be refused. A store that would take
        # their list has no conditional writes, which shows in that it takes this one again: there, they are left alone.
        if not remote.create(listed, own.content):
            for left in remote.list(name):
                if left not in (FILES, own.version):
                    remote.remove_folder(f"{name}/{left}")
        return own
    current = FileList.parsed(remote.read(listed))
    if current == own:  # the answer to the write was lost, and the write was tried again
        return own
    if current is not None and current != replaced:
        remote.remove_folder(f"{name}/{own.version}")
        return None
    remote.write(listed, own.content)
    if current is not None:
        remote.remove_folder(f"{name}/{current.version}")
    return own


def download(remote: RemoteFolder, name: str, files: FileList, into: Path, wanted: Callable[[str], bool]) -> None:
    """Download those files of a folder that are wanted by their paths.

    Args:
        remote: where from.
        name: the folder's name there.
        files: the list of its files.
        into: where to, on this machine.
        wanted: takes the path of a file in the folder.

    Raises:
        ChangedError: a file no longer exists, or has other content.
        UsageError: they can't be read.
    """
    for file, facts in files.files.items():
        target = into / file
        if into.resolve() not in target.resolve().parents:
            raise UsageError(f"{remote.url}/{name}/{FILES} lists {file!r}, which is no file in its folder.")
        if not wanted(file):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not remote.get(f"{name}/{files.version}/{file}", target):
            raise ChangedError(f"{remote.url}/{name} has no file {files.version}/{file}")
        if file_facts(target) != facts:
            raise ChangedError(f"{remote.url}/{name}/{files.version}/{file} isn't what was uploaded")


def file_facts(path: Path) -> tuple[int, str]:
    """Return the size of a file in bytes, and its SHA-256."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
