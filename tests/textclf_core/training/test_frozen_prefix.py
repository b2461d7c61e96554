"""The cached prefix gives the numbers that the model gives, whoever computed it, and from wherever it went on."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_cases import CASES, Case, encoder_of
from safetensors.torch import load_file

import textclf_core
from textclf_core import Run
from textclf_core.cache import CacheFolder
from textclf_core.encoder import Encoder, split_forward
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.flops import count_prefix_flops
from textclf_core.training.frozen_prefix import FrozenPrefix
from textclf_core.training.prefix_rows import PrefixRows
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(("negative", "positive"))


def rows_of(encoder: Encoder, count: int = 24):
    return encoder.tokenize(tiny_data(count)["train"], TASK, Recipe())


def known(encoder: Encoder, rows, cache: Path, meter: Meter | None = None) -> PrefixRows:
    found = FrozenPrefix(encoder, CacheFolder(cache), meter or Meter(), Progress(quiet=True)).rows(rows)
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_the_logits_are_those_of_the_whole_model(case: Case, blocks: int, tmp_path: Path) -> None:
    encoder = encoder_of(case)
    encoder.freeze(embeddings=True, blocks=range(blocks), body=blocks == encoder.num_blocks)
    rows = rows_of(encoder)
    indices = [3, 8, 11, 20]
    prefix = FrozenPrefix(encoder, CacheFolder(tmp_path), Meter(), Progress(quiet=True))
    cached = prefix.rows(rows)
    assert cached is not None
    batch = encoder.collate(rows.__getitems__(indices))
    with torch.no_grad():
        from_cache = encoder.run_from(cached.hidden(indices), batch, prefix.boundary)
        torch.testing.assert_close(from_cache, encoder.logits(batch), atol=1e-5, rtol=1e-5)


# Beside other tests, two threads wait for each other's core.
@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("blocks", [2, 3])
def test_a_rows_bits_dont_depend_on_its_mates(blocks: int, threads: int, tmp_path: Path) -> None:
    # 3 blocks are all of them: the last is computed for one token per row, the case with the smallest products.
    encoder = tiny_encoder(blocks=3, hidden=64)
    encoder.freeze(embeddings=True, blocks=range(blocks))
    rows = rows_of(encoder, 30)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = known(encoder, rows, tmp_path / "together").hidden(range(30))
        for part in ([7], [0, 1, 2], range(3, 20), range(29, 0, -1)):
            known(encoder, rows.select(part), tmp_path / "apart")
        apart = known(encoder, rows, tmp_path / "apart").hidden(range(30))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(together, apart)


def test_a_deeper_boundary_goes_on_from_a_shallower_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny_encoder(blocks=4)
    rows = rows_of(encoder)
    encoder.freeze(embeddings=True, blocks=[0, 1])
    known(encoder, rows, tmp_path / "rolled")
    encoder.freeze(blocks=[2])
    directly = known(encoder, rows, tmp_path / "direct").hidden(range(24))

    called: list[tuple[int, int]] = []
    real = split_forward.run_prefix

    def run_prefix(model, parts, inputs, upto, hidden=None, start=0):
        called.append((start, upto))
        return real(model, parts, inputs, upto, hidden, start)

    monkeypatch.setattr(split_forward, "run_prefix", run_prefix)
    meter = Meter()
    prefix = FrozenPrefix(encoder, CacheFolder(tmp_path / "rolled"), meter, Progress(quiet=True))
    rolled = prefix.rows(rows)
    assert rolled is not None
    computed = called[: called.index((0, 3)) if (0, 3) in called else None]
    # One row anew, which the store of the shallower boundary has; then all rows, one batch a length, by block 2 alone.
    lengths = [len(ids) for ids in rows["input_ids"]]
    assert computed[0] == (0, 2)
    assert computed[1 : 1 + len(set(lengths))] == [(2, 3)] * len(set(lengths))
    assert torch.equal(rolled.hidden(range(24)), directly)
    deeper, anew = count_prefix_flops(encoder, 3, start=2), count_prefix_flops(encoder, 2)
    of_checks = meter.prefix_flops - sum(deeper(1, length) for length in lengths)
    assert of_checks in {anew(1, length) for length in lengths}
    assert meter.prefix_rows_computed == 24


def test_the_row_that_checks_a_store_is_no_training(tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=3)
    encoder.freeze(embeddings=True, blocks=[0, 1])
    rows, meters = rows_of(encoder), [Meter(), Meter()]
    for meter in meters:
        FrozenPrefix(encoder, CacheFolder(tmp_path), meter, Progress(quiet=True)).training_rows(rows)
    cold, warm = meters
    assert cold.flops == cold.prefix_flops > 0
    assert (warm.flops, warm.prefix_rows_computed, warm.prefix_rows_read) == (0, 0, len(rows))
    one_row = count_prefix_flops(encoder, 2)
    assert warm.prefix_flops in {one_row(1, len(ids)) for ids in rows["input_ids"]}


def test_a_model_that_is_changed_later_on_reads_and_writes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = tiny_encoder(blocks=3)
    encoder.freeze(embeddings=True, blocks=[0, 1])
    rows = rows_of(encoder)
    prefix = FrozenPrefix(encoder, CacheFolder(tmp_path), Meter(), Progress(quiet=True))
    prefix.training_rows(rows.select(range(4)))
    encoder.model.bert.embeddings.register_forward_hook(lambda module, given, output: output * 0)
    with caplog.at_level(logging.INFO, "textclf"):
        assert prefix.rows(rows) is None
        assert prefix.training_rows(rows) is None
    assert "is no longer read from the cache" in caplog.text
    assert [store.rows for store in CacheFolder(tmp_path).list()] == [4]


def scores(run: Run) -> np.ndarray:
    return np.array(run.predictions()["scores"].to_pylist())


@pytest.mark.parametrize("strategy", ["freeze-first-n:n=1", "head-only"])
def test_a_run_is_the_same_cold_warm_and_without(strategy: str, tmp_path: Path, tiny_checkpoint: Path) -> None:
    def run(name: str, cached: bool = True) -> Run:
        return textclf_core.run(
            [
                f"hf-model:checkpoint={tiny_checkpoint}",
                strategy,
                f"finetune:epochs=2,learning_rate=1e-3,prefix_cache={str(cached).lower()}",
            ],
            data=tiny_data(24),
            output=tmp_path / name,
            cache_dir=tmp_path / "cache",
            quiet=True,
        )

    cold, warm, without = run("cold"), run("warm"), run("without", cached=False)
    assert cold.record.cost.prefix_rows_computed > 0
    assert (warm.record.cost.prefix_rows_computed, warm.record.cost.cache_bytes) == (0, 0)
    np.testing.assert_array_equal(scores(cold), scores(warm))
    np.testing.assert_allclose(scores(cold), scores(without), atol=1e-6)
    weights = [load_file(one.directory / "model" / "model.safetensors") for one in (cold, warm, without)]
    for name, values in weights[0].items():
        assert torch.equal(values, weights[1][name])
        torch.testing.assert_close(values, weights[2][name], atol=1e-5, rtol=0)
    flops = [one.record.cost.train_flops for one in (warm, cold, without)]
    assert flops == sorted(set(flops))  # type: ignore[type-var]


def test_a_cache_that_is_too_small_is_logged_and_changes_nothing(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = [f"hf-model:checkpoint={tiny_checkpoint}", "freeze-first-n:n=1"]
    roomy = textclf_core.run(plugins, data=tiny_data(16), output=tmp_path, quiet=True)
    monkeypatch.setenv("TEXTCLF_CACHE_LIMIT", "1K")
    small = textclf_core.run(plugins, data=tiny_data(16), output=tmp_path, cache_dir=tmp_path / "cache", quiet=True)
    [note] = [note for note in small.record.notes if "frozen prefix" in note]
    assert "is recomputed in each epoch" in note
    assert "TEXTCLF_CACHE_LIMIT" in note
    np.testing.assert_allclose(scores(small), scores(roomy), atol=1e-6)


def test_the_embeddings_alone_arent_cached(tmp_path: Path, tiny_checkpoint: Path) -> None:
    plugins = [f"hf-model:checkpoint={tiny_checkpoint}", "freeze-embeddings"]
    run = textclf_core.run(plugins, data=tiny_data(16), output=tmp_path, cache_dir=tmp_path / "cache", quiet=True)
    assert run.record.cost.prefix_rows_computed == run.record.cost.prefix_rows_read == 0


def fill(cache: Path, part: Sequence[int]) -> None:
    torch.set_num_threads(1)
    encoder = tiny_encoder(blocks=3)
    encoder.freeze(embeddings=True, blocks=[0, 1])
    known(encoder, rows_of(encoder, 40).select(part), cache)


@pytest.mark.slow
def test_processes_fill_one_boundary_at_once(tmp_path: Path) -> None:
    logging.getLogger("filelock").setLevel(logging.WARNING)
    context = multiprocessing.get_context("spawn")
    parts = (range(0, 30), range(10, 40), range(40))
    children = [context.Process(target=fill, args=(tmp_path, part)) for part in parts]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    [store] = CacheFolder(tmp_path).list()
    texts = {json.dumps(row["input_ids"]) for row in rows_of(tiny_encoder(blocks=3), 40)}
    assert store.rows == len(texts), "no row was computed twice: who came later waited, and found it"
