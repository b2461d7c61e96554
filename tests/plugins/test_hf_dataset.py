"""Data sets of the hub and saved ones."""

from __future__ import annotations

import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from hub_caches import COMMIT, fill_datasets_cache, run_without_hub

import textclf_core
from textclf_core.data import prepare
from textclf_core.errors import DataError
from textclf_core.testing import tiny_data
from textclf_plugins.datasets.hf_dataset import HfDataset

LOAD = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="LOG %(message)s")
from textclf_core.errors import DataError
from textclf_plugins.datasets.hf_dataset import HfDataset
try:
    data = HfDataset(**dict(pair.split("=") for pair in sys.argv[1:])).textclf_load_data()
    print({name: len(split) for name, split in data.items()}, data["train"].info.description)
except DataError as error:
    print(error)
"""


def test_a_saved_data_set_is_read(tmp_path: Path) -> None:
    data = tiny_data(rows=32)
    data.save_to_disk(tmp_path / "saved")
    loaded = HfDataset(id=str(tmp_path / "saved")).textclf_load_data()
    assert {name: loaded[name][:] for name in loaded} == {name: data[name][:] for name in data}
    assert prepare(loaded, 0).record.source == f"the saved data set {tmp_path}/saved"


def test_a_saved_single_split_is_train(tmp_path: Path) -> None:
    tiny_data(rows=32)["train"].save_to_disk(str(tmp_path / "saved"))
    assert list(HfDataset(id=str(tmp_path / "saved")).textclf_load_data()) == ["train"]


def test_columns_can_be_named(tmp_path: Path) -> None:
    DatasetDict(train=Dataset.from_dict({"a": ["x", "y"], "b": [1, 0], "c": ["p", "q"]})).save_to_disk(tmp_path / "s")
    train = HfDataset(id=str(tmp_path / "s"), text="c", label="b").textclf_load_data()["train"]
    assert train[0] == {"text": "p", "label": 1, "a": "x"}


def test_a_split_without_labels_is_excluded_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    train = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    hidden = Dataset.from_dict({"text": ["c"], "label": [-1]}, features=features)
    DatasetDict(train=train, validation=hidden, test=hidden).save_to_disk(tmp_path / "saved")
    data = HfDataset(id=str(tmp_path / "saved")).textclf_load_data()
    assert (list(data), data.unlabelled) == (["train"], 1)
    assert "the split 'validation' is left out: none of its rows has a label" in caplog.text


def test_a_folder_of_files_is_refused_with_the_plugin_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,x\n")
    with pytest.raises(DataError, match=r"wasn't written by save_to_disk; for a folder of CSV, .* use files:path="):
        HfDataset(id=str(tmp_path)).textclf_load_data()


def test_without_a_hub_the_cache_is_used_and_logged(tmp_path: Path) -> None:
    fill_datasets_cache(tmp_path, "owner/moods", tiny_data(rows=32))
    done = run_without_hub(tmp_path, LOAD, "id=owner/moods")
    assert done.stdout == f"{{'train': 32, 'validation': 8, 'test': 8}} owner/moods at {COMMIT}, from the cache\n"
    assert "LOG hf-dataset: the hub can't be asked (http://127.0.0.1:9 doesn't answer" in done.stderr


def test_the_cache_knows_commits(tmp_path: Path) -> None:
    fill_datasets_cache(tmp_path, "owner/moods", tiny_data(rows=32))
    assert COMMIT in run_without_hub(tmp_path, LOAD, "id=owner/moods", f"revision={COMMIT}").stdout
    other = run_without_hub(tmp_path, LOAD, "id=owner/moods", "revision=v2").stdout
    assert f"but of commit {COMMIT}, not v2" in other


def test_one_of_several_cached_configurations_is_asked_for(tmp_path: Path) -> None:
    for config in ("short", "long"):
        fill_datasets_cache(tmp_path, "owner/moods", tiny_data(rows=32), config=config)
    assert (
        "There are multiple 'owner/moods' configurations in the cache"
        in run_without_hub(tmp_path, LOAD, "id=owner/moods").stdout
    )
    assert run_without_hub(tmp_path, LOAD, "id=owner/moods", "config=long").stdout.startswith("{'train': 32")


def test_what_cant_be_had_is_one_error_with_the_places_and_the_choices(tmp_path: Path) -> None:
    error = run_without_hub(tmp_path, LOAD, "id=owner/moods").stdout
    assert len(error.splitlines()) == 1
    for part in ("'owner/moods' is no local folder", "http://127.0.0.1:9", f"{tmp_path}/datasets", "files:path=FILE"):
        assert part in error


class EmptyHub(BaseHTTPRequestHandler):
    """A hub that answers, and has nothing."""

    def do_HEAD(self) -> None:
        self.send_error(404)

    do_GET = do_HEAD

    def log_message(self, *args: object) -> None:
        pass


def test_a_hub_without_the_data_set_is_distinguished_from_an_unreachable_one(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), EmptyHub)
    Thread(target=server.serve_forever, daemon=True).start()
    hub = f"import os; os.environ['HF_ENDPOINT'] = 'http://127.0.0.1:{server.server_port}'\n"
    error = run_without_hub(tmp_path, hub + LOAD, "id=owner/moods").stdout
    server.shutdown()
    assert error.startswith("owner/moods can't be loaded from the hub: ")


def test_offline_mode_is_named(tmp_path: Path) -> None:
    offline = "import os; os.environ['HF_HUB_OFFLINE'] = '1'\n"
    assert "(HF_HUB_OFFLINE is set)" in run_without_hub(tmp_path, offline + LOAD, "id=owner/moods").stdout


def test_splits_without_train_are_refused_with_what_to_do(tmp_path: Path) -> None:
    test = tiny_data(rows=32)["train"]
    DatasetDict(test=test).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(DataError, match=r"the splits are: test\. To train on one of them, .*data=\{\"train\": SPLIT\}"):
        textclf_core.run(plugins=["majority", f"hf-dataset:id={tmp_path / 'saved'}"], output=tmp_path / "runs")
    run = textclf_core.run(plugins=["majority"], data={"train": test}, output=tmp_path / "runs", quiet=True)
    assert run.metrics["test"]["accuracy"] > 0
