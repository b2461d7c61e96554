"""``finetune`` and ``hf-trainer`` are two ways to the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained import Trained, largest_difference, train

from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

STEPS = 20


def both(
    directory: Path, *, freeze: dict[str, Any] | None = None, family: str = "bert", dropout: float = 0.0, **options: Any
) -> list[Trained]:
    """Train twice for twenty steps; 78 rows make four batches of 16 and one of 14."""
    trained = []
    for trainer in (Finetune, HfTrainer):
        encoder = tiny_encoder(family, dropout=dropout)
        encoder.freeze(**(freeze or {}))
        plugin = trainer(learning_rate=2e-5, epochs=4, **options)
        trained.append(train(plugin, directory / trainer.__name__, encoder=encoder, data=tiny_data(rows=78)))
    assert [run.epochs[-1]["step"] for run in trained] == [STEPS, STEPS]
    return trained


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert"])
def test_they_end_in_the_same_parameters(family: str, tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, family=family)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


@pytest.mark.parametrize("size", [4, 5])
def test_they_end_in_the_same_parameters_with_micro_batches(size: int, tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, micro_batch_size=size)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_end_in_the_same_parameters_with_a_warm_up(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, warmup=0.25)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_end_in_the_same_parameters_with_a_frozen_prefix(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, freeze={"embeddings": True, "blocks": [0]})
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_end_in_the_same_parameters_when_gradients_are_clipped_and_weights_decay(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, max_grad_norm=0.05, weight_decay=0.5)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_drop_out_the_same_numbers(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, dropout=0.1)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_give_the_same_scores(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path)
    rows = tiny_data(rows=78)["test"]
    np.testing.assert_allclose(ours.classifier.scores(rows), theirs.classifier.scores(rows), atol=1e-5)


def test_they_write_the_same_history(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, warmup=0.25, micro_batch_size=5)
    assert [list(row) for row in theirs.history] == [list(row) for row in ours.history]
    for our_row, their_row in zip(ours.history, theirs.history, strict=True):
        assert their_row == pytest.approx(our_row, rel=1e-6, abs=1e-12)


def test_they_count_the_same_examples_and_tokens(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, micro_batch_size=5)
    counts = [(run.meter.examples, run.meter.real_tokens, run.meter.padded_tokens) for run in (ours, theirs)]
    assert counts[0] == counts[1]


def test_finetune_takes_fewer_operations_for_the_same_numbers(tmp_path: Path) -> None:
    # It computes of the last block what the head reads; Trainer computes the model as it stands.
    ours, theirs = both(tmp_path, micro_batch_size=5)
    assert ours.meter.flops < 0.75 * theirs.meter.flops
