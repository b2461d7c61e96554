"""One run, through the Python API: what it leaves, what it proves, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

import textclf_core
from textclf_core import RunError, UsageError
from textclf_core.testing import tiny_data


@pytest.fixture(scope="module")
def plugins(tiny_checkpoint: Path, reviews: Path) -> list[str]:
    return [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}"]


def run(plugins: list[str], tmp_path: Path, **options: object) -> textclf_core.Run:
    return textclf_core.run(plugins, output=tmp_path / "runs", quiet=True, **options)  # type: ignore[arg-type]


HALF_FROZEN = ("freeze-first-n:n=1", "finetune:learning_rate=3e-3,epochs=2")


@pytest.fixture(scope="module")
def done(plugins: list[str], tmp_path_factory: pytest.TempPathFactory) -> textclf_core.Run:
    """A run that froze the embeddings and a block of two, at seed 5; no test changes it."""
    return run([*plugins, *HALF_FROZEN], tmp_path_factory.mktemp("done"), seed=5)


def test_a_run_leaves_record_predictions_history_and_model(done: textclf_core.Run) -> None:
    assert {path.name for path in done.directory.iterdir()} == {
        "record.json",
        "predictions.parquet",
        "history.jsonl",
        "model",
        "checkpoints",
    }
    assert [path.name for path in done.directory.parent.iterdir()] == [done.directory.name]  # nothing partial


def test_the_record_has_the_request_and_the_result(done: textclf_core.Run) -> None:
    record = done.record
    by_name = {plugin.name: plugin for plugin in record.plugins}
    assert by_name["finetune"].options["epochs"] == 2
    assert by_name["finetune"].set_by["epochs"] == "call"
    assert by_name["finetune"].set_by["batch_size"] == "default"
    assert by_name["f1"].roles == ("metric",)
    assert record.seed == 5
    assert [(split.name, split.rows, split.origin) for split in record.data.splits] == [
        ("train", 96, "given"),
        ("validation", 24, "given"),
        ("test", 24, "given"),
    ]
    assert record.data.label_names == ("negative", "positive")
    assert record.encoder is not None
    assert record.encoder.frozen == ("embeddings", "block 0")
    assert record.encoder.frozen_prefix == 2
    assert record.encoder.frozen_sha256
    assert record.environment["torch"]


def test_frozen_parameters_keep_their_bits_and_the_others_move(done: textclf_core.Run, tiny_checkpoint: Path) -> None:
    before = load_file(tiny_checkpoint / "model.safetensors")
    after = load_file(done.directory / "model" / "model.safetensors")
    updated = {name for name in before if not before[name].equal(after[name])}
    assert updated == {name for name in before if "embeddings" not in name and "layer.0." not in name}
    assert done.record.encoder is not None
    assert done.record.encoder.updated == done.record.encoder.trainable == len(updated)


def test_a_run_learns(plugins: list[str], tmp_path: Path) -> None:
    assert run([*plugins, "finetune:learning_rate=1e-2,epochs=8"], tmp_path).metrics["test"]["f1"] > 0.9


def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    done: textclf_core.Run, plugins: list[str], tmp_path: Path
) -> None:
    again, other = (run([*plugins, *HALF_FROZEN], tmp_path, seed=seed) for seed in (5, 2))
    assert again.directory != done.directory
    assert again.predictions().equals(done.predictions())
    assert again.metrics == done.metrics
    assert not other.predictions().equals(done.predictions())


def test_predictions_hold_a_row_an_example_in_the_datas_order(done: textclf_core.Run) -> None:
    table = pq.read_table(done.directory / "predictions.parquet").to_pylist()
    test = [row for row in table if row["split"] == "test"]
    expected = tiny_data(96)["test"]
    assert [row["id"] for row in test] == list(range(24))
    assert [row["text"] for row in test] == expected["text"][:]
    assert [row["label"] for row in test] == [expected.features["label"].int2str(id) for id in expected["label"]]
    for row in test:
        assert sum(row["scores"]) == pytest.approx(1, abs=1e-6)
        assert row["prediction"] == ("negative", "positive")[row["scores"].index(max(row["scores"]))]


def test_the_metrics_are_those_of_the_stored_predictions(done: textclf_core.Run) -> None:
    test = [row for row in done.predictions().to_pylist() if row["split"] == "test"]
    right = sum(row["label"] == row["prediction"] for row in test)
    assert done.metrics["test"]["accuracy"] == pytest.approx(right / len(test))


def test_the_cost_is_counted(plugins: list[str], tmp_path: Path) -> None:
    full, frozen = (run([*plugins, strategy], tmp_path).record.cost for strategy in ("full", "freeze-first-n:n=2"))
    assert full.train_examples == frozen.train_examples == 96
    assert full.train_non_padding_tokens == frozen.train_non_padding_tokens
    assert full.train_padded_tokens is not None
    assert full.train_non_padding_tokens is not None
    assert full.train_padded_tokens >= full.train_non_padding_tokens
    assert full.train_flops is not None
    assert frozen.train_flops is not None
    assert frozen.train_flops < 0.6 * full.train_flops  # no backward pass through two of two blocks
    assert frozen.trainable_parameters is not None
    assert full.trainable_parameters == full.total_parameters
    assert frozen.trainable_parameters < full.trainable_parameters
    assert full.start_memory_bytes is not None
    assert full.peak_memory_bytes >= full.start_memory_bytes > 2**20
    assert full.latency_seconds > 0
    assert set(full.seconds) >= {"load", "build", "train", "train/steps", "predict", "total"}


def test_two_metrics_of_one_name_are_refused_before_training(
    plugins: list[str], plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class MyF1:
            @hookimpl
            def textclf_compute_metrics(self, references, predictions):
                return {"f1": 1.0}
        """
    )
    with pytest.raises(RunError, match="f1 and my-f1 both return the metric 'f1'"):
        run([*plugins, "f1", "my-f1"], tmp_path, plugin_files=[path])
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_head_that_is_frozen_is_an_error(plugins: list[str], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="freezes the whole classification head"):
        run([*plugins, "freeze-pattern:pattern=."], tmp_path)


def test_a_trainer_that_moves_a_frozen_parameter_is_caught(
    plugins: list[str], plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(
        """
        from typing import ClassVar
        from textclf_core import Needs

        @dataclass(frozen=True)
        class Meddler:
            needs: ClassVar[Needs] = Needs(model="whole")

            @hookimpl
            def textclf_train(self, encoder, task):
                import torch
                from textclf_core import Recipe
                from textclf_core.training.encoder_classifier import EncoderClassifier
                with torch.no_grad():
                    for parameter in encoder.model.parameters():
                        parameter += 1
                return EncoderClassifier(encoder, task, Recipe())
        """
    )
    with pytest.raises(RunError, match=r"updated parameters that were frozen: bert\.embeddings"):
        run([*plugins, "freeze-embeddings", "meddler"], tmp_path, plugin_files=[path])


def test_a_head_that_did_not_move_is_an_error(
    plugins: list[str], plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(
        """
        from typing import ClassVar
        from textclf_core import Needs

        @dataclass(frozen=True)
        class Idler:
            needs: ClassVar[Needs] = Needs(model="whole")

            @hookimpl
            def textclf_train(self, encoder, task):
                from textclf_core import Recipe
                from textclf_core.training.encoder_classifier import EncoderClassifier
                return EncoderClassifier(encoder, task, Recipe())
        """
    )
    with pytest.raises(RunError, match="didn't update the classification head"):
        run([*plugins, "idler"], tmp_path, plugin_files=[path])


def test_an_error_after_training_loses_nothing(
    plugins: list[str], plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Touchy:
            @hookimpl
            def textclf_compute_metrics(self, references):
                if len(references) > 2:
                    raise ArithmeticError("too many rows")
                return {}
        """
    )
    with pytest.raises(
        RunError, match=r"textclf_compute_metrics of .*'touchy'.*mine\.py:\d+: .*too many rows"
    ) as error:
        run([*plugins, "touchy"], tmp_path, plugin_files=[path])
    [kept] = (tmp_path / "runs").iterdir()
    assert kept.suffix == ".incomplete"
    assert (kept / "model" / "model.safetensors").is_file()
    assert (kept / "predictions.parquet").is_file()
    assert any(str(kept) in note for note in error.value.__notes__)


def test_a_plugins_notes_are_saved(plugins: list[str], plugin_file: Callable[..., Path], tmp_path: Path) -> None:
    path = plugin_file(
        """
        import logging

        @dataclass(frozen=True)
        class Talker:
            @hookimpl
            def textclf_compute_metrics(self):
                logging.getLogger("textclf").info("this one is made up")
                return {"made-up": 1.0}
        """
    )
    noted = run([plugins[0], "majority", "talker"], tmp_path, plugin_files=[path])
    assert "this one is made up" in noted.record.notes


def test_several_plugins_freeze_together(plugins: list[str], tmp_path: Path) -> None:
    encoder = run([*plugins, "freeze-embeddings", "freeze-last-n:n=1"], tmp_path).record.encoder
    assert encoder is not None
    assert encoder.frozen == ("embeddings", "block 1")
    assert encoder.frozen_prefix == 1


def test_too_many_blocks_name_the_models_count_and_a_spec_that_works(plugins: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"n=10, but .* has 2 blocks.*--plugin freeze-first-n:n=1"):
        run([*plugins, "freeze-first-n"], tmp_path)


@pytest.mark.parametrize("kind", ["list of pairs", "list of dicts", "frame", "arrow", "dataset dict"])
def test_data_in_memory(kind: str, tmp_path: Path) -> None:
    train = tiny_data(96)["train"]
    names = train.features["label"].names
    pairs = [(row["text"], names[row["label"]]) for row in train]
    rows = [{"review": text, "opinion": label} for text, label in pairs]
    columns = {"text": "review", "label": "opinion"}
    data: object
    match kind:
        case "list of pairs":
            data, columns = pairs, {}
        case "list of dicts":
            data = rows
        case "frame":
            data = pytest.importorskip("pandas").DataFrame(rows)
        case "arrow":
            data = train.from_list(rows).data.table
        case _:
            data, columns = tiny_data(96), {}
    found = run(["majority"], tmp_path, data=data, **columns)
    assert found.record.data.label_names == ("negative", "positive")
    assert found.record.plugin("dataset") is None
    assert set(found.metrics) == {"validation", "test"}


def test_a_dataset_plugin_beside_data_in_memory_is_refused(plugins: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'files' is a dataset"):
        run(plugins, tmp_path, data=tiny_data(32))


def test_a_run_is_opened_shown_and_used_again(done: textclf_core.Run) -> None:
    opened = textclf_core.open_run(done.directory)
    assert opened.record == done.record
    assert "<table>" in opened._repr_html_()
    assert opened.to_frame().loc["f1", "test"] == done.metrics["test"]["f1"]
    text = tiny_data(96)["test"]["text"][0]
    [prediction] = opened.predict([text])
    [stored] = [row for row in done.predictions().to_pylist() if row["split"] == "test" and row["id"] == 0]
    assert prediction["prediction"] == stored["prediction"]
    assert prediction["score"] == pytest.approx(max(stored["scores"]), abs=1e-5)


def test_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run"):
        textclf_core.open_run(tmp_path)


def test_a_record_of_another_format_is_an_error(done: textclf_core.Run, tmp_path: Path) -> None:
    record = json.loads((done.directory / "record.json").read_text())
    (tmp_path / "record.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(UsageError, match="format 99, but this version of textclf reads formats 1"):
        textclf_core.open_run(tmp_path)


@pytest.mark.parametrize("baseline", ["majority", "tfidf-logreg"])
def test_a_baseline_runs_without_an_encoder_and_loads_again(baseline: str, reviews: Path, tmp_path: Path) -> None:
    found = run([f"files:path={reviews}", baseline], tmp_path)
    assert found.record.encoder is None
    assert found.record.plugin("model") is None
    rows = [row for row in found.predictions().to_pylist() if row["split"] == "test"]
    again = found.predict(row["text"] for row in rows)
    assert [row["prediction"] for row in again] == [row["prediction"] for row in rows]
    assert [row["score"] for row in again] == pytest.approx([max(row["scores"]) for row in rows], abs=1e-6)
