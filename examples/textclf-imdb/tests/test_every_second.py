from __future__ import annotations

import pytest
from textclf_imdb.every_second import FreezeEverySecond

from textclf_core import UsageError
from textclf_core.testing import Check, plugin_checks, tiny_encoder


def frozen_parts(strategy: FreezeEverySecond, blocks: int) -> set[str]:
    encoder = tiny_encoder(blocks=blocks, hidden=16)
    strategy.textclf_freeze(encoder)
    return {encoder.part_of(name) for name in encoder.frozen_names()}


@pytest.mark.parametrize("check", plugin_checks(FreezeEverySecond))
def test_it_does_what_its_hooks_promise(check: Check) -> None:
    check()


def test_the_embeddings_and_every_second_block_are_frozen() -> None:
    assert frozen_parts(FreezeEverySecond(), blocks=5) == {"embeddings", "block 0", "block 2", "block 4"}


def test_the_first_frozen_block_can_be_chosen() -> None:
    assert frozen_parts(FreezeEverySecond(first=1), blocks=5) == {"embeddings", "block 1", "block 3"}


def test_the_embeddings_can_train() -> None:
    assert frozen_parts(FreezeEverySecond(embeddings=False), blocks=2) == {"block 0"}


def test_a_first_block_that_the_model_lacks_is_refused_with_the_number_of_its_last() -> None:
    with pytest.raises(UsageError, match="first=4, but the last block of tiny-bert is 3"):
        FreezeEverySecond(first=4).textclf_freeze(tiny_encoder(blocks=4))
