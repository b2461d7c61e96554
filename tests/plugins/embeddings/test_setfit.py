"""``setfit``: the body trains on pairs, by the run's seed; the head is fitted on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import textclf_core
from textclf_core import Run, RunError, UsageError
from textclf_core.errors import DataError
from textclf_core.testing import tiny_data
from textclf_plugins.embeddings.pairs import draw_pairs

FAST = "shots=4,iterations=2,batch_size=8,learning_rate=3e-3"


@pytest.fixture
def run(tiny_checkpoint: Path, tmp_path: Path) -> Callable[..., Run]:
    def start(options: str = FAST, *plugins: str, seed: int = 0, data_seed: int = 0) -> Run:
        return textclf_core.run(
            [f"setfit:{options}", f"hf-model:checkpoint={tiny_checkpoint}", *plugins],
            data=tiny_data(64),
            seed=seed,
            data_seed=data_seed,
            output=tmp_path / "runs",
            quiet=True,
        )

    return start


def weights(run: Run) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in load_file(run.directory / "model" / "model.safetensors").items()}


def test_each_example_begins_as_many_pairs_of_each_kind_and_the_seed_decides_the_partners() -> None:
    labels = [0, 1, 0, 1, 1, 2]
    pairs = draw_pairs(labels, iterations=5, seed=0)
    assert all((labels[pair.first] == labels[pair.second]) == pair.same for pair in pairs)
    assert Counter((pair.first, pair.same) for pair in pairs) == {(row, same): 5 for row in range(6) for same in (0, 1)}
    assert [pair for pair in pairs if pair.first == pair.second and labels[pair.first] != 2] == []
    assert pairs == draw_pairs(labels, iterations=5, seed=0)
    assert pairs != draw_pairs(labels, iterations=5, seed=1)


def test_the_body_trains_and_its_cost_is_recorded(run: Callable[..., Run]) -> None:
    record = run().record
    assert record.label == "full"
    assert record.encoder is not None
    assert record.encoder.updated > 30  # the head alone has two tensors
    cost = record.cost
    assert cost.train_examples == 2 * 2 * 2 * 8  # both texts of a pair, both kinds, iterations, examples
    assert record.facts == {"pairs": 2 * 2 * 8}
    assert cost.train_flops > cost.train_examples
    assert cost.trainable_parameters == cost.total_parameters
    assert "setfit: training on 8 examples of train, 4 per label" in record.notes


def test_a_seed_gives_the_same_weights_again_and_another_seed_others(run: Callable[..., Run]) -> None:
    first, again, other = weights(run()), weights(run()), weights(run(seed=1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


def test_shots_are_the_examples_of_train_size_and_the_data_seed_decides_them(
    tiny_checkpoint: Path, run: Callable[..., Run], reviews: Path, tmp_path: Path, textclf: Callable[..., int]
) -> None:
    base = ["--plugin", f"hf-model:checkpoint={tiny_checkpoint}", "--plugin", f"files:path={reviews}", "--seeds", "1"]
    more = ["--no-baselines", "--output", str(tmp_path / "compared")]
    same = FAST.removeprefix("shots=4,")
    assert textclf("compare", *base, *more, "--try", f"setfit:{same}", "--train-size", "4/class") == 0
    assert textclf("compare", *base, *more, "--try", f"setfit:{FAST}") == 0
    by_size, by_shots = sorted((tmp_path / "compared").glob("setfit*"), key=lambda path: "shots" in path.name)
    assert all(
        np.array_equal(values, weights(textclf_core.open_run(by_size))[name])
        for name, values in weights(textclf_core.open_run(by_shots)).items()
    )
    first, other = weights(run()), weights(run(data_seed=1))
    assert not all(np.array_equal(first[name], other[name]) for name in first)


def test_a_strategy_freezes_parts_of_the_body(run: Callable[..., Run]) -> None:
    record = run(FAST, "freeze-first-n:n=1").record
    assert record.encoder is not None
    assert record.encoder.frozen == ("embeddings", "block 0")
    with pytest.raises(UsageError, match="fine-tunes the body, but the strategy freezes all of it"):
        run(FAST, "head-only")


def test_what_is_saved_scores_as_before_without_pickle(run: Callable[..., Run]) -> None:
    done = run(f"{FAST},normalize=true,c=none,max_length=12")
    assert {path.suffix for path in (done.directory / "model").iterdir()} == {".safetensors", ".json"}
    rows = done.predictions().to_pylist()
    again = done.predict([row["text"] for row in rows])
    np.testing.assert_allclose([row["score"] for row in again], [max(row["scores"]) for row in rows], atol=2e-6)


def test_more_shots_than_there_are_and_a_loss_that_isnt_finite_end_in_words(run: Callable[..., Run]) -> None:
    with pytest.raises(DataError, match=r"99/class of train: the label 'negative' has only 32 rows"):
        run("shots=99")
    with pytest.raises(RunError, match="the loss became nan at step"):
        run(f"{FAST.replace('3e-3', '1e30')},iterations=4".replace("iterations=2,", ""))
