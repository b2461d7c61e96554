"""What is decided during training: early stopping and adaptive freezing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trained import of_family, same_bits, train_with, weights

import textclf_core
from textclf_core import FinishedEpoch, Run
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.phases import interval_from
from textclf_plugins.phases.early_stopping import EarlyStopping
from textclf_plugins.phases.freeze_auto import FreezeAuto
from textclf_plugins.training.finetune import Finetune


def test_training_ends_when_the_validation_loss_has_not_fallen_for_so_many_epochs(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    options = Finetune(epochs=9, learning_rate=3e-3, batch_size=8, keep="best", checkpoints=9)
    run = train_with("early-stopping:patience=2", tmp_path, options, encoder=tiny_encoder(), data=data)
    losses = [row["validation_loss"] for row in run.epochs]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 2 < 9
    assert same_bits(run.parameters, run.checkpoint(best))
    again = Finetune(
        epochs=9, learning_rate=3e-3, batch_size=8, keep="best", resume=tmp_path / "checkpoints" / f"epoch-{best + 2}"
    )
    resumed = train_with("early-stopping:patience=2", tmp_path / "again", again, encoder=tiny_encoder(), data=data)
    assert same_bits(run.parameters, resumed.parameters)
    assert resumed.epochs == run.epochs


def test_epochs_of_a_probe_do_not_stop_training(tmp_path: Path) -> None:
    data = tiny_data(32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    strategy = "linear-probe-then-finetune:probe_epochs=4,probe_learning_rate=3e-2 + early-stopping:patience=1"
    options = Finetune(epochs=5, learning_rate=3e-3, batch_size=8)
    run = train_with(strategy, tmp_path, options, encoder=tiny_encoder(), data=data)
    assert run.phases[0][0] == 4
    assert 1 <= run.phases[1][0] < 5


def test_blocks_before_the_first_that_changes_enough_are_frozen() -> None:
    encoder = of_family("bert")
    norms = [{1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0}, {1: 9.9, 2: 9.8, 3: 5.0, 4: 6.0}]
    # The changes are 1%, 2%, 50% and 40%; their median is 21%.
    frozen = FreezeAuto().textclf_interval_finished(encoder, norms)
    assert set(frozen) == {name for name in weights(encoder) if encoder.depth_of(name) <= 2}
    assert FreezeAuto(percentile=0).textclf_interval_finished(encoder, norms) == ()
    assert FreezeAuto().textclf_interval_finished(encoder, norms[:1]) == ()
    # Two blocks that still train, changed by 40% and 33%.
    encoder.freeze(names=frozen)
    assert FreezeAuto().textclf_interval_finished(encoder, [*norms, {3: 7.0, 4: 4.0}]) == ()


DEEPER = """
from dataclasses import dataclass
from typing import ClassVar
from textclf_core import Needs, Phase, hookimpl

@dataclass(frozen=True, kw_only=True)
class Deeper:
    '''Freeze one block more after each half of an epoch.'''

    needs: ClassVar[Needs] = Needs(gradient_norms=True)

    @hookimpl
    def textclf_plan(self, recipe):
        return [Phase(epochs=recipe.epochs, intervals=2)]

    @hookimpl
    def textclf_interval_finished(self, encoder, gradient_norms):
        return [name for name in encoder.trainable_names() if encoder.depth_of(name) <= len(gradient_norms)]
"""


def test_what_is_frozen_within_an_epoch_is_read_from_the_cache_if_another_epoch_comes(tmp_path: Path) -> None:
    (tmp_path / "deeper.py").write_text(DEEPER)
    encoder = tiny_encoder(blocks=4)
    encoder.model.save_pretrained(tmp_path / "model")
    encoder.tokenizer.save_pretrained(tmp_path / "model")

    def run(cache: bool) -> Run:
        return textclf_core.run(
            [
                f"hf-model:checkpoint={tmp_path / 'model'}",
                "deeper",
                f"finetune:epochs=2,batch_size=8,learning_rate=1e-3,prefix_cache={cache}",
            ],
            data=tiny_data(32),
            output=tmp_path / "runs",
            cache_dir=tmp_path / "cache",
            plugin_files=[tmp_path / "deeper.py"],
            quiet=True,
        )

    cached, plain = run(cache=True), run(cache=False)
    assert [(phase.epochs, phase.frozen_prefix) for phase in cached.record.phases] == [
        (0.5, 0),
        (0.5, 2),
        (0.5, 3),
        (0.5, 4),
    ]
    # 32 rows of train and 8 of validation behind one block and behind two, and 8 of test; not once more behind three
    # for the last half of the last epoch.
    assert cached.record.cost.prefix_rows_computed == 2 * 40 + 8
    assert (cached.record.cost.train_flops or 0) < (plain.record.cost.train_flops or 0)
    scores = [np.array(one.predictions()["scores"].to_pylist()) for one in (cached, plain)]
    np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.mark.parametrize(
    ("steps", "intervals", "ends"),
    [(20, 5, [4, 8, 12, 16, 20]), (7, 3, [2, 4, 7]), (2, 5, [1, 2]), (4, 1, [4])],
)
def test_intervals_are_as_equal_as_can_be_and_have_a_step_at_least(steps: int, intervals: int, ends: list[int]) -> None:
    found: list[int] = []
    while not found or found[-1] < steps:
        found.append(interval_from(0, found[-1] if found else 0, steps, intervals).end)
    assert found == ends


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
