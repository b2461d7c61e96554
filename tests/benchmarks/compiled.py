"""Training and scoring by transformers' model alone, compiled by ``torch.compile`` or not; each function is one job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from datasets import load_from_disk
from measure import Job, Measured, answer
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

from textclf_core.training.batching import LengthGroupedBatches

if TYPE_CHECKING:
    from torch import Tensor

HOW: dict[str, dict[str, Any] | None] = {"not": None, "dynamic": {"dynamic": True}, "default": {}}
"""What ``torch.compile`` is called with; ``None`` is not at all."""

BATCH_SIZE = 16
EPOCHS = 4


def train(job: Job) -> Measured:
    """Train by AdamW; the seconds are those of the fastest epoch after the first, whose own are in ``parts``.

    Args:
        job: ``checkpoint``, a folder; ``data``, a folder; ``how``, of :data:`HOW`; ``seed``.
    """
    set_seed(job["seed"])
    model = _model(job).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.01, fused=True)

    def step(batch: dict[str, Tensor]) -> None:
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return _timed(step, job)


def score(job: Job) -> Measured:
    """Compute the same batches' logits alone; otherwise as :func:`train`."""
    model = _model(job).eval()

    def step(batch: dict[str, Tensor]) -> None:
        with torch.inference_mode():
            model(**batch)

    return _timed(step, job)


def _model(job: Job) -> Any:
    model = AutoModelForSequenceClassification.from_pretrained(job["checkpoint"])
    how = HOW[job["how"]]
    return model if how is None else torch.compile(model, **how)


def _timed(step: Callable[[dict[str, Tensor]], None], job: Job) -> Measured:
    batches = list(_batches(job))
    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        for batch in batches:
            step(batch)
        seconds.append(time.perf_counter() - start)
    return Measured(min(seconds[1:]), parts={"first": seconds[0]})


def _batches(job: Job) -> Iterator[dict[str, Tensor]]:
    """Yield the training rows once, in length-grouped batches, padded."""
    tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"])
    rows = load_from_disk(job["data"], keep_in_memory=True)["train"]
    labels = torch.tensor(rows["label"][:])
    ids = [torch.tensor(tokens) for tokens in tokenizer(rows["text"][:], truncation=True)["input_ids"]]
    for indices in LengthGroupedBatches([len(tokens) for tokens in ids], BATCH_SIZE, job["seed"]).epoch(0):
        chosen = [ids[index] for index in indices]
        mask = [torch.ones_like(tokens) for tokens in chosen]
        yield {"input_ids": _padded(chosen), "attention_mask": _padded(mask), "labels": labels[indices]}


def _padded(rows: list[Tensor]) -> Tensor:
    return pad_sequence(rows, batch_first=True)


if __name__ == "__main__":
    answer({"train": train, "score": score})
