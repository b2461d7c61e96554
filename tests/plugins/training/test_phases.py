"""Strategies that plan training: what trains when, at which rate, and what is kept between phases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trained import FAST, Trained, of_family, same_bits, train, train_with, weights

import textclf_core
from textclf_core import Phase, Recipe
from textclf_core.encoder import Encoder
from textclf_core.errors import RunError, UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.plan import TrainingPlan
from textclf_plugins.training.finetune import Finetune


def updated(run: Trained, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, values in run.parameters.items() if not torch.equal(values, before[name])}


# What trains, on three architectures


def head(encoder: Encoder) -> set[str]:
    return {name for name in weights(encoder) if encoder.part_of(name) == "head"}


def biases(encoder: Encoder) -> set[str]:
    return {name for name in weights(encoder) if name.endswith(".bias")} | head(encoder)


def norms(encoder: Encoder) -> set[str]:
    named = {name for name in weights(encoder) if "LayerNorm" in name or "layer_norm" in name}
    return named | head(encoder)


def everything(encoder: Encoder) -> set[str]:
    return set(weights(encoder))


# The first two go by the parameters' names, the others by their depth alone.
@pytest.mark.parametrize(
    ("strategy", "expected", "family"),
    [
        *(("bitfit", biases, family) for family in ("bert", "distilbert", "mpnet")),
        *(("layernorm-only", norms, family) for family in ("bert", "distilbert", "mpnet")),
        *(
            pytest.param(strategy, everything, family, marks=() if family == "bert" else pytest.mark.slow)
            for family in ("bert", "distilbert", "mpnet")
            for strategy in (
                "gradual-unfreeze",
                "discriminative-lr",
                "layerwise-lr-decay",
                "linear-probe-then-finetune:probe_epochs=1",
                "freeze-auto",
            )
        ),
    ],
)
def test_what_a_strategy_trains_moves_and_nothing_else(
    strategy: str, expected: Callable[[Encoder], set[str]], family: str, tmp_path: Path
) -> None:
    encoder = of_family(family)
    before, wanted = weights(encoder), expected(encoder)
    run = train_with(strategy, tmp_path, Finetune(epochs=2, **FAST), encoder=encoder, data=tiny_data(16))
    assert updated(run, before) == wanted
    assert encoder.num_parameters(trainable=True) == sum(before[name].numel() for name in wanted)


def test_frozen_blocks_keep_their_biases(tmp_path: Path) -> None:
    encoder = of_family("bert")
    before, wanted = weights(encoder), biases(encoder)
    run = train_with("bitfit + freeze-first-n:n=2", tmp_path, Finetune(**FAST), encoder=encoder, data=tiny_data(16))
    assert updated(run, before) == {name for name in wanted if encoder.depth_of(name) > 2}


# Phases


@pytest.mark.parametrize(
    ("strategy", "epochs", "expected"),
    [
        ("linear-probe-then-finetune:probe_epochs=2,probe_learning_rate=0.01", 1, [(2, 1e-2, 5), (1, 1e-3, 0)]),
        ("linear-probe-then-finetune:probe_epochs=1 + freeze-first-n:n=1", 2, [(1, 1e-3, 5), (2, 1e-3, 2)]),
        # Four blocks and the embeddings: in the last epoch all train.
        ("gradual-unfreeze", 2, [(1, 1e-3, 5), (1, 1e-3, 0)]),
        ("gradual-unfreeze", 3, [(1, 1e-3, 5), (1, 1e-3, 2), (1, 1e-3, 0)]),
        ("gradual-unfreeze:blocks=1", 3, [(1, 1e-3, 5), (1, 1e-3, 4), (1, 1e-3, 3)]),
        ("gradual-unfreeze:blocks=3 + freeze-first-n:n=1", 4, [(1, 1e-3, 5), (3, 1e-3, 2)]),
    ],
)
def test_phases_train_what_they_should_for_as_long_as_they_should(
    strategy: str, epochs: int, expected: list[tuple[int, float, int]], tmp_path: Path
) -> None:
    encoder = of_family("bert")
    run = train_with(strategy, tmp_path, Finetune(epochs=epochs, **FAST), encoder=encoder, data=tiny_data(16))
    assert run.phases == expected
    assert len(run.epochs) == sum(number for number, _, _ in expected)


def test_what_a_phase_freezes_does_not_change_in_it_and_is_recorded(tiny_checkpoint: Path, tmp_path: Path) -> None:
    run = textclf_core.run(
        [
            f"hf-model:checkpoint={tiny_checkpoint}",
            "linear-probe-then-finetune:probe_epochs=2,probe_learning_rate=0.01",
            "finetune:epochs=1,checkpoints=3",
        ],
        data=tiny_data(32),
        output=tmp_path,
        quiet=True,
    )
    before = load_file(tiny_checkpoint / "model.safetensors")
    probed, tuned = (
        load_file(run.directory / "checkpoints" / f"epoch-{epoch}" / "trainable.safetensors") for epoch in (2, 3)
    )
    body = [name for name in before if name.startswith("bert.")]
    assert all(torch.equal(probed[name], before[name]) for name in body)
    assert not any(torch.equal(tuned[name], before[name]) for name in body)
    probe, finetuning = run.record.phases
    assert (probe.epochs, probe.learning_rate, probe.trainable_parameters, probe.frozen_prefix) == (2, 0.01, 66, 3)
    assert (finetuning.epochs, finetuning.learning_rate, finetuning.frozen_prefix) == (1, 2e-5, 0)
    assert finetuning.trainable_parameters == run.record.cost.total_parameters
    assert probe.frozen_sha256
    assert finetuning.frozen_sha256 is None
    assert textclf_core.open_run(run.directory).record == run.record


def test_a_plain_run_records_no_phases(tiny_checkpoint: Path, tmp_path: Path) -> None:
    run = textclf_core.run([f"hf-model:checkpoint={tiny_checkpoint}"], data=tiny_data(16), output=tmp_path, quiet=True)
    assert run.record.phases == ()


def test_each_rate_has_a_schedule_of_its_own_and_a_phase_without_one_goes_on_with_the_recipes(tmp_path: Path) -> None:
    def rates(strategy: str) -> list[float]:
        options = Finetune(epochs=2, learning_rate=8e-4, batch_size=8)
        run = train_with(strategy, tmp_path / strategy, options, encoder=tiny_encoder(), data=tiny_data(16))
        return [row["learning_rate"] for row in run.history if "epoch" not in row]

    assert rates("linear-probe-then-finetune:probe_epochs=1,probe_learning_rate=1e-2") == pytest.approx(
        [1e-2, 5e-3, 8e-4, 6e-4, 4e-4, 2e-4]
    )
    assert rates("gradual-unfreeze") == pytest.approx([8e-4, 6e-4, 4e-4, 2e-4])


def test_the_optimizer_remembers_what_trains_on_and_forgets_what_it_no_longer_has(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    options = Finetune(epochs=1, **FAST)
    run = train_with(
        "linear-probe-then-finetune:probe_epochs=1", tmp_path, options, encoder=encoder, data=tiny_data(16)
    )
    first, second = (
        load_file(run.directory / "checkpoints" / f"epoch-{epoch}" / "optimizer.safetensors") for epoch in (1, 2)
    )
    assert {key.rsplit("/", 1)[0] for key in first} == {"classifier.weight", "classifier.bias"}
    assert first["classifier.weight/step"] == 2
    assert second["classifier.weight/step"] == 4
    assert second["bert.pooler.dense.weight/step"] == 2


@pytest.mark.parametrize(
    ("strategy", "epoch"),
    [
        ("linear-probe-then-finetune:probe_epochs=2", 1),
        pytest.param("linear-probe-then-finetune:probe_epochs=1", 2, marks=pytest.mark.slow),
        ("gradual-unfreeze + layerwise-lr-decay", 1),
        pytest.param("freeze-auto:percentile=100", 1, marks=pytest.mark.slow),
        ("freeze-auto:percentile=100", 2),
    ],
)
def test_a_run_resumed_in_or_between_phases_ends_in_the_same_bits(strategy: str, epoch: int, tmp_path: Path) -> None:
    runs = []
    for name, resume in [("unbroken", None), ("resumed", tmp_path / "unbroken" / "checkpoints" / f"epoch-{epoch}")]:
        options = Finetune(epochs=3, warmup=0.2, resume=resume, keep="best", **FAST)
        encoder, data = tiny_encoder(blocks=4, dropout=0.2), tiny_data(24)
        runs.append(train_with(strategy, tmp_path / name, options, encoder=encoder, data=data))
    unbroken, resumed = runs
    assert same_bits(unbroken.parameters, resumed.parameters)
    assert unbroken.history == resumed.history
    assert unbroken.events.phases == resumed.events.phases
    assert len(unbroken.events.phases) > 1
    rows = tiny_data(32)["test"]
    np.testing.assert_array_equal(unbroken.classifier.scores(rows), resumed.classifier.scores(rows))


def test_another_plan_cannot_go_on(tmp_path: Path) -> None:
    options, data = Finetune(epochs=2, **FAST), tiny_data(16)
    strategy = "linear-probe-then-finetune:probe_epochs=1"
    first = train_with(strategy, tmp_path / "a", options, encoder=tiny_encoder(), data=data)
    again = Finetune(epochs=2, resume=first.directory / "checkpoints" / "epoch-1", **FAST)
    with pytest.raises(UsageError, match=r"the plan was linear-probe-then-finetune:.*, now gradual-unfreeze:blocks="):
        train_with("gradual-unfreeze", tmp_path / "b", again, encoder=tiny_encoder(), data=data)


def test_the_best_epoch_may_lie_in_an_earlier_phase(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    options = Finetune(epochs=2, keep="best", learning_rate=3e-2, batch_size=8, checkpoints=9)
    strategy = "linear-probe-then-finetune:probe_epochs=1,probe_learning_rate=1e-5"
    run = train_with(strategy, tmp_path, options, encoder=tiny_encoder(), data=data)
    losses = [row["validation_loss"] for row in run.epochs]
    assert losses[0] == min(losses)
    assert same_bits(run.parameters, run.checkpoint(1))
    assert run.classifier.prefix is None


# What doesn't go together


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (
            ["gradual-unfreeze", "freeze-auto"],
            "'gradual-unfreeze' and 'freeze-auto' both decide the phases of training",
        ),
        (["discriminative-lr", "layerwise-lr-decay"], "both decide the learning rates of training; leave one out"),
        (["early-stopping", "hf-trainer"], "the trainer 'hf-trainer' doesn't carry out; .* or train with 'finetune'"),
        (["early-stopping", "tfidf-logreg"], "'early-stopping' is a strategy, but the trainer 'tfidf-logreg'"),
    ],
)
def test_what_cannot_be_together_is_refused_before_anything_is_loaded(specs: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        activate(specs, Catalogue.discover())


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        (
            "linear-probe-then-finetune + head-only",
            "^linear-probe-then-finetune: .* nothing to fine-tune after the probe",
        ),
        ("gradual-unfreeze + head-only", "^gradual-unfreeze: .* there is nothing to unfreeze"),
        ("layerwise-lr-decay + head-only", "^layerwise-lr-decay: .* the head alone would train"),
        ("discriminative-lr + freeze-first-n:n=4", "^discriminative-lr: .* the head alone would train"),
        ("freeze-auto + freeze-first-n:n=3", "^freeze-auto: needs two trainable blocks"),
        (
            "bitfit + head-only",
            "^bitfit: trains the biases outside norms of .*, but another strategy freezes all of them",
        ),
        ("bitfit + layernorm-only", "but another strategy freezes all of them"),
        ("layernorm-only + bitfit", "but another strategy freezes all of them"),
    ],
)
def test_what_means_nothing_together_is_refused_with_a_reason(strategies: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        train_with(strategies, tmp_path, Finetune(epochs=2), encoder=of_family("bert"))


def test_one_epoch_is_too_few_to_change_anything_between_epochs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^gradual-unfreeze: .* needs at least 2 epochs, but there is 1\."):
        train_with("gradual-unfreeze", tmp_path, Finetune(), encoder=of_family("bert"))


def test_two_intervals_are_too_few_to_freeze_after_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^freeze-auto: .* one to train after freezing, but training has 2\."):
        train_with("freeze-auto:intervals=2", tmp_path, Finetune(), encoder=of_family("bert"))


def test_blocks_that_are_one_cannot_be_frozen_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^freeze-auto: needs two trainable blocks that share no parameters"):
        train_with("freeze-auto", tmp_path, Finetune(epochs=2), encoder=of_family("albert"))


def test_a_body_without_biases_has_nothing_for_bitfit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^bitfit: the body of tiny-modernbert has no biases outside norms to train"):
        train_with("bitfit", tmp_path, Finetune(), encoder=of_family("modernbert"))


def test_a_phase_that_freezes_the_head_is_refused(tmp_path: Path) -> None:
    plan = TrainingPlan((Phase(epochs=1), Phase(epochs=1, freeze=("classifier.weight", "classifier.bias"))), Recipe())
    with pytest.raises(RunError, match="from epoch 2 on, the strategies freeze the whole classification head"):
        train(Finetune(), tmp_path, plan=plan)
