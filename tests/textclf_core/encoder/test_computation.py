"""The hash of a model's computation besides its weights, or the reason why it is unknown."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from encoder_cases import CASES, Case, encoder_of
from torch import nn
from torch.nn.utils import parametrize

from textclf_core.cache import CacheFolder
from textclf_core.encoder import Encoder
from textclf_core.encoder.computation import UnknownComputationError
from textclf_core.testing import tiny_encoder
from textclf_core.training.frozen_prefix import cached_prefix
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress

Change = Callable[[Encoder], object]


class Doubled(nn.LayerNorm):
    """A norm of one's own, in a file that can be hashed."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(values)


class Half(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values / 2


def doubled(encoder: Encoder) -> None:
    encoder.model.bert.embeddings.LayerNorm.__class__ = Doubled


def lambda_for_an_activation(encoder: Encoder) -> None:
    encoder.model.bert.encoder.layer[0].intermediate.intermediate_act_fn.act = lambda values: values


def patched(encoder: Encoder) -> None:
    layer = encoder.model.bert.encoder.layer[0]
    layer.feed_forward_chunk = lambda values: values


def halved(encoder: Encoder) -> None:
    parametrize.register_parametrization(encoder.model.bert.encoder.layer[0].output.dense, "weight", Half())


def hook_on(path: str) -> Change:
    return lambda encoder: encoder.model.get_submodule(path).register_forward_pre_hook(lambda module, given: None)


OTHER = {
    "a setting": lambda encoder: setattr(encoder.model.bert.embeddings.LayerNorm, "eps", 0.5),
    "a class of one's own": doubled,
    "an activation": lambda encoder: setattr(
        encoder.model.bert.encoder.layer[0].intermediate.intermediate_act_fn, "act", nn.functional.relu
    ),
    "the attention's heads": lambda encoder: setattr(
        encoder.model.bert.encoder.layer[0].attention.self, "scaling", 0.5
    ),
}
UNKNOWN = {
    "a hook in a block": hook_on("bert.encoder.layer.0.output"),
    "a hook on the list of blocks' owner": hook_on("bert.encoder"),
    "a hook on the body": hook_on("bert"),
    "a hook on the model": hook_on(""),
    "a function made at run time": lambda_for_an_activation,
    "a patched method": patched,
    "a parametrization": halved,
}
BEHIND = {
    "a hook on a later block": hook_on("bert.encoder.layer.2"),
    "a hook on the head": hook_on("classifier"),
    "a hook on the pooler": hook_on("bert.pooler"),
    "other weights": lambda encoder: nn.init.zeros_(encoder.model.bert.encoder.layer[0].output.dense.weight),
    "another mode": lambda encoder: encoder.model.train(),
}


@pytest.fixture
def encoder() -> Encoder:
    return tiny_encoder(blocks=3)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_computes_otherwise_has_another_hash(change: Change, encoder: Encoder) -> None:
    before = encoder.computation_digests(2)
    change(encoder)
    after = encoder.computation_digests(2)
    assert len(before) == len(after) == 3
    assert after != before


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_computation_is_not_cached_and_the_reason_is_logged(
    change: Change, encoder: Encoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change(encoder)
    with pytest.raises(UnknownComputationError):
        encoder.computation_digests(2)
    encoder.freeze(embeddings=True, blocks=[0, 1])
    with caplog.at_level(logging.INFO, "textclf"):
        assert cached_prefix(encoder, CacheFolder(tmp_path), Meter(), Progress(quiet=True)) is None
    assert "the model's computation can't be fingerprinted" in caplog.text


def test_a_hook_on_all_modules_is_unknown(encoder: Encoder) -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda module, given, output: None)
    try:
        with pytest.raises(UnknownComputationError, match="on all modules"):
            encoder.computation_digests(2)
    finally:
        handle.remove()


@pytest.mark.parametrize("change", BEHIND.values(), ids=BEHIND)
def test_what_lies_behind_the_boundary_or_is_hashed_elsewhere_changes_nothing(change: Change, encoder: Encoder) -> None:
    before = encoder.computation_digests(2)
    change(encoder)
    assert encoder.computation_digests(2) == before


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_family_is_known_and_running_it_changes_nothing(case: Case) -> None:
    encoder = encoder_of(case)
    before = encoder.computation_digests(encoder.num_blocks, whole=True)
    assert encoder_of(case).computation_digests(encoder.num_blocks, whole=True) == before
    ids = torch.full((2, 5), encoder.tokenizer.cls_token_id)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.no_grad(), encoder.computing_what_the_head_reads(), encoder.frozen_in_eval():
        encoder.model(**batch, output_hidden_states=True)
        assert encoder.computation_digests(encoder.num_blocks, whole=True) == before
    assert encoder.without_head().computation_digests(encoder.num_blocks, whole=True) == before


def test_a_copy_computes_the_same(encoder: Encoder) -> None:
    other = copy.deepcopy(encoder.model)
    assert Encoder(other, encoder.tokenizer, "other").computation_digests(2) == encoder.computation_digests(2)
