"""Which parameters of which family belong to which part, and get frozen with it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from encoder_cases import BLOCKS, CASES, Case, encoder_of, names, padded_batch

from textclf_core.encoder import BlockIndexError
from textclf_core.errors import RunError, UsageError
from textclf_core.testing import tiny_encoder

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
each_count = pytest.mark.parametrize("blocks", range(BLOCKS + 1))


@each_case
@each_count
def test_freezing_the_first_blocks_freezes_just_these_names(case: Case, blocks: int) -> None:
    encoder = encoder_of(case)
    encoder.freeze(embeddings=True, blocks=range(blocks))
    assert sorted(encoder.frozen_names()) == case.frozen(blocks)
    assert encoder.frozen_prefix == 1 + sum(group in case.groups[:blocks] for group in case.groups)


@each_case
def test_every_parameter_has_its_part(case: Case) -> None:
    encoder = encoder_of(case)
    by_part: dict[str, list[str]] = {}
    for name, _ in encoder.model.named_parameters():
        by_part.setdefault(encoder.part_of(name), []).append(name)
    assert sorted(by_part.pop("embeddings")) == case.frozen(0)
    assert sorted(by_part.pop("head")) == sorted(names(case.head))
    assert sorted(by_part.pop("pooler", [])) == sorted(names(case.pooler))
    assert sorted(by_part.pop("final norm", [])) == sorted(names(case.final_norm))
    assert (
        list(by_part)
        == {
            (0, 1, 2, 3): ["block 0", "block 1", "block 2", "block 3"],
            (0, 0, 1, 1): ["blocks 0-1", "blocks 2-3"],
            (0, 0, 0, 0): ["blocks 0-3"],
        }[case.groups]
    )


@each_case
def test_freezing_the_body_leaves_the_head_training(case: Case) -> None:
    encoder = encoder_of(case)
    encoder.freeze(body=True)
    assert sorted(encoder.trainable_names()) == sorted(names(case.head))
    assert encoder.frozen_prefix == 1 + BLOCKS


def test_the_pooler_is_frozen_on_request_alone() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(pooler=True)
    assert encoder.frozen_names() == ("bert.pooler.dense.weight", "bert.pooler.dense.bias")
    assert encoder.frozen_prefix == 0


def test_a_later_block_is_no_prefix() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(embeddings=True, blocks=[0, 2])
    assert encoder.frozen_prefix == 2


def test_blocks_without_the_embeddings_are_no_prefix() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(blocks=range(BLOCKS))
    assert encoder.frozen_prefix == 0


def test_the_prefix_follows_a_parameter_that_someone_thaws() -> None:
    encoder = encoder_of(CASES["deberta-v2"])
    encoder.freeze(embeddings=True, blocks=range(3))
    encoder.model.get_parameter("deberta.encoder.conv.conv.bias").requires_grad_(True)
    assert encoder.frozen_prefix == 1


def test_freezing_an_albert_block_names_those_that_go_with_it(caplog: pytest.LogCaptureFixture) -> None:
    encoder = encoder_of(CASES["albert, two groups"])
    with caplog.at_level(logging.WARNING, logger="textclf"):
        encoder.freeze(blocks=[0, 1, 2])
    assert [record.getMessage() for record in caplog.records] == [
        "tiny-albert: blocks 2 to 3 share their parameters, so these blocks are frozen too: 3"
    ]


@pytest.mark.parametrize("block", [4, 11, -1])
def test_a_block_out_of_range_names_the_count_and_the_range(block: int) -> None:
    encoder = encoder_of(CASES["bert"])
    with pytest.raises(BlockIndexError, match=f"block {block}: .* has 4 blocks, numbered from 0 to 3") as caught:
        encoder.freeze(blocks=[0, block])
    assert (caught.value.index, caught.value.num_blocks, caught.value.largest) == (block, 4, 3)
    assert encoder.frozen_names() == ()


def test_named_parameters_are_frozen() -> None:
    encoder = encoder_of(CASES["bert"])
    encoder.freeze(names=["classifier.bias"])
    assert encoder.frozen_names() == ("classifier.bias",)


def test_an_unknown_parameter_name_brings_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"no parameter 'clasifier.bias'.* Did you mean 'classifier.bias'\?"):
        encoder_of(CASES["bert"]).freeze(names=["clasifier.bias"])


def test_parameters_are_counted_and_of_them_those_that_train() -> None:
    encoder = tiny_encoder("bert", hidden=32)
    everything = encoder.num_parameters()
    assert encoder.num_parameters(trainable=True) == everything
    encoder.freeze(body=True)
    assert encoder.num_parameters() == everything
    assert encoder.num_parameters(trainable=True) == 2 * 32 + 2


def test_shared_parameters_are_counted_once() -> None:
    assert tiny_encoder("albert", blocks=3).num_parameters() == tiny_encoder("albert", blocks=1).num_parameters()
    encoder = tiny_encoder("bert", blocks=2)
    everything = encoder.num_parameters()
    first, second = encoder.model.base_model.encoder.layer
    second.output.dense.weight = first.output.dense.weight
    assert encoder.num_parameters() == everything - 32 * 64


def test_a_family_with_a_plain_structure_can_be_frozen_but_not_split() -> None:
    encoder = tiny_encoder("camembert", blocks=2)
    encoder.freeze(embeddings=True, blocks=[0])
    assert encoder.frozen_prefix == 2
    with pytest.raises(RunError, match=r"family 'camembert' .* It can split these families: bert, roberta"):
        encoder.run_prefix(padded_batch(encoder), 1)


@pytest.mark.parametrize(
    ("family", "why"),
    [
        ("gpt2", "it has no module named 'embeddings'"),
        ("t5", "it has an encoder and a decoder"),
        ("deberta", "its parameter 'encoder.rel_embeddings.weight' is not part"),
    ],
)
def test_where_blocks_are_unknown_the_body_is_one_part_and_what_needs_blocks_says_why(family: str, why: str) -> None:
    encoder = tiny_encoder(family, config={"relative_attention": True} if family == "deberta" else {})
    parts = {encoder.part_of(name) for name, _ in encoder.model.named_parameters()}
    assert (parts, encoder.knows_blocks, encoder.frozen_prefix) == ({"body", "head"}, False, 0)
    assert why in (encoder.check_split(0) or "")
    name = encoder.trainable_names()[0]
    needs_blocks: tuple[Callable[[], object], ...] = (
        lambda: encoder.num_blocks,
        lambda: encoder.depth_of(name),
        lambda: encoder.freeze(blocks=[0]),
        lambda: encoder.freeze(embeddings=True),
    )
    for call in needs_blocks:
        with pytest.raises(UsageError, match=f"family '{family}': {why}.* as a whole, or its head alone"):
            call()
    assert encoder.frozen_names() == ()
    encoder.freeze(body=True)
    assert {encoder.part_of(name) for name in encoder.trainable_names()} == {"head"}
    assert encoder.frozen_prefix == 0


@pytest.mark.parametrize("family", ["roformer", "convbert", "rembert", "eurobert"])
def test_blocks_of_further_families_are_known(family: str) -> None:
    encoder = tiny_encoder(family, blocks=3, config={"embedding_size": 16, "num_key_value_heads": 2})
    encoder.freeze(embeddings=True, blocks=[0, 1])
    assert encoder.frozen_prefix == 3
    trainable = {encoder.part_of(name) for name in encoder.trainable_names()}
    assert {"block 2", "head"} <= trainable <= {"block 2", "head", "pooler", "final norm"}
