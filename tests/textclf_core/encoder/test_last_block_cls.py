"""Of the last block, what the head reads: the same numbers for less work."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from encoder_cases import CASES, encoder_of, padded_batch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from textclf_core.encoder import Encoder
from textclf_core.encoder.dropout import KeyedDropout, replaced_dropout
from textclf_core.encoder.last_block_cls import FIRST_TOKEN_BLOCKS
from textclf_core.testing import tiny_encoder
from textclf_core.training.flops import count_flops

FAMILIES = sorted(FIRST_TOKEN_BLOCKS)


def encoder_with(family: str, attention: str, dropout: float = 0.3) -> Encoder:
    encoder = tiny_encoder(family, blocks=2, dropout=dropout, config={"initializer_range": 0.2})
    if encoder.model.config._attn_implementation != attention:
        try:
            encoder.model.set_attn_implementation(attention)
        except ValueError:
            pytest.skip(f"{family} has no attention {attention!r}")
    return encoder


def one_step(encoder: Encoder, *, first_token: bool, train: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """Return logits and gradients."""
    batch = padded_batch(encoder)
    encoder.model.train(train)
    encoder.model.zero_grad()
    with (
        encoder.computing_what_the_head_reads() if first_token else nullcontext(),
        KeyedDropout(encoder.model, seed=0).drawing(1),
    ):
        logits = encoder.logits(batch)
        cross_entropy(logits, batch["labels"]).backward()
    gradients = {name: one.grad.clone() for name, one in encoder.model.named_parameters() if one.grad is not None}
    return logits.detach(), gradients


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_logits_gradients_and_dropout_are_the_same(family: str, attention: str, train: bool) -> None:
    encoder = encoder_with(family, attention)
    assert encoder.why_all_tokens() is None
    logits, gradients = one_step(encoder, first_token=True, train=train)
    whole_logits, whole_gradients = one_step(encoder, first_token=False, train=train)
    torch.testing.assert_close(logits, whole_logits, atol=1e-5, rtol=1e-5)
    assert gradients.keys() == whole_gradients.keys()
    torch.testing.assert_close(gradients, whole_gradients, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_dropout_inside_the_layers_is_the_same(family: str) -> None:
    encoder = encoder_with(family, "eager" if family == "mpnet" else "sdpa")
    paths = FIRST_TOKEN_BLOCKS[family]
    [last] = [module for name, module in encoder.model.named_modules() if name.endswith("layer.1")]
    for path in (paths.query, paths.key, paths.value, paths.out, paths.up, paths.down):
        last.set_submodule(path, nn.Sequential(nn.Dropout(0.3), last.get_submodule(path)))
    logits, gradients = one_step(encoder, first_token=True, train=True)
    whole_logits, whole_gradients = one_step(encoder, first_token=False, train=True)
    torch.testing.assert_close(logits, whole_logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradients, whole_gradients, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_draws_for_the_first_token_alone(family: str) -> None:
    encoder = encoder_with(family, "eager" if family == "mpnet" else "sdpa")
    encoder.model.train()
    dropped: list[tuple[int, ...]] = []

    def drop(_: nn.Module, values: Tensor, rate: float) -> Tensor:
        dropped.append(tuple(values.shape))
        return values

    batch = padded_batch(encoder)
    rows, tokens = batch["input_ids"].shape
    with encoder.computing_what_the_head_reads(), replaced_dropout(encoder.model, drop):
        encoder.logits(batch)
    # Of the embeddings and both blocks: the first block's are for all tokens, the last block's for one.
    in_blocks = [shape for shape in dropped if len(shape) > 2][1:]
    assert {shape[-2] for shape in in_blocks[: len(in_blocks) // 2]} == {tokens}
    assert {shape[-2] for shape in in_blocks[len(in_blocks) // 2 :]} == {1}
    assert {shape[0] for shape in dropped} == {rows}


@pytest.mark.parametrize("family", FAMILIES)
def test_it_takes_the_operations_that_are_counted(family: str) -> None:
    encoder = encoder_with(family, "eager" if family == "mpnet" else "sdpa", dropout=0.1)
    encoder.model.train()
    batch = {
        "input_ids": torch.randint(5, 60, (4, 20), generator=torch.Generator().manual_seed(0)),
        "attention_mask": torch.ones((4, 20), dtype=torch.long),
    }
    batch["attention_mask"][0, 10:] = 0
    with encoder.computing_what_the_head_reads():
        counted = count_flops(encoder)
        with FlopCounterMode(display=False) as forward:
            logits = encoder.logits(batch)
        with FlopCounterMode(display=False) as backward:
            cross_entropy(logits, torch.zeros(4, dtype=torch.long)).backward()
    assert counted.forward(4, 20) == pytest.approx(forward.get_total_flops(), rel=0.01)
    assert counted.backward(4, 20) == pytest.approx(backward.get_total_flops(), rel=0.01)
    assert counted.train_step(4, 20) < 0.8 * count_flops(encoder).train_step(4, 20)


@pytest.mark.parametrize(
    "case", [CASES[name] for name in ("albert", "deberta-v2", "modernbert")], ids=lambda c: c.family
)
def test_other_families_are_refused_with_a_reason_and_unchanged(case) -> None:
    encoder = encoder_of(case)
    assert f"family '{case.family}'" in (encoder.why_all_tokens() or "")
    batch = padded_batch(encoder)
    with torch.no_grad():
        whole = encoder.logits(batch)
        with encoder.computing_what_the_head_reads():
            assert torch.equal(encoder.logits(batch), whole)


@pytest.mark.parametrize(("pooling", "first"), [("cls", True), ("mean", False)])
def test_what_a_head_reads_is_found_out(pooling: str, first: bool) -> None:
    encoder = tiny_encoder("modernbert", config={"classifier_pooling": pooling})
    assert encoder.reads_first_token is first


def test_finding_out_what_a_head_reads_runs_no_block() -> None:
    encoder = tiny_encoder("bert", blocks=2)
    ran: list[str] = []
    for name, module in encoder.model.named_modules():
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    assert encoder.reads_first_token
    assert "classifier" in ran
    assert not [name for name in ran if "encoder.layer" in name or "word_embeddings" in name]


def test_the_model_is_whole_again_afterwards() -> None:
    encoder = encoder_with("bert", "sdpa")
    encoder.model.eval()
    batch = padded_batch(encoder)
    with torch.no_grad(), encoder.computing_what_the_head_reads():
        assert encoder.run_prefix(batch, 2).shape[1] == 1
        with encoder.computing_what_the_head_reads():
            pass
        assert encoder.run_prefix(batch, 2).shape[1] == 1, "an inner context doesn't end the outer one"
    with torch.no_grad():
        assert encoder.run_prefix(batch, 2).shape[1] == batch["input_ids"].shape[1]
