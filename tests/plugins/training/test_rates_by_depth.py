"""Strategies that give parameters learning rates by how far they are from the input."""

from __future__ import annotations

from pathlib import Path

import pytest
from trained import of_family, train_with, weights

from textclf_core.testing import tiny_data
from textclf_plugins.training.finetune import Finetune


def first_update(strategy: str, directory: Path) -> dict[str, float]:
    """The size of Adam's first update, which is the learning rate itself, of each parameter's largest."""
    encoder = of_family("bert")
    before = weights(encoder)
    options = Finetune(learning_rate=1e-3, weight_decay=0, batch_size=16)
    run = train_with(strategy, directory, options, encoder=encoder, data=tiny_data(16))
    return {name: (values - before[name]).abs().max().item() for name, values in run.parameters.items()}


def test_layerwise_decay_multiplies_the_rate_block_by_block(tmp_path: Path) -> None:
    update = first_update("layerwise-lr-decay:decay=0.5", tmp_path)
    assert update["classifier.weight"] == pytest.approx(1e-3, rel=0.01)
    assert update["bert.pooler.dense.weight"] == pytest.approx(1e-3, rel=0.01)
    for block in range(4):
        name = f"bert.encoder.layer.{block}.output.dense.weight"
        assert update[name] == pytest.approx(1e-3 * 0.5 ** (4 - block), rel=0.01)
    assert update["bert.embeddings.position_embeddings.weight"] == pytest.approx(1e-3 * 0.5**5, rel=0.01)


def test_discriminative_rates_are_divided_group_by_group(tmp_path: Path) -> None:
    update = first_update("discriminative-lr:groups=2,divisor=4", tmp_path)
    assert update["classifier.weight"] == pytest.approx(1e-3, rel=0.01)
    for block, divisor in enumerate((16, 16, 4, 4)):
        name = f"bert.encoder.layer.{block}.output.dense.weight"
        assert update[name] == pytest.approx(1e-3 / divisor, rel=0.01)
    assert update["bert.embeddings.position_embeddings.weight"] == pytest.approx(1e-3 / 16, rel=0.01)
