"""Files behind URLs, such as ``s3://bucket/train.csv``, which fsspec copies to this machine to be read."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from textclf_core.errors import DataError
from textclf_core.storage.places import is_url
from textclf_core.storage.remote import why_failed
from textclf_plugins.datasets.finding_files import WILD

if TYPE_CHECKING:
    from textclf_core.data import Source

logger = logging.getLogger("textclf")

_ON_THE_WEB = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class LocalCopies:
    """The files of the options, on this machine.

    Attributes:
        given: the options, with the copies in place of URLs.
        folders: for each folder of copies, the URL that it stands for.
    """

    given: Mapping[str, str | None]
    folders: Mapping[str, str]

    def named(self, source: Source) -> Source:
        """Return a source that names the URLs in messages and records."""
        return replace(source, where=self.shown(source.where), files=[*map(self.shown, source.files)])

    def shown(self, text: str) -> str:
        """Return a text with URLs in place of the copies."""
        for folder, url in self.folders.items():
            text = text.replace(folder, url)
        return text


@contextmanager
def local_copies(plugin: str, given: Mapping[str, str | None], suffixes: Collection[str]) -> Iterator[LocalCopies]:
    """Copy the files whose options are URLs into a folder that is removed at the end.

    A URL names a file, several by a pattern, or a folder, as a path does. Errors and log messages of the block name the
    URLs.

    Args:
        plugin: the name of the plugin, for messages.
        given: the options that name files; ``None`` for those that aren't set.
        suffixes: those of the plugin's files.

    Raises:
        DataError: a URL can't be read, or its package isn't installed.
    """
    if not any(name and is_url(name) for name in given.values()):
        yield LocalCopies(given, {})
        return
    with TemporaryDirectory(prefix="textclf-files-") as room:
        local = dict(given)
        folders: dict[str, str] = {}
        for option, name in given.items():
            if name and is_url(name):
                folder = Path(room) / option
                local[option], folders[str(folder)] = _copy(f"{plugin}: {option}={name}", name, suffixes, folder)
        copies = LocalCopies(local, folders)
        with _renamed_in_logs(copies):
            try:
                yield copies
            except DataError as error:
                raise DataError(copies.shown(str(error))) from error


@contextmanager
def _renamed_in_logs(copies: LocalCopies) -> Iterator[None]:
    def rename(record: logging.LogRecord) -> bool:
        record.msg, record.args = copies.shown(record.getMessage()), ()
        return True

    logger.addFilter(rename)
    try:
        yield
    finally:
        logger.removeFilter(rename)


def _copy(where: str, url: str, suffixes: Collection[str], folder: Path) -> tuple[str, str]:
    """Copy what a URL names into a folder.

    Returns:
        The path or pattern of the copies, and the URL that the folder stands for.
    """
    plain = urlsplit(url)._replace(query="", fragment="").geturl() if _ON_THE_WEB.match(url) else url
    wild = None if _ON_THE_WEB.match(url) else WILD.search(plain)
    parent = plain[: plain.rindex("/", 0, wild.start() if wild else len(plain.rstrip("/")))]
    try:
        files, size = _download(url, parent, PurePosixPath(plain).name, wild is not None, suffixes, folder)
    except Exception as error:  # each protocol has errors of its own
        raise DataError(f"{where} can't be read: {why_failed(error)}") from error
    if not files:
        raise DataError(f"{where}: no file matches")
    logger.info("%s: copied %d file%s (%.1f MB)", where, files, "s" if files > 1 else "", size / 1e6)
    return f"{folder}{plain.rstrip('/').removeprefix(parent)}", parent


def _download(url: str, parent: str, last: str, wild: bool, suffixes: Collection[str], folder: Path) -> tuple[int, int]:
    """Copy files into a folder, each at its path below ``parent``; return their number and their size in bytes."""
    from fsspec.core import url_to_fs

    from textclf_core.data.reading import plain_name

    system, place = url_to_fs(url)
    above = url_to_fs(parent)[1].rstrip("/")
    # A file is recognised by its name: on the web, any page with links would be a folder.
    single = plain_name(Path(last)).suffix.lower() in suffixes or not (wild or system.isdir(place))
    if wild:
        found = [path for path in sorted(system.glob(place)) if system.isfile(path)]
    else:
        found = [place] if single else sorted(system.find(place))
    size = 0
    for path in found:
        target = folder / (last if single and not wild else path.removeprefix(above).lstrip("/"))
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{path} has '..' in its name")
        target.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(path, str(target))
        size += target.stat().st_size
    return len(found), size
