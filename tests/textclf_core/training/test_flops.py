"""FLOPs, against torch's own count of real steps and against arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from textclf_core.encoder import Encoder
from textclf_core.testing import tiny_encoder
from textclf_core.training.flops import count_flops

FREEZINGS: dict[str, dict[str, Any]] = {
    "full": {},
    "embeddings": {"embeddings": True},
    "prefix": {"embeddings": True, "blocks": [0]},
    "block-in-the-middle": {"blocks": [1]},
    "head-only": {"body": True},
}


def counted_by_torch(encoder: Encoder, rows: int, length: int) -> tuple[int, int]:
    """Count the forward and the backward pass of a real step; with dropout on, attention is plain matrix products."""
    batch = {
        "input_ids": torch.randint(5, 60, (rows, length), generator=torch.Generator().manual_seed(0)),
        "attention_mask": torch.ones((rows, length), dtype=torch.long),
    }
    batch["attention_mask"][0, length // 2 :] = 0
    encoder.model.train()
    with FlopCounterMode(display=False) as forward:
        logits = encoder.logits(batch)
    with FlopCounterMode(display=False) as backward:
        cross_entropy(logits, torch.zeros(rows, dtype=torch.long)).backward()
    return forward.get_total_flops(), backward.get_total_flops()


@pytest.mark.parametrize("freezing", FREEZINGS.values(), ids=FREEZINGS)
@pytest.mark.parametrize("family", ["bert", "distilbert", "deberta-v2", "modernbert"])
def test_a_shape_never_seen_costs_what_torch_counts(family: str, freezing: dict[str, Any]) -> None:
    encoder = tiny_encoder(family, blocks=3)
    encoder.freeze(**freezing)
    flops = count_flops(encoder)
    forward, backward = counted_by_torch(encoder, rows=3, length=21)
    assert flops.forward(3, 21) == pytest.approx(forward, rel=0.01)
    assert flops.backward(3, 21) == pytest.approx(backward, rel=0.01)
    assert flops.train_step(3, 21) == flops.forward(3, 21) + flops.backward(3, 21)


@pytest.mark.parametrize(("rows", "length"), [(1, 21), (3, 64)])
def test_the_flops_of_berts_forward_pass_are_those_of_its_matrices(rows: int, length: int) -> None:
    blocks, width, labels = 3, 32, 2
    encoder = tiny_encoder("bert", blocks=blocks, hidden=width, config={"intermediate_size": 4 * width})
    # A block: four projections (8·L·d²), scores and mixing (4·L²·d), two layers of 4·d (16·L·d²).
    body = blocks * (24 * length * width**2 + 4 * length**2 * width)
    pooler_and_head = 2 * width**2 + 2 * width * labels
    assert count_flops(encoder).forward(rows, length) == rows * (body + pooler_and_head)


def test_what_is_frozen_costs_no_backward_pass() -> None:
    encoder = tiny_encoder()
    encoder.freeze(body=True)
    # The gradient of the head's weight, and none behind it.
    assert count_flops(encoder).backward(3, 21) == 3 * 2 * 32 * 2


def test_counting_leaves_gradients_and_the_random_state_as_they_were() -> None:
    encoder = tiny_encoder()
    encoder.model.train()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    count_flops(encoder)
    assert torch.equal(torch.rand(4), expected)
    assert all(parameter.grad is None for parameter in encoder.model.parameters())
    assert encoder.model.training
