"""The host within which process ids are unique."""

from __future__ import annotations

import socket
from pathlib import Path


def host_name() -> str:
    """Return the name of the host and of the process namespace: two containers may have the same host name."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {space.readlink() if space.is_symlink() else ''}".strip()


def boot_id() -> str:
    """Return what no other machine has, nor this one after it has started again; empty where the system has none."""
    place = Path("/proc/sys/kernel/random/boot_id")
    return place.read_text(encoding="ascii").strip() if place.is_file() else ""
