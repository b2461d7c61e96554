"""Running one side of the cut gives what the whole model gives, and computes that side alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from encoder_cases import BLOCKS, CASES, Case, encoder_of, padded_batch
from torch import Tensor

from textclf_core.encoder import Encoder
from textclf_core.errors import RunError

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
each_boundary = pytest.mark.parametrize("boundary", range(BLOCKS + 1))


def called_modules(encoder: Encoder, work: Callable[[], object]) -> list[str]:
    """Return the names of the model's modules that are called, in order."""
    paths = {id(module): path for path, module in encoder.model.named_modules()}
    calls: list[str] = []
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, _: calls.append(paths.get(id(module), "")) or None
    )
    try:
        work()
    finally:
        hook.remove()
    return calls


@each_case
@each_boundary
def test_prefix_and_rest_are_the_whole_model(case: Case, boundary: int) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    with torch.no_grad():
        whole = encoder.logits(batch)
        hidden = encoder.run_prefix(batch, boundary)
        logits = encoder.run_from(hidden, batch, boundary)
    assert hidden.shape == (*batch["input_ids"].shape, 32)
    torch.testing.assert_close(logits, whole, atol=1e-6, rtol=0)


@each_case
def test_each_block_changes_the_hidden_states(case: Case) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    with torch.no_grad():
        hidden = [encoder.run_prefix(batch, boundary) for boundary in range(BLOCKS + 1)]
    for before, after in pairwise(hidden):
        assert (after - before).abs().max() > 0.1


@each_case
@each_boundary
def test_only_blocks_on_the_asked_side_are_called(case: Case, boundary: int) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    blocks = [case.path.format(k=group) for group in case.groups]
    conv = ["deberta.encoder.conv"] if case.first_block else []
    embeddings = case.embeddings.split()[0].rpartition(".")[0]
    head = case.head.split()[-2].partition(".")[0]

    with torch.no_grad():
        hidden = encoder.run_prefix(batch, boundary)
        before = called_modules(encoder, lambda: encoder.run_prefix(batch, boundary))
        after = called_modules(encoder, lambda: encoder.run_from(hidden, batch, boundary))

    watched = {embeddings, *blocks, *conv, head}
    first, later = [*blocks[:1], *conv], blocks[1:]
    assert [name for name in before if name in watched] == [
        embeddings,
        *(first + later[: boundary - 1] if boundary else []),
    ]
    assert [name for name in after if name in watched] == [
        *(later[boundary - 1 :] if boundary else first + later),
        head,
    ]


@each_case
@each_boundary
def test_gradients_of_the_rest_are_those_of_the_whole_model(case: Case, boundary: int) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    encoder.freeze(embeddings=True, blocks=range(boundary))

    def gradients(logits: Tensor) -> dict[str, Tensor]:
        encoder.model.zero_grad()
        torch.nn.functional.cross_entropy(logits, batch["labels"]).backward()
        return {name: parameter.grad.clone() for name, parameter in trained() if parameter.grad is not None}

    def trained() -> list[tuple[str, torch.nn.Parameter]]:
        return [pair for pair in encoder.model.named_parameters() if pair[1].requires_grad]

    with torch.no_grad():
        hidden = encoder.run_prefix(batch, boundary)
    of_rest = gradients(encoder.run_from(hidden, batch, boundary))
    of_whole = gradients(encoder.logits(batch))

    assert set(of_rest) == set(encoder.trainable_names())
    torch.testing.assert_close(of_rest, of_whole, atol=1e-6, rtol=1e-5)


@each_case
def test_gradients_reach_the_hidden_states(case: Case) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    hidden = encoder.run_prefix(batch, 2).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(encoder.run_from(hidden, batch, 2).sum(), hidden)
    assert gradient.abs().max() > 0


@each_case
def test_the_model_is_whole_again_after_a_split(case: Case) -> None:
    encoder = encoder_of(case)
    batch = padded_batch(encoder)
    before = encoder.model.state_dict()
    with torch.no_grad():
        whole = encoder.logits(batch)
        encoder.run_from(encoder.run_prefix(batch, 2), batch, 2)
        with pytest.raises((RuntimeError, IndexError)):
            encoder.run_from(torch.zeros(1, 1, 7), batch, 2)
        assert torch.equal(encoder.logits(batch), whole)
    assert list(encoder.model.state_dict()) == list(before)
    assert encoder.model.config.num_hidden_layers == BLOCKS


def test_labels_in_the_batch_leave_the_model_alone() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.model.config.problem_type = None  # a forward pass with labels would guess it
    encoder.logits(padded_batch(encoder))
    assert encoder.model.config.problem_type is None


@pytest.mark.parametrize("boundary", [-1, 5])
def test_a_boundary_out_of_range_is_refused_with_the_valid_range(boundary: int) -> None:
    encoder = encoder_of(CASES["bert"])
    assert encoder.check_split(0) is None
    assert encoder.check_split(4) is None
    with pytest.raises(RunError, match=f"no boundary {boundary}: tiny-bert has 4 blocks, so boundaries are 0 to 4"):
        encoder.run_prefix(padded_batch(encoder), boundary)


# Dropout of frozen parts


def frozen_prefix_varies(encoder: Encoder) -> bool:
    """Whether two runs of the frozen prefix differ: only dropout can make them."""
    batch, boundary = padded_batch(encoder), encoder.frozen_prefix - 1
    return not torch.equal(encoder.run_prefix(batch, boundary), encoder.run_prefix(batch, boundary))


@each_case
def test_plain_train_switches_dropout_of_frozen_blocks_on(case: Case) -> None:
    encoder = encoder_of(case)
    encoder.freeze(embeddings=True, blocks=range(2))
    encoder.model.train()
    assert frozen_prefix_varies(encoder)


@each_case
def test_frozen_in_eval_keeps_dropout_of_frozen_blocks_off(case: Case) -> None:
    encoder = encoder_of(case)
    encoder.freeze(embeddings=True, blocks=range(2))
    with encoder.frozen_in_eval():
        encoder.model.train()
        assert not frozen_prefix_varies(encoder)


def test_frozen_in_eval_lets_what_trains_train() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(embeddings=True, blocks=[0], pooler=True)
    with encoder.frozen_in_eval():
        encoder.model.train()
        body = encoder.model.base_model
        assert [block.training for block in body.encoder.layer] == [False, True, True, True]
        assert (body.embeddings.training, body.pooler.training, encoder.model.dropout.training) == (False, False, True)


def test_frozen_in_eval_holds_at_once() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(embeddings=True, blocks=[0])
    encoder.model.train()
    with encoder.frozen_in_eval():
        assert not frozen_prefix_varies(encoder)


def test_frozen_in_eval_ends() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(body=True)
    with encoder.frozen_in_eval():
        encoder.model.train()
    assert all(module.training for module in encoder.model.modules())


def test_frozen_in_eval_holds_in_a_copy_and_leaves_the_original_alone() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(body=True)
    with encoder.frozen_in_eval():
        twin = copy.deepcopy(encoder.model)
    encoder.model.train()
    twin.eval()
    twin.train()
    assert not twin.base_model.encoder.layer[0].training
    assert encoder.model.base_model.encoder.layer[0].training
