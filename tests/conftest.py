"""A tiny model and a tiny data set on disk, for tests that go through the command line or the Python API."""

from __future__ import annotations

import csv
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from textclf_core.cli import main
from textclf_core.testing import tiny_data, tiny_encoder

# What a shell starts in the background ignores Ctrl-C, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def frozen_modules() -> list[int]:
    """How many modules the collector passes over."""
    return [0]


@pytest.fixture(autouse=True)
def modules_are_no_garbage(frozen_modules: list[int]) -> None:
    """Let the collector, which every run calls, pass over what was imported: a third of a second each time."""
    if len(sys.modules) > frozen_modules[0] + 50:
        gc.collect()
        gc.freeze()
        frozen_modules[0] = len(sys.modules)


@pytest.fixture(autouse=True, scope="session")
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the tests share a cache of their own, not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTCLF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random BERT of two blocks and its tokenizer, as ``hf-model:checkpoint=FOLDER`` reads it."""
    folder = tmp_path_factory.mktemp("checkpoint")
    encoder = tiny_encoder()
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv (96 rows), validation.csv and test.csv (24 each), as ``files:path=FOLDER`` reads it."""
    folder = tmp_path_factory.mktemp("reviews")
    for name, split in tiny_data(96).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["text", "label"])
            writer.writerows([row["text"], split.features["label"].int2str(row["label"])] for row in split)
    return folder


@pytest.fixture(scope="session")
def textclf() -> Callable[..., int]:
    """Runs the command line in this process and returns its exit code: ``textclf("plugins", "--json")``."""

    def run(*arguments: str) -> int:
        try:
            return main(arguments)
        except SystemExit as done:  # typer ends the process itself, even after success
            return int(done.code or 0)

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout; where it is absent the test is skipped, in CI it fails."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TEXTCLF_SHARED_DATA", default))
    if not folder.is_dir():
        reason = f"needs the real data sets, which aren't in {folder} (TEXTCLF_SHARED_DATA names another folder)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
