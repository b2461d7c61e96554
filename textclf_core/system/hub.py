"""The model hub and its cache on this machine: whether it can be reached, and data sets from it."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError

if TYPE_CHECKING:
    from datasets import DatasetBuilder, DatasetDict

REACH_SECONDS = 3.0


def why_unreachable() -> str | None:
    """Return why the hub can't be asked, or ``None`` if it answers.

    The hub's own libraries try again with growing pauses, for most of a minute where there is no network; this asks
    once, for three seconds.
    """
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=REACH_SECONDS).close()
    except urllib.error.HTTPError:
        return None  # an answer, if not to this question
    except OSError as error:
        return f"{constants.ENDPOINT} doesn't answer: {getattr(error, 'reason', error)}"
    return None


def model_places(local: bool) -> dict[str, Any]:
    """Return what keeps ``from_pretrained`` of a model to folders and cache (``local``), or lets it ask the hub.

    Where peft is installed, transformers looks for an adapter first, and that search needs to be told by itself: else
    it asks the hub for a model that is in the cache, for half a minute where there is no network.
    """
    return {"local_files_only": local, "adapter_kwargs": {"local_files_only": local}}


def cached_dataset(id: str, name: str | None = None, revision: str | None = None) -> DatasetDict:
    """Return a data set of the hub from this machine's cache, without asking the hub.

    Args:
        id: as on the hub, ``owner/name``.
        name: its configuration; can be left out where the cache holds one.
        revision: a commit, in full: the cache doesn't know branches and tags.

    Raises:
        DataError: it isn't in the cache.
    """
    from datasets import config
    from datasets.packaged_modules.cache.cache import Cache

    where = f"{id} in the cache {config.HF_DATASETS_CACHE}"
    try:
        with quiet("datasets.packaged_modules.cache.cache"):
            builder = Cache(repo_id=id, dataset_name=id.split("/")[-1], config_name=name, version="auto", hash="auto")
    except ValueError as error:
        raise DataError(f"there is no {where} ({str(error).splitlines()[0]})") from None
    if revision not in (None, builder.hash):
        raise DataError(f"there is {where}, but of commit {builder.hash}, not {revision}")
    return _read(builder, f"{id} at {builder.hash}, from the cache")


def hub_dataset(id: str, name: str | None = None, revision: str | None = None) -> DatasetDict:
    """Return a data set from the hub, downloading what this machine doesn't have. It never runs the data set's code.

    Ask :func:`why_unreachable` first: without a network this takes most of a minute to fail.

    Args:
        id: as on the hub, ``owner/name``.
        name: its configuration, where it has several.
        revision: a branch, tag or commit; the newest if not given.

    Raises:
        DataError: the hub has no such data set, configuration or revision, or doesn't give it.
    """
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetsError

    try:
        builder = load_dataset_builder(id, name=name, revision=revision)
        builder.download_and_prepare()
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{id} can't be had from the hub: {error}") from error
    return _read(builder, f"{id} at {builder.hash}, from the hub")


@contextmanager
def without_bars() -> Iterator[None]:
    """Keep the progress bars of transformers away: they are over before they could be read, and run through ours."""
    from transformers.utils import logging as transformers_logging

    had_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Keep the logger of this name, and it alone, from telling anything less than an error, in this thread.

    It is a filter since the logger's level isn't ours to set: transformers tells more where it is higher than usual.
    """
    logger, thread = logging.getLogger(name), threading.get_ident()

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or record.thread != thread

    logger.addFilter(is_error)
    try:
        yield
    finally:
        logger.removeFilter(is_error)


def _read(builder: DatasetBuilder, source: str) -> DatasetDict:
    data = builder.as_dataset()
    for split in data.values():
        split.info.description = source
    return data
