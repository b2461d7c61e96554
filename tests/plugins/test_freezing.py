"""The freezing strategies, on a random BERT of three blocks."""

from __future__ import annotations

import logging

import pytest

from textclf_core.encoder import Encoder
from textclf_core.errors import UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_encoder


def frozen_parts(encoder: Encoder) -> set[str]:
    """Return the parts that are frozen, each wholly."""
    training = {encoder.part_of(name) for name in encoder.trainable_names()}
    frozen = {encoder.part_of(name) for name in encoder.frozen_names()}
    assert not training & frozen
    return frozen


def freeze(*specs: str, blocks: int = 3) -> Encoder:
    encoder = tiny_encoder("bert", blocks=blocks)
    activate(specs, Catalogue.discover()).hook.textclf_freeze(encoder=encoder)
    return encoder


def test_full_freezes_nothing() -> None:
    assert frozen_parts(freeze("full")) == set()


def test_head_only_freezes_everything_but_the_head() -> None:
    encoder = freeze("head-only")
    assert set(encoder.trainable_names()) == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize(
    ("spec", "frozen"),
    [
        ("freeze-first-n:n=0", {"embeddings"}),
        ("freeze-first-n:n=2", {"embeddings", "block 0", "block 1"}),
        ("freeze-first-n:n=3", {"embeddings", "block 0", "block 1", "block 2"}),
        ("freeze-first-n:n=2,embeddings=false", {"block 0", "block 1"}),
        ("freeze-first-n:n=0,embeddings=false", set()),
        ("freeze-last-n:n=0", set()),
        ("freeze-last-n:n=1", {"block 2"}),
        ("freeze-last-n:n=3", {"block 0", "block 1", "block 2"}),
        ("freeze-embeddings", {"embeddings"}),
    ],
)
def test_a_strategy_freezes_the_parts_that_it_names(spec: str, frozen: set[str]) -> None:
    assert frozen_parts(freeze(spec)) == frozen


@pytest.mark.parametrize(
    ("fraction", "blocks", "frozen"), [("0.5", 3, 1), ("0.5", 4, 2), ("0.1", 3, 0), ("0.99", 3, 2), ("0.58", 50, 29)]
)
def test_a_fraction_of_the_blocks_is_rounded_down(fraction: str, blocks: int, frozen: int) -> None:
    # 0.58 * 50 is 28.999999999999996 in floating point.
    encoder = tiny_encoder("bert", blocks=blocks, hidden=4 if blocks > 4 else 32)
    activate([f"freeze-first-n:n={fraction}"], Catalogue.discover()).hook.textclf_freeze(encoder=encoder)
    assert encoder.frozen_prefix == 1 + frozen


def test_the_number_of_blocks_of_a_fraction_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "textclf"):
        encoder = freeze("freeze-last-n:n=0.4")
    assert caplog.messages == [f"freeze-last-n: n=0.4 means 1 of the 3 blocks of {encoder.checkpoint}."]


@pytest.mark.parametrize("plugin", ["freeze-first-n", "freeze-last-n"])
@pytest.mark.parametrize(("blocks", "works"), [(1, 1), (3, 2), (6, 4)])
def test_more_blocks_than_the_model_has_end_in_a_spec_that_works(plugin: str, blocks: int, works: int) -> None:
    checkpoint = tiny_encoder("bert", blocks=blocks).checkpoint
    with pytest.raises(UsageError) as caught:
        freeze(plugin, blocks=blocks)
    has = "1 block" if blocks == 1 else f"{blocks} blocks"
    assert str(caught.value) == (
        f"{plugin}: n=10, but {checkpoint} has {has} (0 to {blocks} can be frozen). Try: --plugin {plugin}:n={works}"
    )
    assert freeze(f"{plugin}:n={works}", blocks=blocks).frozen_names()


@pytest.mark.parametrize("plugin", ["freeze-first-n", "freeze-last-n"])
def test_one_block_more_than_the_model_has_is_refused(plugin: str) -> None:
    with pytest.raises(UsageError, match=f"{plugin}: n=4, but .* has 3 blocks"):
        freeze(f"{plugin}:n=4")


@pytest.mark.parametrize("spec", ["freeze-first-n:n=2.5", "freeze-last-n:n=1.5"])
def test_a_count_that_is_not_whole_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match=r"n=.\.5 is neither a number of blocks \(4\) nor a fraction"):
        activate([spec], Catalogue.discover())


def test_a_count_below_0_is_refused() -> None:
    with pytest.raises(UsageError, match="freeze-first-n: option 'n' takes int or float, at least 0, not '-1'"):
        activate(["freeze-first-n:n=-1"], Catalogue.discover())


def test_strategies_add_up() -> None:
    assert frozen_parts(freeze("freeze-embeddings", "freeze-last-n:n=1")) == {"embeddings", "block 2"}


def test_a_pattern_freezes_the_parameters_whose_names_it_is_found_in() -> None:
    encoder = freeze(r"freeze-pattern:pattern=layer\.(0|2)\.attention\.self\.query")
    assert set(encoder.frozen_names()) == {
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.0.attention.self.query.bias",
        "bert.encoder.layer.2.attention.self.query.weight",
        "bert.encoder.layer.2.attention.self.query.bias",
    }


def test_a_pattern_that_matches_nothing_lists_near_names() -> None:
    with pytest.raises(UsageError) as caught:
        freeze("freeze-pattern:pattern=embeddings.word_embedings")
    first, *near = str(caught.value).splitlines()
    assert first.startswith("freeze-pattern: pattern=embeddings.word_embedings matches none of the ")
    assert "  bert.embeddings.word_embeddings.weight" in near
    assert len(near) == 5


def test_what_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(UsageError, match=r"freeze-pattern: pattern=layer\.\(0 is no regular expression: missing \)"):
        activate(["freeze-pattern:pattern=layer.(0"], Catalogue.discover())
