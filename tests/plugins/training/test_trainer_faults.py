"""Faults of ``transformers.Trainer`` on a BERT classifier: each is shown there, and then that ours don't have it.

A test marked ``trainer_fault`` fails when the fault is mended: then its guard may go from ``hf_trainer_loop`` once the
oldest transformers that we allow has the remedy too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from data_parallel import PHASES, WEIGHTED
from plain_trainer import gradient_norms, plain_trainer
from safetensors.torch import load_file
from trained import TASK, Trained, encoder_with_a_nan, largest_difference, same_bits, train, train_with

from textclf_core.encoder import Encoder
from textclf_core.errors import RunError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.options import EncoderTraining
from textclf_core.types.recipe import Recipe
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

ours = pytest.mark.parametrize("trainer", [Finetune, HfTrainer])
# With its cache, finetune never runs what is frozen while it trains.
ours_running_all = pytest.mark.parametrize(
    "trainer", [Finetune(prefix_cache=False), HfTrainer()], ids=["Finetune", "HfTrainer"]
)
MENDED = f"transformers {transformers.__version__} has mended this: see the guard in hf_trainer_loop and the design"


def one_step(trainer: type[EncoderTraining], directory: Path, micro_batch_size: int | None = None) -> Trained:
    """Train on eight rows in one batch, without clipping."""
    options = trainer(batch_size=8, micro_batch_size=micro_batch_size, max_grad_norm=1e9)
    return train(options, directory, encoder=tiny_encoder(dropout=0.0), data=tiny_data(rows=8))


def plain_norm(directory: Path, batch: int, accumulation: int) -> float:
    """Return the norm of plain Trainer's gradient on eight rows."""
    trainer = plain_trainer(
        tiny_encoder(dropout=0.0),
        tiny_data(rows=8)["train"],
        directory,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        train_sampling_strategy="sequential",
    )
    trainer.train()
    [norm] = gradient_norms(trainer)
    return norm


# Accumulation


@pytest.mark.trainer_fault
def test_trainer_multiplies_the_gradient_by_the_number_of_micro_batches(tmp_path: Path) -> None:
    assert plain_norm(tmp_path, batch=2, accumulation=4) == pytest.approx(4 * plain_norm(tmp_path, 8, 1)), MENDED


@ours
def test_micro_batches_of_any_size_give_the_gradient_of_the_batch(
    trainer: type[EncoderTraining], tmp_path: Path
) -> None:
    whole = one_step(trainer, tmp_path / "whole")
    for size in (2, 3):
        cut = one_step(trainer, tmp_path / f"cut-{size}", size)
        assert largest_difference(whole.first_gradient, cut.first_gradient) < 1e-7, size


# Data parallel


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``data_parallel.py`` leaves when two processes run it."""
    directory = tmp_path_factory.mktemp("data-parallel")
    script = Path(__file__).parents[2] / "support" / "data_parallel.py"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, directory]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launch, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return directory


@pytest.mark.slow
@pytest.mark.trainer_fault
def test_trainer_multiplies_the_gradient_by_the_number_of_processes(two_processes: Path, tmp_path: Path) -> None:
    norm = float((two_processes / "norm").read_text())
    assert norm == pytest.approx(2 * plain_norm(tmp_path, batch=8, accumulation=1), rel=1e-4), MENDED


@pytest.mark.slow
@ours
def test_two_processes_give_the_gradient_of_one(
    trainer: type[EncoderTraining], two_processes: Path, tmp_path: Path
) -> None:
    alone = one_step(trainer, tmp_path)
    together = Trained(alone.encoder, alone.classifier, two_processes / trainer.__name__, alone.meter)
    assert largest_difference(alone.first_gradient, together.first_gradient) < 1e-7


@pytest.mark.slow
@ours
def test_two_processes_give_the_gradient_of_one_with_weighted_labels(
    trainer: type[EncoderTraining], two_processes: Path, tmp_path: Path
) -> None:
    options = trainer(batch_size=8, max_grad_norm=1e9, **WEIGHTED)
    alone = train(options, tmp_path, encoder=tiny_encoder(dropout=0.0), data=tiny_data(rows=8))
    together = Trained(alone.encoder, alone.classifier, two_processes / f"weighted-{trainer.__name__}", alone.meter)
    assert largest_difference(alone.first_gradient, together.first_gradient) < 1e-7


@pytest.mark.slow
def test_two_processes_train_the_phases_of_one(two_processes: Path, tmp_path: Path) -> None:
    train_with(PHASES, tmp_path, Finetune(batch_size=8), encoder=tiny_encoder(dropout=0.0), data=tiny_data(rows=8))
    alone, together = (
        load_file(folder / "checkpoints" / "epoch-2" / "trainable.safetensors")
        for folder in (tmp_path, two_processes / "phases")
    )
    assert largest_difference(alone, together) < 1e-5


# A loss that isn't finite


@pytest.mark.trainer_fault
def test_trainer_logs_a_nan_loss_as_zero_and_trains_on(tmp_path: Path) -> None:
    trainer = plain_trainer(encoder_with_a_nan(), tiny_data(rows=16)["train"], tmp_path)
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert (losses, trainer.state.global_step) == ([0.0, 0.0], 2), MENDED


@ours
def test_a_nan_loss_ends_training(trainer: type[EncoderTraining], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^the loss became nan at step 1 \(epoch 1\).* A lower learning_rate"):
        train(trainer(), tmp_path, encoder=encoder_with_a_nan())


# Frozen blocks


def modes_while_training(encoder: Encoder) -> dict[str, set[bool]]:
    """Note, from now on, the modes in which blocks 0 and 1 compute a gradient step."""
    modes: dict[str, set[bool]] = {"block 0": set(), "block 1": set()}
    for block, seen in zip(encoder.model.base_model.encoder.layer, modes.values(), strict=True):

        def note(module: torch.nn.Module, inputs: object, seen: set[bool] = seen) -> None:
            if encoder.model.training:
                seen.add(module.training)

        block.register_forward_pre_hook(note)
    return modes


@pytest.mark.trainer_fault
def test_trainer_switches_the_dropout_of_a_frozen_block_on(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.freeze(embeddings=True, blocks=[0])
    modes = modes_while_training(encoder)
    plain_trainer(encoder, tiny_data(rows=8)["train"], tmp_path).train()
    assert modes["block 0"] == {True}, MENDED


@ours_running_all
def test_a_frozen_block_trains_without_dropout_and_the_next_with(trainer: EncoderTraining, tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.freeze(embeddings=True, blocks=[0])
    modes = modes_while_training(encoder)
    train(trainer, tmp_path, encoder=encoder, data=tiny_data(rows=16))
    assert modes == {"block 0": {False}, "block 1": {True}}


# FLOPs


@pytest.mark.trainer_fault
def test_trainer_counts_the_flops_of_head_only_like_those_of_full_training(tmp_path: Path) -> None:
    counts = []
    for body in (False, True):
        encoder = tiny_encoder()
        encoder.freeze(body=body)
        trainer = plain_trainer(encoder, tiny_data(rows=8)["train"], tmp_path)
        trainer.train()
        counts.append(trainer.state.total_flos)
    assert counts[0] == counts[1], MENDED


@ours_running_all
def test_head_only_costs_a_third_of_full_training(trainer: EncoderTraining, tmp_path: Path) -> None:
    counts = []
    for body in (False, True):
        encoder = tiny_encoder()
        encoder.freeze(body=body)
        counts.append(train(trainer, tmp_path / str(body), encoder=encoder, data=tiny_data(16)).meter.flops)
    # Forward, gradients by activations and gradients by weights cost the same; head-only has but the first.
    assert counts[1] / counts[0] == pytest.approx(1 / 3, rel=0.02)


# The order of predictions


@pytest.mark.trainer_fault
def test_trainer_permutes_predictions_when_it_groups_by_length(tmp_path: Path) -> None:
    encoder, rows = tiny_encoder(), tiny_data(rows=32)["train"]
    trainer = plain_trainer(encoder, rows, tmp_path, train_sampling_strategy="group_by_length")
    label_ids = trainer.predict(encoder.tokenize(rows, TASK, Recipe())).label_ids
    assert label_ids.tolist() != rows["label"][:], MENDED


@ours
def test_scores_come_in_the_order_of_the_data(trainer: type[EncoderTraining], tmp_path: Path) -> None:
    rows = tiny_data(rows=16)["train"]
    classifier = train(trainer(learning_rate=1e-3), tmp_path, data=tiny_data(rows=16)).classifier
    alone = [classifier.scores(rows.select([row]))[0].tolist() for row in range(len(rows))]
    assert [pytest.approx(row, abs=1e-5) for row in alone] == classifier.scores(rows).tolist()


# Going on from a checkpoint


@pytest.mark.trainer_fault
def test_trainer_goes_another_way_when_it_resumes_while_it_groups_by_length(tmp_path: Path) -> None:
    rows = tiny_data(rows=32)["train"]
    weights = {}
    for strategy in ("random", "group_by_length"):
        unbroken, resumed = (
            plain_trainer(
                tiny_encoder(dropout=0.0),
                rows,
                tmp_path / strategy,
                num_train_epochs=2,
                train_sampling_strategy=strategy,
                save_strategy="steps",
                save_steps=6,
            )
            for _ in range(2)
        )
        unbroken.train()
        resumed.train(resume_from_checkpoint=str(tmp_path / strategy / "checkpoint-6"))
        weights[strategy] = [trainer.model.get_parameter("classifier.weight") for trainer in (unbroken, resumed)]
    assert torch.equal(*weights["random"])
    assert not torch.allclose(*weights["group_by_length"]), MENDED


def unbroken_and_resumed(trainer: type[EncoderTraining], directory: Path) -> tuple[Trained, Trained]:
    """Train three epochs; and again the last two, by finetune from the checkpoint after the first."""
    data = tiny_data(rows=32)
    unbroken = train(trainer(epochs=3, checkpoints=3), directory / "unbroken", data=data)
    checkpoint = unbroken.directory / "checkpoints" / "epoch-1"
    resumed = train(Finetune(epochs=3, resume=checkpoint), directory / "resumed", data=data)
    return unbroken, resumed


def test_a_run_that_goes_on_from_a_checkpoint_ends_in_the_same_bits(tmp_path: Path) -> None:
    unbroken, resumed = unbroken_and_resumed(Finetune, tmp_path)
    assert same_bits(resumed.parameters, unbroken.parameters)


def test_a_run_of_hf_trainer_can_be_taken_up_by_finetune(tmp_path: Path) -> None:
    # finetune computes of the last block what the head reads alone, which rounds otherwise.
    unbroken, resumed = unbroken_and_resumed(HfTrainer, tmp_path)
    assert largest_difference(unbroken.parameters, resumed.parameters) < 1e-5
