"""URLs of folders, and where the copy of each lies on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from textclf_core.errors import UsageError
from textclf_core.system.cache_directory import default_cache_directory

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ALMOST_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/|:.*://)")
"""One with a slash missing, as ``pathlib`` leaves it, or with several protocols."""
_COPIES = "copies"
_ROOT = "%root"
"""The name that stands for the empty host of a URL such as ``file:///shared``."""
_READ_ALONE = ("http", "https")


def is_url(text: str) -> bool:
    """Return whether a text is a URL, rather than a path."""
    return _URL.match(text) is not None


def local_folder(given: str | Path) -> Path:
    """Return the folder on this machine for a path, or the folder of the copy for a URL.

    The copy lies in the user's cache, at a path that is made of the URL, so that processes agree on it and
    :func:`url_of` finds the URL again. Nothing is read or written.

    Raises:
        UsageError: the URL can't be one of a folder that can be written.
    """
    text = str(given)
    if not is_url(text):
        if _ALMOST_URL.match(text):
            raise UsageError(f"{text}: give a URL as text, with one protocol and two slashes, as in s3://bucket/runs.")
        return Path(given)
    protocol, _, place = text.partition("://")
    protocol, parts = protocol.lower(), place.rstrip("/").split("/")
    if protocol in _READ_ALONE:
        raise UsageError(f"{text}: a web server can't be written to. Give a folder, or one behind s3:// or the like.")
    if protocol == "file" and parts[0]:
        raise UsageError(f"{text}: write three slashes before the path of a folder, as in file:///shared/runs.")
    if not any(parts) or "" in parts[1:] or not {".", ".."}.isdisjoint(parts):
        raise UsageError(f"{text} isn't the URL of a folder, such as s3://bucket/runs.")
    return _copies().joinpath(protocol, parts[0] or _ROOT, *parts[1:])


def url_of(folder: Path) -> str | None:
    """Return the URL whose copy is at a path; ``None`` if it isn't a copy."""
    copies = os.path.abspath(_copies())  # noqa: PTH100  # it must not follow links
    for path, root in ((os.path.abspath(folder), copies), (os.path.realpath(folder), os.path.realpath(copies))):  # noqa: PTH100
        if path.startswith(root + os.sep):
            protocol, *parts = Path(path).relative_to(root).parts
            if parts:
                host = "" if parts[0] == _ROOT else parts[0]
                return f"{protocol}://{'/'.join([host, *parts[1:]])}"
    return None


def shown(folder: Path) -> str:
    """Return how a folder is named in messages: the URL of a copy, or else the path."""
    return url_of(folder) or str(folder)


def _copies() -> Path:
    return default_cache_directory() / _COPIES
