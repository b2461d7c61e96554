"""Caches as the hub's libraries leave them after a download, made by the tests themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets import BuilderConfig, DatasetDict, DatasetInfo, GeneratorBasedBuilder, SplitGenerator
from transformers import PreTrainedModel, PreTrainedTokenizerBase

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Rows(GeneratorBasedBuilder):
    """A builder that prepares rows that it is given."""

    def __init__(self, data: DatasetDict, **named: Any):
        self.data = data
        super().__init__(**named)

    def _info(self) -> DatasetInfo:
        return DatasetInfo(features=self.data["train"].features)

    def _split_generators(self, dl_manager: object) -> list[SplitGenerator]:
        return [SplitGenerator(name, gen_kwargs={"split": name}) for name in self.data]

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate(self.data[split])


def fill_datasets_cache(home: Path, id: str, data: DatasetDict, config: str = "default", commit: str = COMMIT) -> None:
    """Write a data set of the hub into the cache of a fresh ``HF_HOME``."""
    rows = type("Rows", (Rows,), {"BUILDER_CONFIGS": [BuilderConfig(name=config)]})
    named = {"cache_dir": str(home / "datasets"), "dataset_name": id.split("/")[-1], "repo_id": id, "hash": commit}
    rows(data, config_name=config, **named).download_and_prepare()


def fill_models_cache(
    home: Path, id: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, commit: str = COMMIT
) -> None:
    """Write a model of the hub, and its tokenizer if there is one, into the cache of a fresh ``HF_HOME``."""
    folder = home / "hub" / f"models--{id.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    model.save_pretrained(snapshot)
    if tokenizer is not None:
        tokenizer.save_pretrained(snapshot)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)


def run_without_hub(home: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process whose ``HF_HOME`` is ``home``, and whose hub is a port where nobody listens.

    The hub's libraries read both when they are imported.
    """
    environment = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
