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

STEPS = 10


def both(
    directory: Path, *, freeze: dict[str, Any] | None = None, family: str = "bert", dropout: float = 0.0, **options: Any
) -> list[Trained]:
    """Train with each for ten steps; 78 rows make four batches of 16 and one of 14."""
    trained = []
    for trainer in (Finetune, HfTrainer):
        encoder = tiny_encoder(family, dropout=dropout)
        encoder.freeze(**(freeze or {}))
        plugin = trainer(learning_rate=2e-5, epochs=2, **options)
        trained.append(train(plugin, directory / trainer.__name__, encoder=encoder, data=tiny_data(rows=78)))
    assert [run.epochs[-1]["step"] for run in trained] == [STEPS, STEPS]
    return trained


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """A BERT by both; not to be changed."""
    return both(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def in_fives(tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """A BERT by both, in micro-batches that don't come out even, with a warm-up; not to be changed."""
    return both(tmp_path_factory.mktemp("in-fives"), warmup=0.25, micro_batch_size=5)


def test_they_end_in_the_same_parameters(plain: list[Trained]) -> None:
    ours, theirs = plain
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


@pytest.mark.parametrize("family", [pytest.param("distilbert", marks=pytest.mark.slow), "modernbert"])
def test_they_end_in_the_same_parameters_of_another_family(family: str, tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, family=family)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_end_in_the_same_parameters_with_micro_batches(tmp_path: Path) -> None:
    ours, theirs = both(tmp_path, micro_batch_size=4)
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_they_end_in_the_same_parameters_with_uneven_micro_batches_and_a_warm_up(in_fives: list[Trained]) -> None:
    ours, theirs = in_fives
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


def test_they_give_the_same_scores(plain: list[Trained]) -> None:
    ours, theirs = plain
    rows = tiny_data(rows=78)["test"]
    np.testing.assert_allclose(ours.classifier.scores(rows), theirs.classifier.scores(rows), atol=1e-5)


def test_they_write_the_same_history(in_fives: list[Trained]) -> None:
    ours, theirs = in_fives
    assert [list(row) for row in theirs.history] == [list(row) for row in ours.history]
    for our_row, their_row in zip(ours.history, theirs.history, strict=True):
        assert their_row == pytest.approx(our_row, rel=1e-6, abs=1e-12)


def test_they_count_the_same_examples_and_tokens(in_fives: list[Trained]) -> None:
    counts = [(run.meter.examples, run.meter.non_padding_tokens, run.meter.padded_tokens) for run in in_fives]
    assert counts[0] == counts[1]


def test_finetune_takes_fewer_operations_for_the_same_numbers(in_fives: list[Trained]) -> None:
    # It computes of the last block what the head reads; Trainer computes the model as it stands.
    ours, theirs = in_fives
    assert ours.meter.flops < 0.75 * theirs.meter.flops
