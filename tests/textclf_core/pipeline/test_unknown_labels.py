"""Texts of which it is unknown whether they have some of the labels: these entries have no part in anything."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import write_checkpoint
from safetensors.torch import load_file
from sklearn.metrics import f1_score
from trained import largest_difference

from textclf_core import Run, compare, run
from textclf_core.errors import UsageError
from textclf_core.reports.quality import run_class_scores, run_confusion, run_scores
from textclf_core.reports.stored import find_runs
from textclf_core.statistics.calibration import reliability
from textclf_core.testing import TOPICS, tiny_topics
from textclf_core.types.indicators import unknown_id
from textclf_core.types.task import Task
from textclf_plugins.baselines.majority_classifier import MajorityClassifier
from textclf_plugins.logistic import fit_logistic
from textclf_plugins.postprocessing.decisions import decision
from textclf_plugins.postprocessing.temperature import fit_temperature
from textclf_plugins.postprocessing.threshold import Threshold

TASK = Task(("a", "b"), kind="multi-label")
SETTINGS = "finetune:learning_rate=5e-3,epochs=2,batch_size=8"
Rows = dict[str, list[dict[str, Any]]]


def masked(*values: Any, rows: int = 48) -> Rows:
    """Return reviews whose labels are unknown in a quarter of the entries, for which one of the values stands.

    Of the first review of each split, no label is known.
    """
    drawn, standing = random.Random(0), random.Random(1)
    splits: Rows = {}
    for name, split in tiny_topics(rows).items():
        splits[name] = []
        for number, row in enumerate(split):
            cats: dict[str, Any] = {topic: int(id in row["label"]) for id, topic in enumerate(TOPICS)}
            for topic in TOPICS:
                if drawn.random() < 0.25 or not number:
                    cats[topic] = standing.choice(values)
            present = {topic: value for topic, value in cats.items() if value != "absent"}
            splits[name].append({"text": row["text"], "cats": present})
    return splits


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    # Without dropout, since its masks depend on the micro-batches.
    rates = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
    config = {"num_hidden_layers": 1, **dict.fromkeys(rates, 0.0)}
    folder = write_checkpoint(tmp_path_factory.mktemp("model"), **config)
    return f"hf-model:checkpoint={folder}"


@pytest.fixture(scope="module")
def done(model: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    plugins = [model, SETTINGS, "calibration", "threshold", "f1", "accuracy", "precision-recall:average=micro"]
    return run(plugins, data=masked(None), output=tmp_path_factory.mktemp("runs"), quiet=True)


def weights(of: Run) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = load_file(of.directory / "model" / "model.safetensors")
    return loaded


def known(of: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the true and the predicted labels of test, and which are known, as the data and the predictions say."""
    rows = [row for row in of.predictions().to_pylist() if row["split"] == "test"]
    cats = [row["cats"] for row in masked(None)["test"] if any(value is not None for value in row["cats"].values())]
    true, is_known = (
        np.array([[read(row[topic]) for topic in TOPICS] for row in cats])
        for read in (lambda value: int(bool(value)), lambda value: value is not None)
    )
    predicted = np.array([[int(topic in row["prediction"]) for topic in TOPICS] for row in rows])
    for row, of_row, some in zip(rows, true, is_known, strict=True):
        assert row["label"] == [topic for topic, has in zip(TOPICS, of_row, strict=True) if has]
        assert (row["unknown_labels"] or []) == [topic for topic, one in zip(TOPICS, some, strict=True) if not one]
    return true, predicted, is_known


def test_metrics_are_those_of_the_known_entries(done: Run) -> None:
    true, predicted, is_known = known(done)
    assert 0.1 < 1 - is_known.mean() < 0.4
    by_label = [
        f1_score(true[some, label], predicted[some, label], zero_division=0.0) for label, some in enumerate(is_known.T)
    ]
    test = done.metrics["test"]
    assert test["f1"] == test["f1_macro"] == pytest.approx(np.mean(by_label))
    assert test["f1_micro"] == pytest.approx(f1_score(true[is_known], predicted[is_known]))
    assert test["accuracy"] == pytest.approx(((true == predicted) | ~is_known).all(axis=1).mean())
    hits = (true & predicted)[is_known].sum()
    assert test["precision"] == pytest.approx(hits / predicted[is_known].sum())
    assert test["recall"] == pytest.approx(hits / true[is_known].sum())


def test_stored_predictions_give_the_scores_of_the_known_entries(done: Run) -> None:
    true, predicted, is_known = known(done)
    [stored] = find_runs([done.directory])
    by_class = run_class_scores(stored)
    assert np.mean([one.f1 for one in by_class if one.f1 is not None]) == pytest.approx(done.metrics["test"]["f1"])
    assert [one.support for one in by_class] == (true * is_known).sum(axis=0).tolist()
    assert run_confusion(stored).sum(axis=(1, 2)).tolist() == is_known.sum(axis=0).tolist()
    measured = reliability(stored.label_ids("label"), run_scores(stored))
    having = run_scores(stored)[is_known].astype(np.float64)
    assert measured.brier == pytest.approx(2 * ((having - true[is_known]) ** 2).mean())
    assert not stored.failed_to_train or (predicted == predicted[0]).all()


def test_the_record_and_the_table_count_them_by_label(done: Run) -> None:
    split = next(one for one in done.record.data.splits if one.name == "test")
    _, _, is_known = known(done)
    counts = zip(TOPICS, (~is_known).sum(axis=0).tolist(), strict=True)
    assert split.unknown_labels == {topic: count for topic, count in counts if count}
    dropped = sum(all(value is None for value in row["cats"].values()) for row in masked(None)["train"])
    assert dropped
    assert any(
        one.startswith(f"train: {dropped} row") and "no label is known" in one for one in done.record.data.changes
    )


def test_a_comparison_scores_the_runs_as_they_scored_themselves(
    tmp_path: Path, textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    compared = compare(
        ["tfidf-logreg:c=1 + threshold"], seeds=1, data=masked(None), output=tmp_path / "runs", quiet=True
    )
    assert not compared.failed
    assert compared.analysis is not None
    assert len(compared.analysis.rows) == 3
    for row in compared.analysis.rows:
        assert row.score == pytest.approx(row.line.runs[0].record.metrics["test"]["f1"])
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert textclf("report", str(tmp_path / "runs"), "--classes", "--metric", "accuracy", "--slice", "length") == 0
    printed = capsys.readouterr().out
    assert "left out of training and scores" in printed
    assert textclf("report", str(tmp_path / "runs"), "--format", "page", "--output", str(page)) == 0
    accuracies = [f"{row.line.runs[0].record.metrics['test']['accuracy']:.2f}" for row in compared.analysis.rows]
    assert all(one in printed for one in accuracies)


def test_whatever_stands_for_an_unknown_entry_changes_no_bit(done: Run, model: str, tmp_path: Path) -> None:
    plugins = [model, SETTINGS, "calibration", "threshold", "f1", "accuracy", "precision-recall:average=micro"]
    other = run(plugins, data=masked(None, -1, float("nan"), "absent"), output=tmp_path, quiet=True)
    assert other.record.data.fingerprint == done.record.data.fingerprint
    assert other.metrics == done.metrics
    assert largest_difference(weights(other), weights(done)) == 0


@pytest.mark.parametrize("other", ["hf-trainer:", "finetune:micro_batch_size=3,", "finetune:prefix_cache=false,"])
def test_trainers_and_micro_batches_leave_the_same_entries_out(other: str, model: str, tmp_path: Path) -> None:
    options = "learning_rate=1e-3,batch_size=8,class_weights=balanced,label_smoothing=0.1"
    first, second = (
        run([model, "head-only", trainer + options], data=masked(None), output=tmp_path, quiet=True)
        for trainer in ("finetune:", other)
    )
    # Adam makes steps of what is only rounding in a gradient, so the weights aren't compared.
    scores = [np.array(one.predictions()["scores"].to_pylist()) for one in (first, second)]
    assert np.allclose(*scores, atol=1e-4)
    assert np.ptp(scores[0], axis=0).min() > 1e-3


def test_heads_that_train_jointly_leave_them_out_too(model: str, tmp_path: Path) -> None:
    together = compare(
        ["head-only"], plugins=[model, SETTINGS], seeds=2, data=masked(None), output=tmp_path / "a", baselines=False,
        quiet=True,
    )  # fmt: skip
    assert together.analysis is not None
    alone = run([model, "head-only", SETTINGS], data=masked(None), seed=1, output=tmp_path / "b", quiet=True)
    assert alone.metrics == together.analysis.rows[0].line.runs[1].record.metrics


@pytest.mark.parametrize(
    ("hook", "role"),
    [
        ("def textclf_train(self, data):", "trainer"),
        ("def textclf_postprocess(self, scores):", "postprocessor"),
        ("def textclf_compute_metrics(self, references):", "metric"),
    ],
)
def test_a_plugin_that_needs_every_entry_is_refused_by_name(
    hook: str, role: str, plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(
        f"""
        @dataclass(frozen=True)
        class Strict:
            @hookimpl
            {hook}
                raise AssertionError("not reached")
        """
    )
    others = [] if role == "trainer" else ["majority"]
    with pytest.raises(UsageError, match=rf"^strict: it must know .* entries are unknown .*choose another {role}"):
        run(["strict", *others], data=masked(None), output=tmp_path, plugin_files=[path], quiet=True)


# Parts that have no encoder

LABELS = [[0], [1, unknown_id(0)], [], [0, unknown_id(1)], [1], [unknown_id(1)]]
SCORES = np.array([[0.9, 0.2], [0.5, 0.6], [0.4, 0.3], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]], dtype=np.float32)
UNKNOWN = np.array([[0, 0], [1, 0], [0, 0], [0, 1], [0, 0], [0, 1]], dtype=bool)


def test_the_majority_is_of_the_known_entries() -> None:
    assert MajorityClassifier.fit(LABELS, TASK).shares == (2 / 5, 2 / 4)


def test_the_regression_of_a_label_is_that_of_the_rows_where_it_is_known() -> None:
    features = np.random.default_rng(0).normal(size=(6, 3))
    found = fit_logistic("x", features, LABELS, features, LABELS, TASK, 1.0).head
    rows = [0, 2, 3, 4, 5]
    alone = fit_logistic("x", features[rows], [[0], [], [0], [], []], features, LABELS, TASK, 1.0).head
    assert (found.weights[0] == alone.weights[0]).all()
    assert (found.weights[1] != alone.weights[0]).all()


@pytest.mark.parametrize("noise", [0.01, 0.99])
def test_scores_of_unknown_entries_change_no_temperature_and_no_threshold(noise: float) -> None:
    noisy = np.where(UNKNOWN, np.float32(noise), SCORES)
    temperatures = [fit_temperature(scores, LABELS, TASK).temperature for scores in (SCORES, noisy)]
    rules = [str(decision(Threshold(), scores, LABELS, TASK)) for scores in (SCORES, noisy)]
    assert temperatures[0] == temperatures[1] != 1
    assert rules[0] == rules[1]


def test_a_text_that_is_augmented_has_the_unknown_labels_of_its_original(model: str, tmp_path: Path) -> None:
    plain = run([model, SETTINGS, "full"], data=masked(None), output=tmp_path / "plain", quiet=True)
    changed = run([model, SETTINGS, "augment:share=1"], data=masked(None), output=tmp_path / "changed", quiet=True)
    unchanged = run([model, SETTINGS, "augment:share=0"], data=masked(None), output=tmp_path / "same", quiet=True)
    assert all(torch.equal(values, weights(plain)[name]) for name, values in weights(unchanged).items())
    assert any(not torch.equal(values, weights(plain)[name]) for name, values in weights(changed).items())
