"""Row gradients change where a gradient is kept, not what it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textclf_core.training.row_gradients import RowGradients


def trained(collect: bool, micro_batches: int = 1) -> tuple[Tensor, list[int]]:
    """Return the weights of an embedding of a million numbers after four steps, and how many rows were not 0."""
    torch.manual_seed(0)
    model = nn.ModuleDict({"words": nn.Embedding(10_000, 100, padding_idx=0), "head": nn.Linear(100, 2)})
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    gradients = RowGradients(model if collect else nn.Identity())
    rows_with_gradient = []
    with gradients.collected():
        for step in range(4):
            for _ in range(micro_batches):
                ids = torch.randint(0, 5 + step, (3, 7))
                model["head"](model["words"](ids)).square().sum().backward()
            gradients.complete()
            weight = model["words"].weight
            assert weight.grad is not None
            assert not weight.grad.is_sparse
            rows_with_gradient.append(int(weight.grad.abs().sum(1).count_nonzero()))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            gradients.clear()
    return model["words"].weight.detach(), rows_with_gradient


def test_the_weights_are_the_same_to_the_bit() -> None:
    (with_rows, rows), (without, all_rows) = trained(True), trained(False)
    assert torch.equal(with_rows, without)
    assert rows == all_rows, "rows that an earlier batch read have no gradient any more"
    assert max(rows) < 10


def test_the_gradients_of_micro_batches_add_up() -> None:
    (with_rows, _), (without, _) = trained(True, micro_batches=3), trained(False, micro_batches=3)
    torch.testing.assert_close(with_rows, without, rtol=1e-5, atol=1e-5)


def test_the_embedding_is_as_it_was_afterwards() -> None:
    model = nn.Embedding(10_000, 100)
    with RowGradients(model).collected():
        assert model.sparse
    assert not model.sparse


def test_small_and_frozen_embeddings_are_left_alone() -> None:
    small, frozen = nn.Embedding(100, 10), nn.Embedding(10_000, 100).requires_grad_(False)
    with RowGradients(nn.ModuleList([small, frozen])).collected():
        assert not small.sparse
        assert not frozen.sparse
