"""Dropout keyed by seed, step, process, micro-batch and module."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from encoder_cases import CASES, encoder_of, padded_batch
from torch import Tensor, nn
from torch.profiler import profile

from textclf_core.encoder.dropout import DropoutMasks, KeyedDropout
from textclf_core.testing import tiny_encoder

SHAPE = (16, 32, 64)


def drops(*, seed: int = 0, step: int = 1, name: str = "a", rate: float = 0.5, shape: Sequence[int] = SHAPE) -> Tensor:
    """Which numbers the first call of a module drops."""
    return DropoutMasks(seed, step).draw(name, shape, rate) == 0


def correlation(one: Tensor, other: Tensor) -> float:
    """Between two sets of numbers, in standard errors of none."""
    return float(torch.corrcoef(torch.stack([one.flatten().float(), other.flatten().float()]))[0, 1]) * math.sqrt(
        one.numel()
    )


# Masks


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(16, 12, 33, 33), (1001, 257), (99_999,)])
def test_so_many_are_dropped_and_the_mean_stays(rate: float, shape: tuple[int, ...]) -> None:
    mask = DropoutMasks(0, 1).draw("a", shape, rate)
    assert mask.shape == shape
    assert mask.unique().tolist() == [0, pytest.approx(1 / (1 - rate), rel=1e-4)]
    dropped = float((mask == 0).float().mean())
    assert abs(dropped - rate) < 4 * math.sqrt(rate * (1 - rate) / mask.numel())


@pytest.mark.parametrize(("rate", "value"), [(1.0, 0.0), (1e-9, 1.0)])
def test_all_or_nothing(rate: float, value: float) -> None:
    assert DropoutMasks(0, 1).draw("a", (4, 8), rate).unique().tolist() == [value]


def test_the_same_key_gives_the_same_numbers() -> None:
    assert torch.equal(drops(), drops())


@pytest.mark.parametrize("other", [{"seed": 1}, {"step": 2}, {"name": "b"}])
def test_another_seed_step_or_module_is_independent(other: dict[str, object]) -> None:
    assert abs(correlation(drops(), drops(**other))) < 4  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [{"process": 1}, {"micro_batch": 1}])
def test_another_process_or_micro_batch_is_independent(other: dict[str, int]) -> None:
    assert abs(correlation(drops(), DropoutMasks(0, 1, **other).draw("a", SHAPE, 0.5) == 0)) < 4


def test_each_call_of_a_module_is_independent() -> None:
    masks = DropoutMasks(0, 1)
    first, second = (masks.draw("a", SHAPE, 0.5) == 0 for _ in range(2))
    assert abs(correlation(first, second)) < 4


@pytest.mark.parametrize("dimension", range(3), ids=["rows", "tokens", "features"])
def test_neighbours_are_independent(dimension: int) -> None:
    dropped = drops()
    length = SHAPE[dimension] - 1
    for apart in (1, 4):
        near = dropped.narrow(dimension, 0, length + 1 - apart), dropped.narrow(dimension, apart, length + 1 - apart)
        assert abs(correlation(*near)) < 4


@pytest.mark.parametrize(("shape", "first"), [((5, 9, 6), (5, 1, 6)), ((5, 2, 9, 9), (5, 2, 1, 9))])
def test_the_first_token_has_the_same_numbers_however_many_follow(shape: tuple[int, ...], first: Sequence[int]) -> None:
    alone, among = drops(shape=first), drops(shape=shape)
    assert torch.equal(alone, among[..., :1, :])
    assert 0 < int(alone.sum()) < alone.numel()


# Models


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.family)
def test_a_step_taken_again_is_the_same_step(case) -> None:
    """Whatever was drawn in the meantime, in every family and with each attention."""
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    encoder.model.train()
    dropout = KeyedDropout(encoder.model, seed=0)

    def logits(*place: int) -> Tensor:
        with dropout.drawing(*place):
            return encoder.logits(batch).detach()

    first, second, micro_batch = logits(1), logits(2), logits(1, 0, 1)
    torch.rand(5)
    assert torch.equal(logits(1), first)
    assert torch.equal(logits(2), second)
    assert len({tuple(values.flatten().tolist()) for values in (first, second, micro_batch)}) == 3


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", ["albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet"])
def test_nothing_is_drawn_by_torch(family: str, attention: str) -> None:
    encoder = tiny_encoder(family, dropout=0.3)
    if encoder.model.config._attn_implementation != attention:
        try:
            encoder.model.set_attn_implementation(attention)
        except ValueError:
            pytest.skip(f"{family} has no attention {attention!r}")
    encoder.model.train()
    batch = padded_batch(encoder)
    with profile() as of_torch:
        encoder.logits(batch)
    with KeyedDropout(encoder.model, seed=0).drawing(1), profile() as keyed:
        encoder.logits(batch)
    drawing = [sum("bernoulli" in event.key for event in one.key_averages()) for one in (of_torch, keyed)]
    assert drawing[0] > 0
    assert drawing[1] == 0


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_without_dropout_is_transformers_own(attention: str) -> None:
    encoder = tiny_encoder("bert", dropout=0.0)
    encoder.model.set_attn_implementation(attention)
    batch = padded_batch(encoder)
    encoder.model.train()
    whole = encoder.logits(batch)
    with KeyedDropout(encoder.model, seed=0).drawing(1):
        torch.testing.assert_close(encoder.logits(batch), whole, atol=0, rtol=0)


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_attention_is_transformers_own_but_for_the_mask(family: str) -> None:
    """At a rate that drops nothing, so that the attention of training can be compared."""
    encoder = tiny_encoder(family, dropout=1e-9)
    batch = padded_batch(encoder)
    encoder.model.eval()
    whole = encoder.logits(batch)
    encoder.model.train()
    with KeyedDropout(encoder.model, seed=0).drawing(1):
        torch.testing.assert_close(encoder.logits(batch), whole, atol=1e-5, rtol=1e-5)


def test_another_module_changes_no_others_numbers() -> None:
    """A dropout put in before the first block; its own numbers don't change the next ones' draws."""
    encoder = tiny_encoder(dropout=0.3)
    batch = padded_batch(encoder)
    encoder.model.train()
    before = _masks_of_head(encoder, batch)
    encoder.model.base_model.embeddings.LayerNorm = nn.Sequential(
        encoder.model.base_model.embeddings.LayerNorm, nn.Dropout(0.5)
    )
    assert torch.equal(_masks_of_head(encoder, batch), before)


def _masks_of_head(encoder, batch: dict[str, Tensor]) -> Tensor:
    """What the head's dropout drops in a step."""
    seen: list[Tensor] = []
    hook = encoder.model.dropout.register_forward_hook(lambda _, __, values: seen.append(values == 0))
    with KeyedDropout(encoder.model, seed=0).drawing(1):
        encoder.logits(batch)
    hook.remove()
    return seen[0]


def test_the_model_is_as_before_afterwards() -> None:
    encoder = tiny_encoder(dropout=0.3)
    encoder.model.train()
    batch = padded_batch(encoder)
    torch.manual_seed(3)
    before = encoder.logits(batch)
    with KeyedDropout(encoder.model, seed=0).drawing(1):
        encoder.logits(batch)
    torch.manual_seed(3)
    assert torch.equal(encoder.logits(batch), before)
    assert not any("forward" in vars(module) for module in encoder.model.modules())
