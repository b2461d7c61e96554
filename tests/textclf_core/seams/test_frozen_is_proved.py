"""What is called frozen never changed, from the model as built to what is saved, and what is called trained did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core import Run, RunError, UsageError
from textclf_core.reports.summary import cost_rows

STRATEGIES = """
import torch
from textclf_core import Change

@dataclass(frozen=True)
class Zeroing:
    '''Zero the embeddings, and freeze them.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        with torch.no_grad():
            encoder.model.base_model.embeddings.word_embeddings.weight.zero_()
        encoder.freeze(embeddings=True)

@dataclass(frozen=True)
class Stopper:
    '''End training after the first epoch.'''

    @hookimpl
    def textclf_epoch_finished(self, epochs):
        return Change(stop=True)
"""


def _frozen_row(run: Run) -> str:
    return dict(cost_rows(run.record))["frozen"]


def test_a_strategy_that_changes_weights_as_it_freezes_them_is_caught(
    run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """The hashes are those of the model as it was built."""
    with pytest.raises(RunError, match=r"frozen: bert\.embeddings\.word_embeddings\.weight"):
        run("zeroing", file=plugin_file(STRATEGIES))


def test_a_part_is_partly_frozen_where_some_of_it_trains(run: Callable[..., Run]) -> None:
    """Of each part with norms these train; the pooler has none."""
    done = run("layernorm-only")
    encoder = done.record.encoder
    assert encoder is not None
    assert (encoder.frozen, encoder.partly_frozen) == (("pooler",), ("embeddings", "block 0", "block 1"))
    assert _frozen_row(done) == "pooler; partly embeddings, blocks 0-1 (verified unchanged)"
    assert textclf_core.open_run(done.directory).record.encoder == encoder


def test_without_whole_parts_the_partly_frozen_stand_alone(run: Callable[..., Run]) -> None:
    """Nothing is frozen of the pooler by bitfit: its bias trains."""
    assert _frozen_row(run("bitfit")) == "partly embeddings, blocks 0-1, pooler (verified unchanged)"


def test_what_trains_in_a_later_phase_counts_as_trained(run: Callable[..., Run]) -> None:
    """The record has the union of all phases."""
    done = run("gradual-unfreeze", "finetune:epochs=2")
    encoder, cost = done.record.encoder, done.record.cost
    assert encoder is not None
    assert (encoder.frozen, encoder.partly_frozen, encoder.frozen_sha256) == ((), (), None)
    assert cost.trainable_parameters == cost.total_parameters


def test_what_no_phase_that_was_reached_lets_train_counts_as_frozen(
    run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """Training ended while the blocks were frozen still, and their weights are those of the checkpoint."""
    done = run("gradual-unfreeze", "stopper", "finetune:epochs=3", file=plugin_file(STRATEGIES))
    encoder, cost = done.record.encoder, done.record.cost
    assert encoder is not None
    assert [phase.epochs for phase in done.record.phases] == [1]
    assert (encoder.frozen, encoder.frozen_prefix) == (("embeddings", "block 0", "block 1"), 3)
    assert encoder.frozen_sha256 == done.record.phases[0].frozen_sha256
    assert encoder.updated == encoder.trainable == 4  # pooler and head
    assert cost.trainable_parameters == done.record.phases[0].trainable_parameters


@pytest.mark.parametrize("strategies", [("gradual-unfreeze", "stopper", "full"), ("lora", "full"), ("full", "lora")])
def test_full_is_an_error_where_something_never_trained(
    strategies: tuple[str, ...], run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """In whatever order the strategies are written."""
    if "lora" in strategies:
        pytest.importorskip("peft")
    with pytest.raises(UsageError, match=r"^full: trains every parameter, but"):
        run(*strategies, "finetune:epochs=3", file=plugin_file(STRATEGIES))
