"""Claims on names in a folder: at most one process of all that share the folder has a claim at a time.

In a folder behind a URL it is as good as certain: see :func:`textclf_core.storage.leases.leased`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from textclf_core.storage.leases import leased
from textclf_core.storage.remote import remote_folder


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[bool]:
    """Claim a name while the block runs; yield whether no other process has it.

    In the copy of a folder behind a URL, the name is claimed there too.
    """
    with claimed_here(folder, name) as is_free:
        remote = remote_folder(folder) if is_free else None
        if remote is None:
            yield is_free
            return
        with leased(remote, name) as is_free_there:
            yield is_free_there


@contextmanager
def claimed_here(folder: Path, name: str) -> Iterator[bool]:
    """Claim a name among the processes of this machine, or of all that share the folder on a disk.

    The claim is a lock on a file, so the system releases it when the process ends, however it ends. The file is removed
    with the claim.
    """
    path = folder / name
    file = _lock(path)
    try:
        yield file is not None
    finally:
        if file is not None:
            path.unlink(missing_ok=True)
            os.close(file)
            with suppress(OSError):  # others have claims there
                folder.rmdir()


def _lock(path: Path) -> int | None:
    """Return the open and locked file; ``None`` if another process has locked it."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # the folder was removed in the meantime
            continue
        try:
            if not _locks(file):
                os.close(file)
                return None
        except BaseException:
            os.close(file)
            raise
        # A file that was removed in the meantime is another one than that of later claims.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)


def _locks(file: int) -> bool:
    """Lock a file; return whether no other process has."""
    if sys.platform == "win32":
        return True  # a run is refused there, with the reason
    import fcntl  # POSIX alone has it

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
