"""The optimizer's groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import Trainer, TrainingArguments

from textclf_core.encoder import Encoder
from textclf_core.testing import tiny_encoder
from textclf_core.training.parameters import decay_groups

FAMILIES = ["bert", "roberta", "distilbert", "electra", "mpnet", "albert", "deberta-v2", "modernbert"]


def names(encoder: Encoder, weight_decay: float = 0.1) -> dict[float, set[str]]:
    """The names of each group, by its weight decay."""
    name_of = {id(parameter): name for name, parameter in encoder.model.named_parameters()}
    return {
        group["weight_decay"]: {name_of[id(parameter)] for parameter in group["params"]}
        for group in decay_groups(encoder.model, weight_decay)
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_parameters_decay_as_in_trainer(family: str, tmp_path: Path) -> None:
    encoder = tiny_encoder(family)
    trainer = Trainer(encoder.model, TrainingArguments(str(tmp_path), use_cpu=True, report_to="none"))
    theirs = set(trainer.get_decay_parameter_names(encoder.model))
    assert names(encoder) == {0.1: theirs, 0.0: {*encoder.trainable_names()} - theirs}


def test_biases_and_norms_are_spared() -> None:
    spared = names(tiny_encoder("bert"))[0.0]
    assert "bert.encoder.layer.0.attention.output.LayerNorm.weight" in spared
    assert "bert.encoder.layer.0.output.dense.bias" in spared
    assert not any(name.endswith("dense.weight") or "word_embeddings" in name for name in spared)


def test_what_is_frozen_is_in_no_group() -> None:
    encoder = tiny_encoder("bert")
    encoder.freeze(embeddings=True, blocks=[0])
    assert set().union(*names(encoder).values()) == set(encoder.trainable_names())


def test_there_is_no_empty_group() -> None:
    encoder = tiny_encoder("bert")
    encoder.freeze(names=[name for name in encoder.trainable_names() if not name.endswith("bias")])
    assert list(names(encoder)) == [0.0]
