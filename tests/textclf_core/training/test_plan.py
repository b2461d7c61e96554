"""What plugins say of training, checked before it is carried out, and the gradients they may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import textclf_core
from textclf_core.errors import RunError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.gradient_norms import GradientNorms
from textclf_core.training.schedule import schedules
from textclf_core.types.phases import Phase
from textclf_plugins.training.finetune import Finetune

PLUGIN = """
from dataclasses import dataclass
from textclf_core import Change, ParameterGroup, Phase, hookimpl

@dataclass(frozen=True, kw_only=True)
class Mine:
    '''Returns the phases that it is given.'''

    @hookimpl
    {hook}
        return {answer}
"""


@pytest.mark.parametrize(
    ("hook", "answer", "message"),
    [
        (
            "def textclf_plan(self):",
            "[]",
            r"textclf_plan of the plugin 'mine' .* returned \[\] \(list\); it must return a list of at least one Phase",
        ),
        (
            "def textclf_plan(self):",
            "[Phase(epochs=0)]",
            r"textclf_plan .* whose item 0 is Phase\(epochs=0.*each with at least one epoch",
        ),
        (
            "def textclf_plan(self):",
            "[Phase(epochs=1, freeze=('classifier.weights',))]",
            r"textclf_plan of .*mine\.py\): .* no parameter 'classifier\.weights'\. Did you mean 'classifier.weight'",
        ),
        (
            "def textclf_parameter_groups(self):",
            "2 * [ParameterGroup(names=('classifier.bias',), factor=2.0)]",
            "textclf_parameter_groups .*: the parameter 'classifier.bias' is in two groups",
        ),
        ("def textclf_interval_finished(self):", "('x',)", "textclf_interval_finished .* no parameter 'x'"),
        ("def textclf_epoch_finished(self):", "Change(freeze=('x',))", "textclf_epoch_finished .* no parameter 'x'"),
        (
            "def textclf_epoch_finished(self):",
            "1 / 0",
            r"textclf_epoch_finished of .*'mine'.* failed at .*mine.py:\d+: ZeroDivision",
        ),
    ],
)
def test_an_impossible_plan_is_an_error(
    hook: str, answer: str, message: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(hook=hook, answer=answer))
    with pytest.raises(RunError, match=message):
        textclf_core.run(
            [f"hf-model:checkpoint={tiny_checkpoint}", "mine", "finetune:epochs=2"],
            data=tiny_data(16),
            output=tmp_path / "runs",
            plugin_files=[tmp_path / "mine.py"],
            quiet=True,
        )


def test_neighbours_without_a_rate_of_their_own_share_a_schedule() -> None:
    phases = [Phase(epochs=1, learning_rate=0.1), Phase(epochs=1), Phase(epochs=3), Phase(epochs=1, learning_rate=0.2)]
    found = schedules(phases, Finetune(learning_rate=0.4, warmup=0.5), steps_per_epoch=10)
    assert [(one.first_step, one.steps, one.warmup_steps, one.peak) for one in found] == [
        (1, 10, 5, 0.1),
        (11, 40, 20, 0.4),
        (11, 40, 20, 0.4),
        (51, 10, 5, 0.2),
    ]
    assert found[1].rate(11) == 0
    assert found[2].rate(31) == 0.4


def test_gradients_are_summed_before_their_size_is_taken() -> None:
    encoder = tiny_encoder(blocks=2)
    encoder.freeze(embeddings=True, blocks=[0])
    norms = GradientNorms(encoder)
    size = sum(values.numel() for name, values in encoder.model.named_parameters() if encoder.depth_of(name) == 2)
    for values, expected in [((1.0, 2.0), 3.0), ((1.0, -1.0, 0.5), 0.5)]:  # intervals
        for value in values:
            for parameter in encoder.model.parameters():
                parameter.grad = torch.full_like(parameter, value) if parameter.requires_grad else None
            norms.step()
        assert norms.of_interval() == {2: expected * size}


def test_depths_are_counted_as_the_frozen_prefix_counts() -> None:
    for family in ("bert", "albert", "deberta-v2", "modernbert"):
        encoder = tiny_encoder(family, blocks=3)
        for depth in range(1, 5):
            encoder.model.requires_grad_(True)
            encoder.freeze(names=[name for name in encoder.trainable_names() if encoder.depth_of(name) < depth])
            # ALBERT's blocks are one, and frozen only with the last.
            expected = depth if family != "albert" or depth == 4 else 1
            assert encoder.frozen_prefix == expected, family
