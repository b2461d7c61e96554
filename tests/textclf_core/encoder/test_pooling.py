"""An encoder without its head: its embeddings, the cache of them, and trainers that bring a head of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_cases import CASES, Case, encoder_of

import textclf_core
from textclf_core import RunError, UsageError
from textclf_core.cache import CacheFolder
from textclf_core.comparison.contenders import contenders
from textclf_core.encoder import Encoder
from textclf_core.encoder.pooling import Pooling
from textclf_core.plugins import Catalogue, activate, override
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.flops import count_embedding_flops, count_prefix_flops
from textclf_core.training.frozen_prefix import FrozenPrefix
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(("negative", "positive"))
ROWS = tiny_data(40)["train"]


def vectors(encoder: Encoder, rows, cache: Path, pooling: Pooling = "mean", meter: Meter | None = None) -> np.ndarray:
    prefix = FrozenPrefix(encoder, CacheFolder(cache), meter or Meter(), Progress(quiet=True), pooling)
    known = prefix.rows(rows)
    assert known is not None
    return known.hidden(range(len(rows)))[:, 0].numpy()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_body_embeds_texts_whatever_its_family_and_where_it_begins(case: Case) -> None:
    encoder = encoder_of(case).without_head()
    batch = encoder.collate(encoder.tokenize(ROWS.select(range(5)), TASK, Recipe()).__getitems__(range(5)))
    batch.pop("labels")
    with torch.no_grad():
        states = encoder.model(**batch).last_hidden_state
        real = [row[mask.bool()].mean(0) for row, mask in zip(states, batch["attention_mask"], strict=True)]
        torch.testing.assert_close(encoder.embed(batch, "mean"), torch.stack(real))
        torch.testing.assert_close(encoder.embed(batch, "first-token"), states[:, 0])
        half = encoder.run_prefix(batch, 2)
        torch.testing.assert_close(encoder.embed(batch, "mean", hidden=half, start=2), torch.stack(real))


def test_a_body_has_the_parts_of_the_model_but_the_head() -> None:
    whole = tiny_encoder()
    body = whole.without_head()
    assert (whole.has_head, body.has_head) == (True, False)
    assert {body.part_of(name) for name, _ in body.model.named_parameters()} == {
        "embeddings",
        "block 0",
        "block 1",
        "pooler",
    }
    assert body.num_parameters() == whole.num_parameters() - (2 * 32 + 2)


@pytest.mark.parametrize("pooling", ["mean", "first-token"])
def test_a_cached_vector_doesnt_depend_on_its_batch_or_the_boundary_bitwise(pooling: Pooling, tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=3, hidden=64)
    rows = encoder.tokenize(ROWS, TASK, Recipe())
    encoder.freeze(embeddings=True, blocks=[0, 1])
    FrozenPrefix(encoder, CacheFolder(tmp_path / "rolled"), Meter(), Progress(quiet=True)).rows(rows)
    body = encoder.without_head()
    body.freeze(body=True)
    together = vectors(body, rows, tmp_path / "together", pooling)
    vectors(body, rows.select([3]), tmp_path / "apart", pooling)
    meter = Meter()
    np.testing.assert_array_equal(vectors(body, rows, tmp_path / "apart", pooling), together)
    np.testing.assert_array_equal(vectors(body, rows, tmp_path / "rolled", pooling, meter), together)
    flops, of_a_check = count_embedding_flops(body, pooling, start=2).forward, count_prefix_flops(body, 2)
    lengths = [len(ids) for ids in rows["input_ids"]]
    checked = meter.prefix_flops - sum(flops(1, length) for length in lengths)
    assert checked in {of_a_check(1, length) for length in lengths}, "one row of the store that it went on from"


def test_each_pooling_is_cached_separately_and_other_weights_are_other_vectors(tmp_path: Path) -> None:
    body = tiny_encoder("modernbert").without_head()
    body.freeze(body=True)
    rows = body.tokenize(ROWS, TASK, Recipe())
    mean = vectors(body, rows, tmp_path)
    assert not np.allclose(mean, vectors(body, rows, tmp_path, "first-token"))
    with torch.no_grad():
        body.model.final_norm.weight.mul_(2)  # behind the last block, and in front of the vector
    np.testing.assert_allclose(vectors(body, rows, tmp_path), 2 * mean, rtol=1e-4)


OWN_HEAD = """
    import numpy as np
    from typing import ClassVar
    from textclf_core import Needs
    from textclf_core.encoder import Encoder

    class Even:
        def scores(self, data):
            return np.full((len(data), 2), 0.5, dtype=np.float32)

        def save(self, directory):
            pass

    @dataclass(frozen=True, kw_only=True)
    class OwnHead:
        "A head of its own, on a body that it moves or doesn't."

        needs: ClassVar[Needs] = Needs(model="headless")
        moves: bool = True

        @hookimpl
        def textclf_train(self, encoder: Encoder, data_seed: int):
            assert not encoder.has_head
            assert data_seed == 3
            if self.moves:
                encoder.model.pooler.dense.bias.data += 1
            return Even()

        @hookimpl
        def textclf_load_classifier(self):
            return Even()
"""


def test_a_trainer_with_its_own_head_gets_the_body_frozen_by_the_strategy(
    plugin_file: Callable[..., Path], tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    def run(*plugins: str) -> textclf_core.Run:
        return textclf_core.run(
            [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", *plugins],
            plugin_files=[plugin_file(OWN_HEAD)],
            output=tmp_path / "runs",
            data_seed=3,
            quiet=True,
        )

    record = run("own-head", "freeze-first-n:n=1").record
    assert record.encoder is not None
    assert (record.encoder.frozen, record.encoder.updated) == (("embeddings", "block 0"), 1)
    with pytest.raises(RunError, match="training updated none of the parameters that it could"):
        run("own-head:moves=false")
    with pytest.raises(RunError, match=r"training updated parameters that were frozen: pooler\.dense\.bias"):
        run("own-head", "head-only")


def test_a_strategy_with_a_trainer_that_freezes_itself_is_refused() -> None:
    catalogue = Catalogue.discover()
    assert [plugin.name for plugin in activate(["embedding-logreg"], catalogue).of_role("strategy")] == [
        "embedding-logreg"
    ]
    with pytest.raises(UsageError, match="'embedding-logreg' decides itself what to train"):
        activate(["embedding-logreg", "freeze-first-n:n=2"], catalogue)


def test_in_a_comparison_the_bases_strategy_is_left_out_there_and_the_model_stays() -> None:
    catalogue = Catalogue.discover()
    base = override([], ["minilm", "freeze-embeddings"], catalogue)
    [contender] = contenders(["embedding-logreg"], base, catalogue)
    assert contender.left_out == ("freeze-embeddings",)
    assert [plugin.name for plugin in contender.plugins][:2] == ["minilm", "embedding-logreg"]
