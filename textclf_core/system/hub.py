"""The model hub and its cache on this machine: reachability, and loading data sets."""

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
    """Return the reason why the hub can't be reached, or ``None`` if it answers.

    Without a network, the hub's own libraries retry for most of a minute; this makes one request with a timeout of
    three seconds.
    """
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=REACH_SECONDS).close()
    except urllib.error.HTTPError:
        return None  # the hub answered
    except OSError as error:
        return f"{constants.ENDPOINT} doesn't answer: {getattr(error, 'reason', error)}"
    return None


def model_places(local: bool) -> dict[str, Any]:
    """Return the arguments with which a model's ``from_pretrained`` uses only folders and the cache, or also the hub.

    If peft is installed, transformers looks for an adapter first, and that search needs an argument of its own: without
    it, it asks the hub even for a cached model, for half a minute without a network.
    """
    return {"local_files_only": local, "adapter_kwargs": {"local_files_only": local}}


def cached_dataset(id: str, name: str | None = None, revision: str | None = None) -> DatasetDict:
    """Return a data set of the hub from this machine's cache, without asking the hub.

    Args:
        id: the id on the hub, ``owner/name``.
        name: the configuration; optional if the cache has only one.
        revision: a full commit hash, since the cache has no branches and tags.

    Raises:
        DataError: the data set isn't in the cache.
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

    Call :func:`why_unreachable` first: without a network this fails only after most of a minute.

    Args:
        id: the id on the hub, ``owner/name``.
        name: the configuration, if there are several.
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
        raise DataError(f"{id} can't be loaded from the hub: {error}") from error
    return _read(builder, f"{id} at {builder.hash}, from the hub")


@contextmanager
def without_bars() -> Iterator[None]:
    """Disable the progress bars of transformers and datasets, which would interrupt textclf's own, in the block."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as transformers_logging

    had_bars, datasets_had = transformers_logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    disable_progress_bars()
    try:
        yield
    finally:
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        if datasets_had:
            enable_progress_bars()


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Suppress messages below errors of one logger, in this thread, while the block runs.

    This is done by a filter, since transformers logs more if the level of its logger was raised.
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
