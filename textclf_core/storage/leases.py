"""Leases in a folder behind a URL, which has no locks: files that their owner renews, and that lapse if it doesn't."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from textclf_core.errors import UsageError
from textclf_core.storage.remote import RemoteFolder
from textclf_core.system.host import boot_id, host_name

logger = logging.getLogger("textclf")

LEASE_SECONDS = 40.0
"""How long a lease that isn't renewed holds."""
_RENEWALS = 4
"""How often it is renewed in that time."""


@contextmanager
def leased(folder: RemoteFolder, name: str, seconds: float = LEASE_SECONDS) -> Iterator[bool]:
    """Lease a name while the block runs; yield whether no other process has it.

    A lease lapses at once if its process ran on this host and no longer exists, else when this process has seen it
    unchanged for ``seconds``; no clocks are compared. If its owner only seemed to be gone, or two processes take over a
    lapsed lease in the same moment, both have it: what they do must be right then too, if twice the work.
    """
    lease = _Lease(folder, name, seconds)
    if not lease.take():
        yield False
        return
    with lease.renewed():
        yield True


class _Lease:
    def __init__(self, folder: RemoteFolder, name: str, seconds: float) -> None:
        self._folder, self._name, self._seconds = folder, name, seconds
        self._owner = {"owner": uuid.uuid4().hex, "process": os.getpid(), **_here()}

    def take(self) -> bool:
        """Take the lease, unless another process has it; return whether it was taken."""
        for _ in range(2):  # once more if it was given up, or has lapsed
            found = self._folder.read(self._name)  # a store without conditional writes would write over it
            if found is None and self._folder.create(self._name, self._content(0)):
                self._folder.seen.pop(self._name, None)
                return True
            found = found or self._folder.read(self._name)
            if found is None:
                continue
            if _owner_in(found).get("owner") == self._owner["owner"]:  # the answer was lost, and it was tried again
                return True
            if not self._has_lapsed(found):
                return False
            self._folder.remove(self._name)
        return False

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease while the block runs, and give it up at the end."""
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            try:
                if self._is_ours():
                    self._folder.remove(self._name)
            except UsageError as error:
                logger.warning("a lease will lapse in %.0f seconds: %s", self._seconds, error)

    def _renew(self, ended: threading.Event) -> None:
        number = 0
        while not ended.wait(self._seconds / _RENEWALS):
            number += 1
            try:
                if not self._is_ours():
                    return  # it had lapsed, and another process took it over
                self._folder.write(self._name, self._content(number))
            except UsageError:  # perhaps the next one succeeds
                continue

    def _content(self, number: int) -> bytes:
        return json.dumps({**self._owner, "renewals": number}).encode()

    def _is_ours(self) -> bool:
        return _owner_in(self._folder.read(self._name)).get("owner") == self._owner["owner"]

    def _has_lapsed(self, found: bytes) -> bool:
        now = time.monotonic()
        before, since = self._folder.seen.get(self._name, (None, now))
        if before != found:
            self._folder.seen[self._name] = found, now
            since = now
        owner = _owner_in(found)
        if owner.items() >= _here().items() and not psutil.pid_exists(int(owner["process"])):
            return True
        return now - since >= self._seconds


def _here() -> dict[str, str]:
    """Return where process ids are those of this process: machines that share nothing may have the same name."""
    return {"host": host_name(), "boot": boot_id()}


def _owner_in(content: bytes | None) -> dict[str, Any]:
    """Return what a lease says of its owner; nothing if it doesn't exist, or is being written."""
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
