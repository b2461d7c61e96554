"""Checkpoints: what trains and the optimizer, to disk and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from textclf_core.encoder import Encoder
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_encoder
from textclf_core.training.checkpoints import (
    TrainingState,
    load_checkpoint,
    restore_optimizer_state,
    restore_tensors,
    save_checkpoint,
    trainable_tensors,
)
from textclf_core.training.parameters import decay_groups

STATE = TrainingState(
    epoch=1, settings={"seed": 0}, best_epoch=1, best_loss=0.5, history=[{"epoch": 1, "validation_loss": 0.5}]
)


def training(seed: int = 0) -> tuple[Encoder, torch.optim.AdamW]:
    """An encoder with frozen embeddings, and an optimizer that has made no step."""
    encoder = tiny_encoder(seed=seed)
    encoder.freeze(embeddings=True)
    return encoder, torch.optim.AdamW(decay_groups(encoder.model, 0.1), lr=1e-3, fused=True)


def step(encoder: Encoder, optimizer: torch.optim.Optimizer) -> None:
    """Make a step that depends on the weights and the optimizer."""
    sum(parameter.pow(4).sum() for parameter in encoder.model.parameters()).backward()
    optimizer.step()
    optimizer.zero_grad()


def test_training_goes_on_from_a_checkpoint_as_if_nothing_had_been(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    save_checkpoint(tmp_path, STATE, encoder, optimizer, None, keep=1)
    step(encoder, optimizer)

    again, its_optimizer = training()
    state, best, optimizer_state = load_checkpoint(tmp_path / "epoch-1", again, {"seed": 0})
    assert state == STATE
    assert best is not None  # the epoch was the best one
    assert best.keys() == set(again.trainable_names())
    assert all(torch.equal(again.model.get_parameter(name), values) for name, values in best.items())
    restore_optimizer_state(again, its_optimizer, optimizer_state)
    step(again, its_optimizer)
    for name, values in trainable_tensors(encoder).items():
        assert torch.equal(again.model.get_parameter(name), values), name


def test_what_is_frozen_is_not_stored(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    save_checkpoint(tmp_path, STATE, encoder, optimizer, None, keep=1)
    other, _ = training(seed=1)
    frozen = other.model.get_parameter("bert.embeddings.word_embeddings.weight").clone()
    load_checkpoint(tmp_path / "epoch-1", other, {"seed": 0})
    assert torch.equal(other.model.get_parameter("bert.embeddings.word_embeddings.weight"), frozen)
    for name, values in trainable_tensors(encoder).items():
        assert torch.equal(other.model.get_parameter(name), values), name


def test_the_best_epochs_parameters_come_back(tmp_path: Path) -> None:
    encoder, optimizer = training()
    best = trainable_tensors(encoder)
    step(encoder, optimizer)
    save_checkpoint(tmp_path, replace(STATE, epoch=2), encoder, optimizer, best, keep=1)
    _, loaded, _ = load_checkpoint(tmp_path / "epoch-2", encoder, {"seed": 0})
    assert loaded is not None
    restore_tensors(encoder, loaded)
    for name, values in best.items():
        assert torch.equal(encoder.model.get_parameter(name), values), name


def test_copies_do_not_follow_the_parameters() -> None:
    encoder, optimizer = training()
    copies = trainable_tensors(encoder)
    before = copies["classifier.weight"].clone()
    step(encoder, optimizer)
    assert torch.equal(copies["classifier.weight"], before)


def test_there_is_no_pickle_in_it_and_nothing_twice(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    for state in (STATE, replace(STATE, epoch=2)):
        save_checkpoint(tmp_path, state, encoder, optimizer, trainable_tensors(encoder), keep=2)
    assert not (tmp_path / "epoch-1" / "best.safetensors").exists()  # it would hold what trainable.safetensors does
    assert sorted(path.name for path in (tmp_path / "epoch-2").iterdir()) == [
        "best.safetensors",
        "optimizer.safetensors",
        "state.json",
        "trainable.safetensors",
    ]


def test_the_tenth_epoch_comes_after_the_ninth(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    for epoch in (8, 9, 10):
        save_checkpoint(tmp_path, replace(STATE, epoch=epoch), encoder, optimizer, None, keep=2)
    assert {path.name for path in tmp_path.iterdir()} == {"epoch-9", "epoch-10"}


def test_what_an_interrupted_save_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".epoch-1.partial").mkdir()
    (tmp_path / ".epoch-1.partial" / "half-written").touch()
    encoder, optimizer = training()
    step(encoder, optimizer)
    save_checkpoint(tmp_path, STATE, encoder, optimizer, None, keep=2)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-1"]
    assert not (tmp_path / "epoch-1" / "half-written").exists()


def test_every_setting_that_differs_is_named(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    save_checkpoint(tmp_path, replace(STATE, settings={"seed": 0, "epochs": 3}), encoder, optimizer, None, keep=1)
    with pytest.raises(UsageError) as raised:
        load_checkpoint(tmp_path / "epoch-1", encoder, {"seed": 1, "epochs": 2})
    assert str(raised.value) == (
        f"resume={tmp_path / 'epoch-1'}: this run can't go on from there: seed was 0, now 1; epochs was 3, now 2."
    )


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path) -> None:
    encoder, optimizer = training()
    step(encoder, optimizer)
    save_checkpoint(tmp_path, STATE, encoder, optimizer, None, keep=1)
    path = tmp_path / "epoch-1" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(UsageError, match="the checkpoint was written by another version of textclf"):
        load_checkpoint(tmp_path / "epoch-1", encoder, {"seed": 0})
