"""The default trainer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import load_file
from trained import Trained, largest_difference, same_bits, train

import textclf_core
from textclf_core.errors import RunError, UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.progress import Bar, Progress
from textclf_plugins.training.finetune import Finetune


@pytest.fixture(scope="module")
def best_of_four(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What keeps the best of four epochs; not to be changed."""
    return overfitted(tmp_path_factory.mktemp("best"), keep="best", checkpoints=4)


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two epochs over 32 rows, with a checkpoint after each; not to be changed."""
    return train(Finetune(epochs=2), tmp_path_factory.mktemp("two-epochs"), data=tiny_data(rows=32))


@pytest.fixture(scope="module")
def warmed_up(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two epochs of four steps, warmed up in the first; not to be changed."""
    return train(Finetune(epochs=2, learning_rate=8e-5, warmup=0.5), tmp_path_factory.mktemp("warmed-up"))


@pytest.fixture(scope="module")
def behind_a_prefix(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What trains one of two blocks; not to be changed."""
    encoder = tiny_encoder()
    encoder.freeze(embeddings=True, blocks=[0])
    directory = tmp_path_factory.mktemp("behind-a-prefix")
    return train(Finetune(weight_decay=0.5), directory, encoder=encoder, data=tiny_data(rows=16))


def overfitted(directory: Path, **options: Any) -> Trained:
    """Train so fast, on labels so wrong, that the last of the epochs isn't the best on validation."""
    data = tiny_data(rows=32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    return train(Finetune(epochs=4, learning_rate=3e-3, batch_size=8, **options), directory, data=data)


# Steps


def test_micro_batches_end_in_the_parameters_of_whole_batches(tmp_path: Path) -> None:
    whole, cut = (
        train(Finetune(micro_batch_size=size), tmp_path / str(size), encoder=tiny_encoder(dropout=0.0))
        for size in (None, 5)
    )
    assert largest_difference(whole.parameters, cut.parameters) < 1e-6


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    options = Finetune(epochs=6, learning_rate=3e-3)
    run = train(options, tmp_path, encoder=tiny_encoder(dropout=0.0), data=tiny_data(rows=128))
    assert run.epochs[-1]["validation_loss"] < 0.5 * run.epochs[0]["validation_loss"]
    assert run.epochs[-1]["validation_accuracy"] == 1.0


def test_the_time_of_the_frozen_prefix_is_left_out_of_the_rate_of_the_steps(tmp_path: Path) -> None:
    """Else the first step seems to take as long as the prefix of all rows, and hours seem left."""

    class SlowPrefix(Progress):
        @contextmanager
        def bar(self, description: str, total: int | None, unit: str = "steps") -> Iterator[Bar]:
            with super().bar(description, total, unit) as bar:
                if description == "frozen prefix":
                    time.sleep(0.5)
                started = time.perf_counter()
                yield bar
                if description == "train":
                    counted.append((bar.done / bar.rate, time.perf_counter() - started))

    counted: list[tuple[float, float]] = []
    encoder = tiny_encoder()
    encoder.freeze(embeddings=True, blocks=[0])
    train(Finetune(), tmp_path, encoder=encoder, data=tiny_data(rows=16), progress=SlowPrefix(quiet=True))
    [(of_steps, whole)] = counted
    assert of_steps < whole - 0.5


def test_gradients_are_clipped_to_the_norm(tmp_path: Path) -> None:
    run = train(Finetune(batch_size=8, max_grad_norm=1e-3), tmp_path, data=tiny_data(rows=8))
    norm = math.hypot(*(values.norm().item() for values in run.first_gradient.values()))
    assert norm == pytest.approx(1e-3, rel=1e-2)


def test_matrices_decay_and_biases_and_norms_do_not(tmp_path: Path) -> None:
    encoder = tiny_encoder(dropout=0.0)
    with torch.no_grad():
        for parameter in encoder.model.parameters():
            parameter.fill_(1.0)
    # Adam itself moves a parameter by no more than the rate, 0.0001 a step; the four steps' decay leaves 0.77 of it.
    run = train(Finetune(learning_rate=1e-4, weight_decay=1e3), tmp_path, encoder=encoder)
    for name, values in run.parameters.items():
        spared = "bias" in name or "LayerNorm" in name
        assert values.mean().item() == pytest.approx(1.0 if spared else 0.77, abs=0.01), name


def test_only_what_trains_has_an_optimizer_state(behind_a_prefix: Trained) -> None:
    stored = load_file(behind_a_prefix.directory / "checkpoints" / "epoch-1" / "optimizer.safetensors")
    assert {key.rsplit("/", 1)[0] for key in stored} == set(behind_a_prefix.encoder.trainable_names())


def test_only_what_trains_moves(behind_a_prefix: Trained) -> None:
    before, after = tiny_encoder().model, behind_a_prefix.parameters
    still = {name for name, values in after.items() if torch.equal(values, before.get_parameter(name))}
    assert still == set(behind_a_prefix.encoder.frozen_names())


# A loss that isn't finite


def test_it_stops_at_the_first_loss_that_is_not_finite_and_the_weights_are_finite_still(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    with pytest.raises(
        RunError, match=r"^the loss became (nan|inf) at step 2 \(epoch 1\), .* learning_rate \(now 1e\+30\)"
    ):
        train(Finetune(learning_rate=1e30), tmp_path, encoder=encoder)
    assert all(parameter.isfinite().all() for parameter in encoder.model.parameters())


def test_it_stops_at_a_gradient_that_overflows_though_the_loss_does_not(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    with torch.no_grad():
        encoder.model.get_parameter("classifier.weight").mul_(1e22)
    with pytest.raises(RunError, match=r"^the norm of the gradient became inf at step 1 \(epoch 1\), and"):
        train(Finetune(), tmp_path, encoder=encoder)


def test_it_stops_when_the_last_step_ruined_the_model(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^the validation loss became (nan|inf) after epoch 1"):
        train(Finetune(learning_rate=1e30, batch_size=8), tmp_path, data=tiny_data(rows=8))


# Epochs


def test_the_best_epoch_has_the_lowest_validation_loss_and_its_weights_are_kept(best_of_four: Trained) -> None:
    losses = [row["validation_loss"] for row in best_of_four.epochs]
    best = losses.index(min(losses)) + 1
    assert best < 4
    assert same_bits(best_of_four.parameters, best_of_four.checkpoint(best))


def test_the_last_epoch_is_kept_unless_the_best_is_asked_for(tmp_path: Path) -> None:
    run = overfitted(tmp_path)
    weights = load_file(run.directory / "checkpoints" / "epoch-4" / "trainable.safetensors")
    assert same_bits(run.parameters, weights)


def test_history_has_a_row_a_step_and_a_row_an_epoch(warmed_up: Trained) -> None:
    history = warmed_up.history
    assert [list(row) for row in history] == 2 * [
        *4 * [["step", "loss", "learning_rate"]],
        ["epoch", "step", "train_loss", "validation_loss", "validation_accuracy"],
    ]
    for epoch in (history[:5], history[5:]):
        assert epoch[4]["train_loss"] == pytest.approx(sum(row["loss"] for row in epoch[:4]) / 4)


def test_history_has_the_learning_rate_of_each_step(warmed_up: Trained) -> None:
    rates = [row["learning_rate"] for row in warmed_up.history if "epoch" not in row]
    assert rates == pytest.approx([0, 2e-5, 4e-5, 6e-5, 8e-5, 6e-5, 4e-5, 2e-5])


def test_history_of_a_long_epoch_has_some_fifty_losses(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.freeze(body=True)  # steps that take no time
    run = train(Finetune(batch_size=1, checkpoints=0), tmp_path, encoder=encoder, data=tiny_data(rows=130))
    assert len(run.history) == 65 + 1


# Checkpoints


@pytest.mark.parametrize(
    ("checkpoints", "expected"), [(0, []), (2, ["epoch-2", "epoch-3"]), (9, ["epoch-1", "epoch-2", "epoch-3"])]
)
def test_the_last_checkpoints_are_kept(checkpoints: int, expected: list[str], tmp_path: Path) -> None:
    run = train(Finetune(epochs=3, checkpoints=checkpoints), tmp_path, data=tiny_data(rows=16))
    assert run.checkpoints == expected


@pytest.mark.parametrize("freeze", [{}, {"embeddings": True, "blocks": [0]}], ids=["full", "frozen-prefix"])
def test_a_resumed_run_ends_in_the_bits_of_the_unbroken_one(freeze: dict[str, Any], tmp_path: Path) -> None:
    runs = []
    for name, resume in [("unbroken", None), ("resumed", tmp_path / "unbroken" / "checkpoints" / "epoch-2")]:
        encoder = tiny_encoder(dropout=0.2)
        encoder.freeze(**freeze)
        options = Finetune(epochs=4, checkpoints=4, warmup=0.3, micro_batch_size=5, resume=resume)
        runs.append(train(options, tmp_path / name, encoder=encoder, data=tiny_data(rows=32)))
    unbroken, resumed = runs
    assert same_bits(unbroken.parameters, resumed.parameters)
    assert unbroken.history == resumed.history


def test_a_resumed_run_remembers_the_best_epoch_of_before(best_of_four: Trained, tmp_path: Path) -> None:
    resumed = overfitted(tmp_path, keep="best", resume=best_of_four.directory / "checkpoints" / "epoch-3")
    assert same_bits(best_of_four.parameters, resumed.parameters)


@pytest.mark.parametrize(
    ("options", "seed", "freeze", "message"),
    [
        ({"learning_rate": 1e-4}, 0, {}, "learning_rate was 2e-05, now 0.0001."),
        ({"batch_size": 8}, 0, {}, "batch_size was 16, now 8; optimizer steps an epoch was 2, now 4."),
        ({"keep": "best"}, 0, {}, "keep was last, now best."),
        ({}, 1, {}, "seed was 0, now 1."),
        ({}, 0, {"embeddings": True}, "the strategy freezes other parameters."),
    ],
)
def test_another_recipe_seed_or_strategy_cannot_go_on(
    options: dict[str, Any], seed: int, freeze: dict[str, Any], message: str, two_epochs: Trained, tmp_path: Path
) -> None:
    encoder = tiny_encoder()
    encoder.freeze(**freeze)
    again = Finetune(epochs=2, resume=two_epochs.directory / "checkpoints" / "epoch-1", **options)
    with pytest.raises(UsageError) as raised:
        train(again, tmp_path, encoder=encoder, data=tiny_data(rows=32), seed=seed)
    assert str(raised.value) == f"resume={again.resume}: this run can't go on from there: {message}"


def test_other_data_cannot_go_on(two_epochs: Trained, tmp_path: Path) -> None:
    again = Finetune(epochs=2, resume=two_epochs.directory / "checkpoints" / "epoch-1")
    with pytest.raises(UsageError, match=r"can't go on from there: training data was \w{12}, now \w{12}\.$"):
        train(again, tmp_path, data=tiny_data(rows=32, seed=1))


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_run_whose_training_is_over_is_only_scored(keep: Literal["last", "best"], tmp_path: Path) -> None:
    trained = overfitted(tmp_path / "trained", keep=keep)
    again = overfitted(tmp_path / "again", keep=keep, resume=trained.directory / "checkpoints" / "epoch-4")
    assert same_bits(trained.parameters, again.parameters)
    assert trained.history == again.history
    assert again.meter.examples == 0


def test_a_folder_without_a_checkpoint_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no checkpoint there\. Give a folder such as RUN/checkpoints/epoch-1\.$"):
        train(Finetune(resume=tmp_path), tmp_path)


# The seed


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    options, data = Finetune(epochs=2), tiny_data(rows=32)
    first, again = (train(options, tmp_path / name, data=data, seed=7) for name in ("first", "again"))
    assert same_bits(first.parameters, again.parameters)


def test_another_seed_gives_others(tmp_path: Path) -> None:
    data = tiny_data(rows=32)
    first, other = (train(Finetune(), tmp_path / str(seed), data=data, seed=seed) for seed in (7, 8))
    assert largest_difference(first.parameters, other.parameters) > 1e-5


# In a run


@pytest.mark.parametrize("trainer", ["finetune", "hf-trainer"])
def test_a_run_leaves_history_checkpoints_and_a_model_that_predicts_again(
    trainer: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    plugins = [f"hf-model:checkpoint={tiny_checkpoint}", "freeze-first-n:n=1", f"{trainer}:epochs=3,learning_rate=1e-3"]
    data = tiny_data(rows=24)
    run = textclf_core.run(plugins, data=data, output=tmp_path / "runs", quiet=True)
    assert sorted(path.name for path in run.directory.iterdir()) == [
        "checkpoints",
        "history.jsonl",
        "model",
        "predictions.parquet",
        "record.json",
    ]
    assert [path.name for path in sorted((run.directory / "checkpoints").iterdir())] == ["epoch-2", "epoch-3"]
    assert run.record.cost.train_examples == 3 * 24
    stored = run.predictions().to_pylist()
    tests = [row for row in stored if row["split"] == "test"]
    again = run.predict(data["test"]["text"])
    assert [row["prediction"] for row in again] == [row["prediction"] for row in tests]
