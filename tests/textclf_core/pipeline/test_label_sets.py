"""A task whose texts may have several labels: from the data to the record, the predictions and the saved model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from checkpoints import write_checkpoint
from datasets import ClassLabel, Dataset, Features, List, Value
from sklearn.metrics import accuracy_score, f1_score
from transformers import pipeline

from textclf_core import Run, compare, run
from textclf_core.data import from_memory, prepare, with_train_size
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import DataError, UsageError
from textclf_core.inference.store import load_classifier
from textclf_core.plugins import Catalogue
from textclf_core.tasks import kind_of
from textclf_core.testing import TOPICS, tiny_encoder, tiny_topics
from textclf_core.types.indicators import indicators
from textclf_core.types.task import Task

SETTINGS = "finetune:learning_rate=1e-3,epochs=2,batch_size=8"


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> str:
    return f"hf-model:checkpoint={tiny_checkpoint}"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a model of one block that learnt what the topics are, and a threshold for each."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("model"), num_hidden_layers=1, initializer_range=0.02)
    return run(
        [f"hf-model:checkpoint={checkpoint}", "finetune:learning_rate=5e-3,epochs=6,batch_size=8", "threshold"],
        data=tiny_topics(96),
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


def stored(of: Run, split: str = "test") -> list[dict[str, Any]]:
    return [row for row in of.predictions().to_pylist() if row["split"] == split]


def scores(of: Run) -> np.ndarray:
    return np.array(of.predictions()["scores"].to_pylist())


def as_array(sets: list[list[str]]) -> np.ndarray:
    return indicators([[TOPICS.index(name) for name in row] for row in sets], len(TOPICS))


def test_the_record_holds_the_metrics_that_scikit_learn_computes(done: Run) -> None:
    true, found = (as_array([row[column] for row in stored(done)]) for column in ("label", "prediction"))
    test = done.metrics["test"]
    for average in ("micro", "macro", "samples"):
        assert test[f"f1_{average}"] == pytest.approx(f1_score(true, found, average=average, zero_division=0.0))
    assert test["f1"] == test["f1_macro"]
    assert test["accuracy"] == pytest.approx(accuracy_score(true, found))
    assert test["f1"] > 0.6  # 0.7 on average of seeds
    assert done.record.data.task_kind == "multi-label"


def test_precision_and_recall_and_another_average_are_scikit_learns_too(tmp_path: Path) -> None:
    plugins = ["tfidf-logreg", "f1:average=samples", "precision-recall:average=micro"]
    found = run(plugins, data=tiny_topics(48), output=tmp_path, quiet=True)
    true, predicted = (as_array([row[column] for row in stored(found)]) for column in ("label", "prediction"))
    test = found.metrics["test"]
    assert test["f1"] == pytest.approx(f1_score(true, predicted, average="samples", zero_division=0.0))
    assert test["precision"] == pytest.approx((true & predicted).sum() / predicted.sum())
    assert test["recall"] == pytest.approx((true & predicted).sum() / true.sum())


def test_predictions_hold_the_names_of_each_texts_labels_and_a_score_for_every_label(done: Run) -> None:
    rows = stored(done)
    assert any(len(row["label"]) > 1 for row in rows)
    assert any(not row["label"] for row in rows)
    cuts = done.record.postprocessing[0].fitted
    for row in rows:
        assert set(row["prediction"]) <= set(TOPICS)
        assert len(row["scores"]) == len(TOPICS)
    assert all(f"{name} 0." in cuts for name in TOPICS)


def test_thresholds_come_from_validation_and_before_and_after_are_in_the_record(done: Run) -> None:
    [step] = done.record.postprocessing
    assert step.after["validation"]["f1"] >= step.before["validation"]["f1"]
    rows = stored(done, "validation")
    usual = (np.array([row["scores"] for row in rows]) >= 0.5).astype(int)
    true = as_array([row["label"] for row in rows])
    assert step.before["validation"]["f1"] == pytest.approx(f1_score(true, usual, average="macro", zero_division=0.0))
    assert 0 <= step.before["test"]["expected_calibration_error"] <= 1


def test_the_saved_model_gives_the_scores_that_the_run_stored(done: Run) -> None:
    classifier, task = load_classifier(done.directory, Catalogue.discover())
    assert task == Task(TOPICS, ("text",), "multi-label")
    again = classifier.scores(tiny_topics(96)["test"])
    assert np.allclose(again, [row["scores"] for row in stored(done)], atol=1e-6)


def test_the_saved_model_works_in_the_pipeline_of_transformers(done: Run) -> None:
    row = stored(done)[0]
    [found] = pipeline("text-classification", str(done.directory / "model"), top_k=None)([row["text"]])
    by_name = {one["label"]: one["score"] for one in found}
    assert [by_name[name] for name in TOPICS] == pytest.approx(row["scores"], abs=1e-5)


def test_predict_gives_the_labels_of_each_text_the_likeliest_first(
    done: Run, tmp_path: Path, textclf: Callable[..., int]
) -> None:
    source, labelled = tmp_path / "in.txt", tmp_path / "out.csv"
    source.write_text("\n".join(row["text"] for row in stored(done)))
    assert textclf("predict", str(done.directory), "--input", str(source), "--output", str(labelled)) == 0
    with labelled.open() as stream:
        found = [json.loads(row["labels"]) for row in csv.DictReader(stream)]
    assert [sorted(one["label"] for one in row) for row in found] == [row["prediction"] for row in stored(done)]
    assert [] in found
    for row in found:
        assert [one["score"] for one in row] == sorted((one["score"] for one in row), reverse=True)
    table = tmp_path / "out.parquet"
    assert textclf("predict", str(done.directory), "--input", str(source), "--output", str(table)) == 0
    assert pq.read_table(table)["labels"].to_pylist() == found


# Training


@pytest.mark.parametrize(("strategy", "rate"), [("lora", "2e-2"), ("continued-pretraining:steps=4", "5e-3")])
def test_what_changes_the_model_before_training_is_in_what_is_saved(strategy: str, rate: str, tmp_path: Path) -> None:
    model = f"hf-model:checkpoint={write_checkpoint(tmp_path / 'model')}"
    settings = f"finetune:learning_rate={rate},epochs=6,batch_size=8"
    changed = run([model, strategy, settings], data=tiny_topics(96), output=tmp_path / "runs", quiet=True)
    assert np.ptp(scores(changed), axis=0).min() > 0.01  # else any model would do
    [adaptation] = changed.record.adaptations
    assert adaptation.plugin == strategy.partition(":")[0]
    rows = stored(changed)
    by_name = [
        {one["label"]: one["score"] for one in found}
        for found in pipeline("text-classification", str(changed.directory / "model"), top_k=None)(
            [row["text"] for row in rows]
        )
    ]
    given = [[found[name] for name in TOPICS] for found in by_name]
    assert np.allclose(given, [row["scores"] for row in rows], atol=1e-5)


def test_neither_micro_batches_nor_another_trainer_change_the_gradient(tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=1, dropout=0.0)
    encoder.model.save_pretrained(tmp_path / "model")
    encoder.tokenizer.save_pretrained(tmp_path / "model")
    whole, cut, second = (
        run([f"hf-model:checkpoint={tmp_path / 'model'}", f"{trainer}learning_rate=1e-3,batch_size=8"],
            data=tiny_topics(32), output=tmp_path / "runs", quiet=True)
        for trainer in ("finetune:", "finetune:micro_batch_size=3,", "hf-trainer:micro_batch_size=3,")
    )  # fmt: skip
    assert np.allclose(scores(whole), scores(cut), atol=1e-4)
    assert np.allclose(scores(whole), scores(second), atol=1e-4)


@pytest.mark.parametrize("strategy", ["freeze-first-n:n=1", pytest.param("head-only", marks=pytest.mark.slow)])
def test_frozen_blocks_are_cached_and_nothing_but_time_changes(model: str, tmp_path: Path, strategy: str) -> None:
    cached, plain = (
        run([model, strategy, SETTINGS + more], data=tiny_topics(32), output=tmp_path, cache_dir=tmp_path / "cache",
            quiet=True)
        for more in ("", ",prefix_cache=false")
    )  # fmt: skip
    assert cached.record.cost.prefix_rows_computed > 0
    assert np.allclose(scores(cached), scores(plain), atol=1e-4)


def test_heads_that_train_jointly_are_those_that_train_alone(model: str, tmp_path: Path) -> None:
    settings = "finetune:learning_rate=1e-2,epochs=2,batch_size=8,class_weights=balanced,focal_gamma=1"
    together = compare(
        ["head-only"], plugins=[model, settings], seeds=2, data=tiny_topics(32), output=tmp_path / "together",
        baselines=False, quiet=True,
    )  # fmt: skip
    assert together.analysis is not None
    alone = run([model, "head-only", settings], data=tiny_topics(32), seed=1, output=tmp_path, quiet=True)
    assert alone.metrics == together.analysis.rows[0].line.runs[1].record.metrics


# Comparison and report


def test_a_comparison_resamples_texts_and_its_reports_are_written(
    tmp_path: Path, textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    compared = compare(
        ["tfidf-logreg:c=1 + threshold"],
        seeds=2,
        data=tiny_topics(64),
        output=tmp_path / "runs",
        quiet=True,
    )
    assert not compared.failed
    assert compared.analysis is not None
    by_label = {row.line.label: row for row in compared.analysis.rows}
    assert by_label.keys() == {"tfidf-logreg:c=1 + threshold", "majority", "tfidf-logreg"}
    assert "worse" not in (by_label["tfidf-logreg"].verdict, by_label["tfidf-logreg:c=1 + threshold"].verdict)
    assert by_label["majority"].verdict == "worse"
    for row in compared.analysis.rows:
        assert row.score == pytest.approx(np.mean([one.record.metrics["test"]["f1"] for one in row.line.runs]))
        assert row.low <= row.score <= row.high
    runs, page = str(tmp_path / "runs"), tmp_path / "page.html"
    capsys.readouterr()
    assert textclf("report", runs, "--classes", "--slice", "length") == 0
    assert "music" in capsys.readouterr().out
    assert textclf("report", runs, "--metric", "accuracy") == 0
    assert textclf("report", runs, "--format", "json") == 0
    assert textclf("report", runs, "--format", "page", "--output", str(page), "--plots", str(tmp_path / "plots")) == 0
    text = page.read_text()
    assert "cast; plot" in text
    assert "Found and missed" in text
    assert "Of the predictions for each label" in text
    drawn = {path.stem for path in (tmp_path / "plots").iterdir()}
    assert "reliability" in drawn
    assert "confusion" not in drawn  # of several labels none is taken for another


def test_the_model_card_mentions_that_texts_may_have_several_labels(done: Run, tmp_path: Path) -> None:
    done.export(tmp_path / "card")
    card = (tmp_path / "card" / "README.md").read_text()
    assert "Labels a text with any of `cast`, `music`, `plot`" in card
    assert "top_k=None" in card
    assert "threshold" in card


# What gives a text one label, or words


@pytest.mark.parametrize(
    ("plugins", "why"),
    [
        (["setfit"], "setfit: it makes pairs of texts that share their label, and here a text may have several"),
        (["zero-shot-embeddings"], "it gives each text one label, and here a text may have several"),
        (["zero-shot:checkpoint=owner/name"], "it gives each text one label, and here a text may have several"),
        (["task-specific:checkpoint=owner/name"], "it gives each text one label, and here a text may have several"),
        (["majority", "mcc"], "mcc: it scores one label per text, and here a text may have several"),
        (["majority", "threshold:costs=0,1,1,0"], "costs chooses exactly one label per text"),
        (["majority", "threshold:abstain_below=0.9"], "abstain_below chooses exactly one label per text"),
        (["majority", "f1:average=binary"], "average=binary needs texts with one label"),
    ],
)
def test_what_gives_one_label_is_refused_with_a_reason(plugins: list[str], why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        run(plugins, data=tiny_topics(16), output=tmp_path, quiet=True)


def test_samples_are_for_several_labels_alone(tmp_path: Path) -> None:
    data = [(f"good {n}", "ab"[n % 2]) for n in range(40)]
    with pytest.raises(UsageError, match="average=samples needs texts that may have several labels"):
        run(["majority", "f1:average=samples"], data=data, output=tmp_path, quiet=True)


@pytest.mark.parametrize("trainer", ["majority", "tfidf-logreg", "tfidf-logreg:c=1"])
def test_baselines_answer_and_are_loaded_again(trainer: str, tmp_path: Path) -> None:
    done = run([trainer, "calibration", "threshold:recall=0.9"], data=tiny_topics(64), output=tmp_path, quiet=True)
    assert 0 < done.metrics["test"]["f1_micro"] <= 1
    classifier, _ = load_classifier(done.directory, Catalogue.discover())
    again = classifier.scores(tiny_topics(64)["test"])
    assert np.allclose(again, [row["scores"] for row in stored(done)], atol=1e-6)


def test_embedding_logreg_has_a_regression_for_each_label(model: str, tmp_path: Path) -> None:
    found = run([model, "embedding-logreg"], data=tiny_topics(96), output=tmp_path, quiet=True)
    by_label = scores(found)
    assert ((by_label > 0) & (by_label < 1)).all()
    assert not np.allclose(by_label.sum(axis=1), 1)


# Data


ROWS = [
    {"body": f"text {n}", "topics": [["sport"], ["art", "sport"], [], ["art", "art"]][n % 4], "source": "ab"[n % 2]}
    for n in range(40)
]


def labels_of(data: Any, **columns: Any) -> tuple[list[str], list[list[int]]]:
    train = from_memory(data, **columns)["train"]
    return train.features["label"].feature.names, train["label"][:]


def test_lists_of_names_are_the_labels_each_once() -> None:
    names, labels = labels_of(ROWS, text="body", label="topics")
    assert names == ["art", "sport"]
    assert labels[:4] == [[1], [0, 1], [], [0]]


def test_pandas_frames_and_integers_and_pairs_are_read_too() -> None:
    pd = pytest.importorskip("pandas")
    assert labels_of(pd.DataFrame(ROWS), label="topics")[1][:3] == [[1], [0, 1], []]
    assert labels_of([("a", [10, 9]), ("b", [9])]) == (["9", "10"], [[0, 1], [0]])


def test_a_sequence_of_class_labels_keeps_its_names_and_their_order() -> None:
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["zebra", "ant"]))})
    data = Dataset.from_dict({"text": ["a", "b"], "labels": [[1, 0], [1]]}, features=features)
    assert labels_of(data) == (["zebra", "ant"], [[0, 1], [1]])


def test_json_lines_and_separated_labels_in_csv_are_one_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(ROWS[0]))
        writer.writeheader()
        writer.writerows({**row, "topics": "; ".join(row["topics"])} for row in ROWS)
    options = ("a.jsonl,label=topics", "a.csv,label=topics,label_separator=;")
    first, second = (
        run([f"files:path={tmp_path}/{option},text=body", "majority"], output=tmp_path / "runs", quiet=True)
        for option in options
    )
    assert first.record.data.fingerprint == second.record.data.fingerprint
    assert first.record.data.splits[0].label_counts == {"art": 16, "sport": 15}


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([["a"], None, ["b"]], r"train \(in memory\), row 2: None isn't a list of labels \(column 'label'\)"),
        ([["a"], ["b", ""], []], r"row 2: \['b', ''\] has an item that is no label .*; remove such items"),
        ([["a"], ["a"], []], "there is one label only"),
        ([["a", "b"], ["b", "a"], ["a", "b"]], "train: every row has the same labels"),
    ],
)
def test_unusable_labels_are_reported(labels: list[Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        prepare(from_memory({"text": ["x", "y", "z"], "label": labels}), 0)


def test_carving_keeps_the_shares_of_rare_labels() -> None:
    labels = [["common", "rare"] if n % 20 == 0 else ["common"] if n % 2 else [] for n in range(400)]
    prepared = prepare(from_memory({"text": [f"t{n}" for n in range(400)], "label": labels}), 0)
    counts = {split.name: split.label_counts for split in prepared.record.splits}
    assert counts["validation"] == counts["test"] == {"common": 22, "rare": 2}


def test_a_row_is_sampled_by_its_rarest_label() -> None:
    split = Dataset.from_dict({"label": [[0, 1], [1], [1, 2], [], [2], [2], [2]]})
    assert kind_of(Task(("a", "b", "c"), kind="multi-label")).strata(split["label"][:]) == [0, 1, 1, 3, 2, 2, 2]


def test_a_share_of_train_can_be_taken_but_not_a_number_of_each_label() -> None:
    prepared = prepare(tiny_topics(64), 0)
    assert 28 <= len(with_train_size(prepared, TrainSize(share=0.5), 0).data["train"]) <= 36
    with pytest.raises(DataError, match="a text may have several labels, so examples per class aren't defined"):
        with_train_size(prepared, TrainSize(per_class=4), 0)
