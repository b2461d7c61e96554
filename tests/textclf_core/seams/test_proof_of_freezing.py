"""The proof of freezing covers the whole way, from the model as built and adapted to what is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from safetensors.torch import load_file

from textclf_core import Run, RunError

MEDDLERS = """
import torch
from inspect import signature
from textclf_plugins.training.finetune import Finetune

ENCODERS = []

def shift(encoder):
    with torch.no_grad():
        encoder.model.base_model.embeddings.word_embeddings.weight.add_(1)

@dataclass(frozen=True)
class Freezes:
    '''Freeze the embeddings and change them.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(embeddings=True)
        shift(encoder)

@dataclass(frozen=True)
class Plans:
    '''Plan one phase, and change the embeddings.'''

    @hookimpl
    def textclf_plan(self, encoder, recipe):
        shift(encoder)

@dataclass(frozen=True)
class Finishes:
    '''Freeze the embeddings, and change them when training is over.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(embeddings=True)

    @hookimpl
    def textclf_training_finished(self, encoder):
        shift(encoder)

@dataclass(frozen=True)
class Postprocesses:
    '''Keep the encoder, and change its embeddings when the scores are there.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(embeddings=True)
        ENCODERS.append(encoder)

    @hookimpl
    def textclf_postprocess(self, scores):
        for encoder in ENCODERS:
            shift(encoder)
        ENCODERS.clear()

class Shifting:
    def __init__(self, classifier, encoder):
        self.scores, self.classifier, self.encoder = classifier.scores, classifier, encoder

    def save(self, directory):
        shift(self.encoder)
        self.classifier.save(directory)

@dataclass(frozen=True, kw_only=True)
class Saves(Finetune):
    '''Train as finetune does, and change the embeddings as the model is saved.'''

    @hookimpl
    def textclf_train(self, encoder, data, task, seed, workspace, progress, plan):
        given = dict(encoder=encoder, data=data, task=task, recipe=self, seed=seed, workspace=workspace,
                     progress=progress, plan=plan)
        train = super().textclf_train
        return Shifting(train(**{name: given[name] for name in signature(train).parameters}), encoder)
"""
NARROWING = """
from textclf_core import Phase

@dataclass(frozen=True)
class Narrowing:
    '''Train everything for an epoch, then the head alone.'''

    @hookimpl
    def textclf_plan(self, encoder, recipe):
        body = [name for name, _ in encoder.model.named_parameters() if encoder.part_of(name) != "head"]
        return [Phase(epochs=1), Phase(epochs=1, freeze=tuple(body))]
"""


@pytest.mark.parametrize("when", ["freezes", "plans", "finishes", "postprocesses", "saves"])
def test_a_frozen_weight_that_changes_on_the_way_ends_the_run(
    when: str, run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """Whoever changes it, and whenever: the error names the parameter."""
    with pytest.raises(RunError, match=r"(?s)frozen.*bert\.embeddings\.word_embeddings\.weight"):
        run(when, "freeze-embeddings", file=plugin_file(MEDDLERS))


def test_what_adapts_the_model_may_change_what_is_frozen_later(
    run: Callable[..., Run], plugin_file: Callable[..., Path], tiny_checkpoint: Path
) -> None:
    """The proof begins with the model as it was adapted: continued pretraining changes what is then frozen."""
    source = MEDDLERS[: MEDDLERS.index("@dataclass")] + (
        "@dataclass(frozen=True)\nclass Adapts:\n    '''Change the embeddings.'''\n\n"
        "    @hookimpl\n    def textclf_adapt(self, encoder):\n        shift(encoder)\n"
    )
    done = run("adapts", "freeze-embeddings", file=plugin_file(source))
    name = "bert.embeddings.word_embeddings.weight"
    before, after = (
        load_file(folder / "model.safetensors")[name] for folder in (tiny_checkpoint, done.directory / "model")
    )
    assert after.equal(before + 1)


def test_what_trained_in_any_phase_is_trainable(run: Callable[..., Run], plugin_file: Callable[..., Path]) -> None:
    """Everything trained for one epoch, the head alone for another: nothing was frozen throughout."""
    record = run("narrowing", file=plugin_file(NARROWING)).record
    assert record.encoder is not None
    assert record.encoder.frozen == ()
    assert record.encoder.frozen_sha256 is None
    assert record.cost.trainable_parameters == record.cost.total_parameters


def test_what_is_frozen_in_every_phase_is_not_trainable(run: Callable[..., Run], tiny_checkpoint: Path) -> None:
    """gradual-unfreeze reaches the last of two blocks in two epochs: the rest was frozen all the time."""
    done = run("gradual-unfreeze:blocks=1", "finetune:epochs=2")
    names = load_file(tiny_checkpoint / "model.safetensors")
    trained = [name for name in names if "embeddings" not in name and "layer.0." not in name]
    assert done.record.encoder is not None
    assert done.record.encoder.frozen == ("embeddings", "block 0")
    assert done.record.encoder.trainable == len(trained)
    assert done.record.cost.trainable_parameters == sum(names[name].numel() for name in trained)
    assert done.record.encoder.frozen_sha256


def test_a_partly_frozen_block_is_shown_as_such(run: Callable[..., Run]) -> None:
    """The attention of block 0 is frozen, its other layers train: record and summary say that, and of no other."""
    done = run(r"freeze-pattern:pattern=layer\.0\.attention")
    assert done.record.encoder is not None
    assert "block 0" not in done.record.encoder.frozen
    facts = {name: value for name, value in asdict(done.record.encoder).items() if "part" in name}
    assert "block 0" in str(facts)
    assert "block 1" not in str(facts)
    [line] = [line for line in str(done).splitlines() if line.startswith("frozen")]
    assert re.search(r"part.*block 0|block 0.*part", line)
