"""Writes what both sides read: the sampled data and the model, as ``datasets`` and ``transformers`` store them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset
    from measure import Job

DATA = "data"
MODEL = "model"
TWO_BLOCKS = "two-blocks"


def prepare(job: Job) -> dict[str, Any]:
    """Write the folders ``data``, ``model`` (without a head) and ``two-blocks`` (its first two blocks alone).

    Validation, which ours looks at after each epoch, gets the same share of its rows as train; test stays whole.

    Args:
        job: ``data`` and ``model``, plugins; ``rows`` of train, or ``None`` for all; ``folder``, which gets it all.

    Returns:
        The rows of each split and the environment.
    """
    from textclf_core.pipeline.loading import load_data
    from textclf_core.plugins import Catalogue, activate
    from textclf_core.system.environment import environment
    from textclf_core.types.recipe import Recipe

    plugins = activate([job["data"], job["model"]], Catalogue.discover())
    prepared = load_data(plugins, 0)
    encoder = plugins.hook.textclf_build_model(task=prepared.task, seed=0)
    data = prepared.data
    if job["rows"] is not None:
        share = job["rows"] / len(data["train"])
        for name, rows in (("train", job["rows"]), ("validation", round(share * len(data["validation"])))):
            lengths = [len(ids) for ids in encoder.tokenize(data[name], prepared.task, Recipe())["input_ids"]]
            data[name] = sample(data[name], lengths, max(2, rows))
    folder = Path(job["folder"])
    data.save_to_disk(folder / DATA)
    save_body(encoder.model.base_model, encoder.tokenizer, folder)
    return {"rows": {name: len(split) for name, split in data.items()}, "environment": environment("cpu")}


def sample(split: Dataset, lengths: Sequence[int], rows: int, seed: int = 0) -> Dataset:
    """Return ``rows`` rows, in the split's order, with the whole's distribution of lengths within each label.

    The rows are sorted by label and length, ties by chance, and cut into as many runs; one of each is drawn.
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(split)), lengths, split["label"]))
    return split.select(sorted(int(rng.choice(run)) for run in np.array_split(order, min(rows, len(split)))))


def save_body(body: Any, tokenizer: Any, folder: Path) -> None:
    """Save the model without a head, as a checkpoint comes from the hub, and once more with two blocks."""
    from transformers import AutoModel

    body.save_pretrained(folder / MODEL)
    short = AutoModel.from_pretrained(folder / MODEL, num_hidden_layers=2)
    short.save_pretrained(folder / TWO_BLOCKS)
    for name in (MODEL, TWO_BLOCKS):
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    print(json.dumps(prepare(json.loads(sys.argv[1]))))
