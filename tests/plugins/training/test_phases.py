"""Strategies with a say in the course of training: what trains when, at which rate, and what is kept between phases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trained import Trained, same_bits, train, train_with

import textclf_core
from textclf_core import FinishedEpoch, Phase, Recipe, Run
from textclf_core.encoder import Encoder
from textclf_core.errors import RunError, UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.plan import TrainingPlan
from textclf_plugins.phases.early_stopping import EarlyStopping
from textclf_plugins.phases.freeze_auto import FreezeAuto
from textclf_plugins.training.finetune import Finetune

FAST = {"learning_rate": 1e-3, "batch_size": 8, "checkpoints": 9}


def of_family(family: str) -> Encoder:
    # Weights of this size make logits of about 1, so that every parameter has a gradient to speak of.
    return tiny_encoder(family, blocks=4, config={"initializer_range": 0.4})


def moved(run: Trained, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, values in run.parameters.items() if not torch.equal(values, before[name])}


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in encoder.model.named_parameters()}


def checkpoint(run: Trained, epoch: int) -> dict[str, torch.Tensor]:
    return load_file(run.directory / "checkpoints" / f"epoch-{epoch}" / "trainable.safetensors")


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


@pytest.mark.parametrize("family", ["bert", "distilbert", "mpnet"])
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("bitfit", biases),
        ("layernorm-only", norms),
        ("gradual-unfreeze", everything),
        ("discriminative-lr", everything),
        ("layerwise-lr-decay", everything),
        ("linear-probe-then-finetune:probe_epochs=1", everything),
        ("freeze-auto", everything),
    ],
)
def test_what_a_strategy_trains_moves_and_nothing_else(
    strategy: str, expected: Callable[[Encoder], set[str]], family: str, tmp_path: Path
) -> None:
    encoder = of_family(family)
    before, wanted = weights(encoder), expected(encoder)
    run = train_with(strategy, tmp_path, Finetune(epochs=2, **FAST), encoder=encoder, data=tiny_data(32))
    assert moved(run, before) == wanted
    assert encoder.num_parameters(trainable=True) == sum(before[name].numel() for name in wanted)


def test_frozen_blocks_keep_their_biases(tmp_path: Path) -> None:
    encoder = of_family("bert")
    before, wanted = weights(encoder), biases(encoder)
    run = train_with("bitfit + freeze-first-n:n=2", tmp_path, Finetune(**FAST), encoder=encoder)
    assert moved(run, before) == {name for name in wanted if encoder.depth_of(name) > 2}


# Phases


def phases(run: Trained) -> list[tuple[int, float, int]]:
    assert run.plan is not None
    return [(phase.epochs, phase.learning_rate, phase.frozen_prefix) for phase in run.plan.ran]


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
    assert phases(run) == expected
    assert len(run.epochs) == sum(number for number, _, _ in expected)


def test_what_a_phase_freezes_does_not_move_in_it_and_the_record_says_so(tiny_checkpoint: Path, tmp_path: Path) -> None:
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


def test_a_plain_run_has_no_phases_to_tell_of(tiny_checkpoint: Path, tmp_path: Path) -> None:
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
    run = train_with("linear-probe-then-finetune:probe_epochs=1", tmp_path, options, encoder=encoder)
    first, second = (
        load_file(run.directory / "checkpoints" / f"epoch-{epoch}" / "optimizer.safetensors") for epoch in (1, 2)
    )
    assert {key.rsplit("/", 1)[0] for key in first} == {"classifier.weight", "classifier.bias"}
    assert first["classifier.weight/step"] == 8
    assert second["classifier.weight/step"] == 16
    assert second["bert.pooler.dense.weight/step"] == 8


@pytest.mark.parametrize(
    ("strategy", "epoch"),
    [
        ("linear-probe-then-finetune:probe_epochs=2", 1),
        ("linear-probe-then-finetune:probe_epochs=1", 2),
        ("gradual-unfreeze + layerwise-lr-decay", 1),
        ("freeze-auto:percentile=100", 1),
    ],
)
def test_a_run_resumed_in_or_between_phases_ends_in_the_same_bits(strategy: str, epoch: int, tmp_path: Path) -> None:
    runs = []
    for name, resume in [("unbroken", None), ("resumed", tmp_path / "unbroken" / "checkpoints" / f"epoch-{epoch}")]:
        options = Finetune(epochs=3, warmup=0.2, resume=resume, keep="best", **FAST)
        encoder, data = tiny_encoder(blocks=4, dropout=0.2), tiny_data(32)
        runs.append(train_with(strategy, tmp_path / name, options, encoder=encoder, data=data))
    unbroken, resumed = runs
    assert same_bits(unbroken.parameters, resumed.parameters)
    assert unbroken.history == resumed.history
    assert unbroken.plan is not None
    assert resumed.plan is not None
    assert unbroken.plan.ran == resumed.plan.ran
    rows = tiny_data(32)["test"]
    np.testing.assert_array_equal(unbroken.classifier.scores(rows), resumed.classifier.scores(rows))


def test_another_plan_cannot_go_on(tmp_path: Path) -> None:
    options = Finetune(epochs=2, **FAST)
    first = train_with("linear-probe-then-finetune:probe_epochs=1", tmp_path / "a", options, encoder=tiny_encoder())
    again = Finetune(epochs=2, resume=first.directory / "checkpoints" / "epoch-1", **FAST)
    with pytest.raises(UsageError, match=r"the plan was linear-probe-then-finetune:.*, now gradual-unfreeze:blocks="):
        train_with("gradual-unfreeze", tmp_path / "b", again, encoder=tiny_encoder())


def test_the_best_epoch_may_lie_in_an_earlier_phase(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    options = Finetune(epochs=2, keep="best", learning_rate=3e-2, batch_size=8, checkpoints=9)
    strategy = "linear-probe-then-finetune:probe_epochs=1,probe_learning_rate=1e-5"
    run = train_with(strategy, tmp_path, options, encoder=tiny_encoder(), data=data)
    losses = [row["validation_loss"] for row in run.epochs]
    assert losses[0] == min(losses)
    assert same_bits(run.parameters, checkpoint(run, 1))
    assert run.classifier.prefix is None


# The cache


def run_of(strategy: str, checkpoint: Path, folder: Path, **options: object) -> Run:
    written = ",".join(f"{name}={value}" for name, value in options.items())
    return textclf_core.run(
        [f"hf-model:checkpoint={checkpoint}", *strategy.split(" + "), f"finetune:{written}"],
        data=tiny_data(32),
        output=folder / "runs",
        cache_dir=folder / "cache",
        quiet=True,
    )


@pytest.fixture(scope="module")
def four_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("four-blocks")
    encoder = tiny_encoder(blocks=4)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


# At percentile 100 the block whose gradients change the most goes on, and all before it are frozen.
@pytest.mark.parametrize("strategy", ["freeze-auto:percentile=100", "gradual-unfreeze"])
def test_what_is_frozen_is_read_from_the_cache_and_saves_operations(
    strategy: str, four_blocks: Path, tmp_path: Path
) -> None:
    cached = run_of(strategy, four_blocks, tmp_path, epochs=3, learning_rate=1e-3)
    plain = run_of(strategy, four_blocks, tmp_path, epochs=3, learning_rate=1e-3, prefix_cache="false")
    full = run_of("full", four_blocks, tmp_path, epochs=3, learning_rate=1e-3)
    prefixes = [phase.frozen_prefix for phase in cached.record.phases]
    assert max(prefixes) > 1
    assert cached.record.cost.prefix_rows_computed > 0
    assert plain.record.cost.prefix_rows_computed == 0
    flops = [run.record.cost.train_flops or 0 for run in (cached, plain, full)]
    assert flops == sorted(set(flops))
    scores = [np.array(run.predictions()["scores"].to_pylist()) for run in (cached, plain)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_a_deeper_prefix_goes_on_from_the_shallower_one_and_what_no_other_run_has_goes(tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=4)
    freezing = tmp_path / "deeper.py"
    freezing.write_text(
        "from dataclasses import dataclass\n"
        "from textclf_core import Change, hookimpl\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Deeper:\n"
        "    '''Freeze one block more after each epoch.'''\n"
        "    @hookimpl\n"
        "    def textclf_epoch_finished(self, encoder, epochs):\n"
        "        names = encoder.trainable_names()\n"
        "        return Change(freeze=tuple(n for n in names if encoder.depth_of(n) <= len(epochs)))\n"
    )
    encoder.model.save_pretrained(tmp_path / "model")
    encoder.tokenizer.save_pretrained(tmp_path / "model")
    run = textclf_core.run(
        [f"hf-model:checkpoint={tmp_path / 'model'}", "deeper", "finetune:epochs=4,learning_rate=1e-3"],
        data=tiny_data(32),
        output=tmp_path,
        cache_dir=tmp_path / "cache",
        plugin_files=[freezing],
        quiet=True,
    )
    assert [phase.frozen_prefix for phase in run.record.phases] == [0, 2, 3, 4]
    stores = [path for path in (tmp_path / "cache" / "prefix").iterdir() if path.is_dir()]
    assert len(stores) == 1, "each went when the next was written"
    # 32 rows of train and 8 of validation at three boundaries, and 8 of test at the last.
    assert run.record.cost.prefix_rows_computed == 3 * 40 + 8


# Rates by depth


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


# Early stopping and adaptive freezing


def test_training_ends_when_the_validation_loss_has_not_fallen_for_so_many_epochs(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    options = Finetune(epochs=9, learning_rate=3e-3, batch_size=8, keep="best", checkpoints=9)
    run = train_with("early-stopping:patience=2", tmp_path, options, encoder=tiny_encoder(), data=data)
    losses = [row["validation_loss"] for row in run.epochs]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 2 < 9
    assert same_bits(run.parameters, checkpoint(run, best))
    again = Finetune(
        epochs=9, learning_rate=3e-3, batch_size=8, keep="best", resume=tmp_path / "checkpoints" / f"epoch-{best + 2}"
    )
    with pytest.raises(UsageError, match=rf"training was ended after epoch {best + 2}\.$"):
        train_with("early-stopping:patience=2", tmp_path / "again", again, encoder=tiny_encoder(), data=data)


def test_epochs_of_a_probe_do_not_stop_training(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    strategy = "linear-probe-then-finetune:probe_epochs=4,probe_learning_rate=3e-2 + early-stopping:patience=1"
    options = Finetune(epochs=5, learning_rate=3e-3, batch_size=8)
    run = train_with(strategy, tmp_path, options, encoder=tiny_encoder(), data=data)
    assert phases(run)[0][0] == 4
    assert 1 <= phases(run)[1][0] < 5


def test_blocks_before_the_first_that_changes_enough_are_frozen() -> None:
    encoder = of_family("bert")
    norms = ({1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0}, {1: 9.9, 2: 9.8, 3: 5.0, 4: 6.0})
    # The changes are 1%, 2%, 50% and 40%; their median is 21%.
    [epoch] = _epochs(1)
    change = FreezeAuto().textclf_epoch_finished(encoder, [epoch], norms)
    assert change is not None
    assert set(change.freeze) == {name for name in weights(encoder) if encoder.depth_of(name) <= 2}
    assert FreezeAuto(percentile=0).textclf_epoch_finished(encoder, [epoch], norms) is None


def _epochs(count: int) -> list[FinishedEpoch]:
    return [
        FinishedEpoch(number=n, last_phase=True, train_loss=1.0, validation_loss=1.0, validation_accuracy=0.5)
        for n in range(1, count + 1)
    ]


def test_a_loss_that_stays_the_same_has_not_fallen() -> None:
    assert EarlyStopping(patience=3).textclf_epoch_finished(_epochs(3)) is None
    change = EarlyStopping(patience=3).textclf_epoch_finished(_epochs(4))
    assert change is not None
    assert change.stop


# What doesn't go together


@pytest.mark.parametrize(
    ("specs", "sentence"),
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
def test_what_cannot_be_together_is_refused_before_anything_is_loaded(specs: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        activate(specs, Catalogue.discover())


@pytest.mark.parametrize(
    ("strategies", "sentence"),
    [
        (
            "linear-probe-then-finetune + head-only",
            "^linear-probe-then-finetune: .* nothing to fine-tune after the probe",
        ),
        ("gradual-unfreeze + head-only", "^gradual-unfreeze: .* there is nothing to unfreeze"),
        ("layerwise-lr-decay + head-only", "^layerwise-lr-decay: .* the head alone would train"),
        ("discriminative-lr + freeze-first-n:n=4", "^discriminative-lr: .* the head alone would train"),
        ("freeze-auto + freeze-first-n:n=3", "^freeze-auto: it compares blocks, but .* has no two that train"),
        ("bitfit + head-only", "^bitfit: another strategy freezes every one of the biases outside norms"),
        ("bitfit + layernorm-only", "another strategy freezes every one of the"),
        ("layernorm-only + bitfit", "another strategy freezes every one of the"),
    ],
)
def test_what_means_nothing_together_is_refused_with_a_reason(strategies: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        train_with(strategies, tmp_path, Finetune(epochs=2), encoder=of_family("bert"))


@pytest.mark.parametrize("strategy", ["gradual-unfreeze", "freeze-auto"])
def test_one_epoch_is_too_few_to_change_anything_between_epochs(strategy: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"^{strategy}: .* takes 2 of them at least; there is 1\."):
        train_with(strategy, tmp_path, Finetune(), encoder=of_family("bert"))


def test_blocks_that_are_one_cannot_be_frozen_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^freeze-auto: .* has no two that train and share no parameters"):
        train_with("freeze-auto", tmp_path, Finetune(epochs=2), encoder=of_family("albert"))


def test_a_body_without_biases_has_nothing_for_bitfit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^bitfit: the body of tiny-modernbert has no biases outside norms to train"):
        train_with("bitfit", tmp_path, Finetune(), encoder=of_family("modernbert"))


def test_cells_with_a_plan_are_not_trained_together(tiny_checkpoint: Path, tmp_path: Path) -> None:
    comparison = textclf_core.compare(
        ["head-only + early-stopping:patience=1 + finetune:epochs=3,learning_rate=1e-3", "head-only"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}"],
        seeds=2,
        data=tiny_data(32),
        yardsticks=False,
        output=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        quiet=True,
    )
    assert [len(run.record.phases) for run in comparison.runs] == [1, 1, 0, 0]
    # The rows are computed once for all four.
    computed = [run.record.cost.prefix_rows_computed for run in comparison.runs]
    assert sorted(computed) == [0, 0, 0, 48]


def test_a_phase_that_freezes_the_head_is_refused(tmp_path: Path) -> None:
    plan = TrainingPlan((Phase(epochs=1), Phase(epochs=1, freeze=("classifier.weight", "classifier.bias"))), Recipe())
    with pytest.raises(RunError, match="from epoch 2 on, the strategies freeze the whole classification head"):
        train(Finetune(), tmp_path, plan=plan)
