"""The built-in strategies that replace a part of the training steps, under everything else that training does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from trained import TASK, largest_difference, same_bits, train, train_with

import textclf_core
from textclf_core import Run, UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.plan import TrainingPlan
from textclf_plugins.steps.augment import Augment
from textclf_plugins.steps.cosine import Cosine
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

BUILT_IN = ["augment", "adversarial", "adafactor", "cosine"]
RATE = "learning_rate=1e-3,batch_size=8"


def run_of(checkpoint: Path, folder: Path, *plugins: str, rows: int = 32, name: str = "runs") -> Run:
    return textclf_core.run(
        [f"hf-model:checkpoint={checkpoint}", *plugins],
        data=tiny_data(rows),
        output=folder / name,
        cache_dir=folder / f"cache-{name}",
        quiet=True,
    )


def scores_of(run: Run) -> np.ndarray[Any, Any]:
    return np.array(run.predictions()["scores"].to_pylist())


def history_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.directory / "history.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("plugin", BUILT_IN)
def test_a_run_under_a_plan_of_phases_resumes_with_the_same_bits(
    plugin: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    plugins = [plugin, "gradual-unfreeze", "layerwise-lr-decay"]
    whole = run_of(tiny_checkpoint, tmp_path, *plugins, f"finetune:epochs=4,{RATE}")
    plain = run_of(tiny_checkpoint, tmp_path, *plugins[1:], f"finetune:epochs=4,{RATE}", name="plain")
    assert np.abs(scores_of(whole) - scores_of(plain)).max() > 1e-6
    assert [row["epoch"] for row in history_of(whole) if "epoch" in row] == [1, 2, 3, 4]
    assert [phase.frozen_prefix for phase in whole.record.phases] == [p.frozen_prefix for p in plain.record.phases]
    assert plugin in [one.name for one in whole.record.plugins]

    checkpoint = whole.directory / "checkpoints" / "epoch-3"
    again = run_of(tiny_checkpoint, tmp_path, *plugins, f"finetune:epochs=4,{RATE},resume={checkpoint}", name="again")
    assert np.array_equal(scores_of(again), scores_of(whole))


def test_a_run_with_all_of_them_is_exported(tiny_checkpoint: Path, tmp_path: Path) -> None:
    whole = run_of(tiny_checkpoint, tmp_path, *BUILT_IN, f"finetune:epochs=1,{RATE}")
    texts = ["a warm film", "a dull plot and a duller hero"]
    by_onnx, by_torch = ([row["score"] for row in whole.predict(texts, engine=engine)] for engine in ("onnx", "torch"))
    assert by_onnx == pytest.approx(by_torch, abs=1e-4)


def test_the_second_pass_of_an_adversarial_step_is_counted(tiny_checkpoint: Path, tmp_path: Path) -> None:
    once, twice = (
        run_of(tiny_checkpoint, tmp_path, plugin, f"finetune:{RATE}", name=plugin).record.cost
        for plugin in ("full", "adversarial")
    )
    assert once.train_flops is not None
    assert twice.train_flops == 2 * once.train_flops
    assert twice.train_padded_tokens == once.train_padded_tokens


@pytest.mark.parametrize("strategies", ["adversarial", "adafactor"])
def test_a_batch_in_parts_has_the_same_gradient(strategies: str, tmp_path: Path) -> None:
    whole, parts = (
        train_with(
            strategies,
            tmp_path / str(size),
            Finetune(batch_size=8, micro_batch_size=size, learning_rate=1e-3, focal_gamma=2.0),
            encoder=tiny_encoder(dropout=0.0),
            data=tiny_data(rows=8),
        )
        for size in (None, 3)
    )
    assert largest_difference(whole.parameters, parts.parameters) < 1e-5
    assert whole.history[0]["loss"] == pytest.approx(parts.history[0]["loss"])


def test_the_adversarial_shift_raises_the_loss_and_is_taken_back(tmp_path: Path) -> None:
    encoder = tiny_encoder(dropout=0.0)
    options = Finetune(batch_size=8, learning_rate=1e-12, weight_decay=0.0)
    before = encoder.model.get_input_embeddings().weight.detach().clone()
    trained = train_with("adversarial:epsilon=2", tmp_path, options, encoder=encoder, data=tiny_data(rows=8))
    assert (encoder.model.get_input_embeddings().weight.detach() - before).abs().max() < 1e-6
    plain = train(options, tmp_path / "plain", encoder=tiny_encoder(dropout=0.0), data=tiny_data(rows=8))
    twice, once = (sum(g.square().sum().item() for g in one.first_gradient.values()) for one in (trained, plain))
    assert twice > once


def test_adversarial_steps_without_trainable_embeddings_are_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"adversarial: the token embeddings are frozen"):
        run_of(tiny_checkpoint, tmp_path, "adversarial", "head-only")


@pytest.mark.parametrize("plugin", ["augment", "adversarial"])
def test_what_trainer_cannot_do_is_refused_with_the_trainer_that_can(
    plugin: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=rf"'{plugin}' changes the training steps .* 'hf-trainer'.* with 'finetune'"):
        run_of(tiny_checkpoint, tmp_path, plugin, "hf-trainer")


@pytest.mark.parametrize("plugin", ["adafactor", "cosine"])
def test_both_trainers_end_in_the_same_parameters(plugin: str, tmp_path: Path) -> None:
    plugins = activate([plugin], Catalogue.discover())
    ours, theirs = (
        train(
            trainer(epochs=2, learning_rate=1e-3, batch_size=8, warmup=0.2),
            tmp_path / trainer.__name__,
            encoder=tiny_encoder(dropout=0.0),
            data=tiny_data(rows=40),
            plan=TrainingPlan.of(plugins, tiny_encoder(), Finetune(epochs=2)),
        )
        for trainer in (Finetune, HfTrainer)
    )
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_a_cosine_ends_at_its_floor_and_meets_the_line_half_way() -> None:
    rates = [Cosine(floor=0.1).textclf_schedule(step, 2, 12) for step in range(1, 13)]
    assert rates[:3] == [0, 0.5, 1]
    assert rates[7] == pytest.approx(0.55)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert Cosine().textclf_schedule(13, 2, 12) == pytest.approx(0, abs=1e-12)
    assert not any(math.isnan(rate) for rate in rates)


def changed(train_rows: Dataset, **options: float) -> list[list[str]]:
    plugin = Augment(**options)
    return [plugin.textclf_training_rows(train_rows, TASK, epoch, 0)["text"][:] for epoch in (1, 2, 1)]


def test_augmented_rows_depend_on_the_epoch_alone_and_keep_their_labels() -> None:
    rows = tiny_data(64)["train"]
    first, second, again = changed(rows)
    assert first == again
    assert first != second
    same = sum(one == other for one, other in zip(first, rows["text"], strict=True))
    assert 16 < same < 60
    assert changed(rows, share=0.0)[0] == rows["text"][:]
    words = [sorted(text.split()) for text in changed(rows, share=1.0, drop=0.0)[0]]
    assert words == [sorted(text.split()) for text in rows["text"]]


def test_rows_that_stay_are_read_from_the_cache_and_others_are_computed(tiny_checkpoint: Path, tmp_path: Path) -> None:
    epochs = f"finetune:epochs=3,{RATE}"
    costs = {}
    for plugin in ("augment:share=0", "augment:share=0.3", "augment:share=1"):
        run = run_of(tiny_checkpoint, tmp_path, plugin, "freeze-first-n:n=1", epochs, name=plugin.replace(":", "-"))
        costs[plugin] = run.record.cost.prefix_rows_computed
    plain = run_of(tiny_checkpoint, tmp_path, "freeze-first-n:n=1", epochs, name="plain")
    assert costs["augment:share=0"] == plain.record.cost.prefix_rows_computed
    assert costs["augment:share=0"] < costs["augment:share=0.3"] < costs["augment:share=1"]


def test_the_cache_changes_nothing_but_the_cost(tiny_checkpoint: Path, tmp_path: Path) -> None:
    cached, plain = (
        run_of(
            tiny_checkpoint,
            tmp_path,
            "augment",
            "freeze-first-n:n=1",
            f"finetune:epochs=2,sampling=balanced,prefix_cache={use},{RATE}",
            name=use,
        )
        for use in ("true", "false")
    )
    np.testing.assert_allclose(scores_of(cached), scores_of(plain), atol=1e-5)


def test_without_such_a_plugin_steps_are_those_of_before(tmp_path: Path) -> None:
    plan = TrainingPlan.of(activate(["full"], Catalogue.discover()), tiny_encoder(), Finetune())
    assert plan.steps is None
    one, other = (train(Finetune(), tmp_path / name, plan=given) for name, given in (("plan", plan), ("none", None)))
    assert same_bits(one.parameters, other.parameters)
    assert torch.is_grad_enabled()
