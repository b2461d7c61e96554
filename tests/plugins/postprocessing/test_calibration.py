"""``calibration``: a temperature fitted on validation, recorded, and saved with the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

import textclf_core
from textclf_core.statistics.calibration import reliability
from textclf_core.testing import tiny_data
from textclf_core.types.task import Task
from textclf_plugins.postprocessing.temperature import Temperature, fit_temperature

TEXTS = tiny_data(96)["test"]["text"][:]
THREE = Task(label_names=("bad", "fair", "good"))


@pytest.fixture(scope="module")
def runs(tiny_checkpoint: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, textclf_core.Run]:
    """The same run without calibration and with it: three epochs, which leave the tiny model unsure."""
    base = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2,epochs=3"]
    output = tmp_path_factory.mktemp("runs")
    return {
        name: textclf_core.run([*base, *more], output=output, quiet=True)
        for name, more in {"plain": [], "calibrated": ["calibration"]}.items()
    }


def split_of(run: textclf_core.Run, name: str) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    """Return label ids, scores and predicted names of a split."""
    rows = [row for row in run.predictions().to_pylist() if row["split"] == name]
    labels = np.array([run.record.data.label_names.index(row["label"]) for row in rows])
    return labels, np.array([row["scores"] for row in rows], np.float32), [row["prediction"] for row in rows]


def miscalibrated(temperature: float, rows: int = 20_000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return scores and labels drawn from the scores at that temperature: the scores are off by just it."""
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 2, size=(rows, 3)))
    truth = [rng.choice(3, p=row) for row in torch.softmax(logits, dim=1).numpy()]
    return torch.softmax(logits * temperature, dim=1).float().numpy(), np.array(truth)


def test_it_finds_the_temperature_that_the_scores_are_off_by() -> None:
    for wanted in (0.5, 1.0, 2.5):
        assert fit_temperature(*miscalibrated(wanted), THREE).temperature == pytest.approx(wanted, rel=0.03)


def test_no_other_temperature_has_a_lower_loss_on_logits() -> None:
    scores, truth = miscalibrated(2.0, rows=500)
    logits = torch.log(torch.from_numpy(scores).double())
    found = fit_temperature(scores, truth.tolist(), THREE).temperature

    def loss(temperature: float) -> float:
        return cross_entropy(logits / temperature, torch.from_numpy(truth)).item()

    assert all(loss(found) < loss(found * factor) for factor in (0.9, 0.99, 1.01, 1.1))


def test_scores_give_what_the_logits_would() -> None:
    logits = torch.tensor([[9.0, -20.0, 1.0], [0.1, 0.0, -0.1]])
    expected = torch.softmax(logits / 3, dim=1).numpy()
    assert Temperature(3.0).rescore(torch.softmax(logits, dim=1).numpy()) == pytest.approx(expected, rel=1e-5)


def test_a_score_of_nothing_stays_nothing() -> None:
    scores = np.array([[0.9, 0.1, 0.0]], np.float32)
    assert Temperature(5.0).rescore(scores)[0, 2] == 0
    assert Temperature(5.0).rescore(scores).sum() == pytest.approx(1)
    # The second row's truth can't have any likelihood; the first and third decide.
    found = fit_temperature(np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.2, 0.8, 0]], np.float32), [0, 2, 0], THREE)
    assert found.temperature > 1


def test_if_all_of_validation_is_correct_the_scores_stay_which_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32)
    with caplog.at_level("INFO", logger="textclf"):
        assert fit_temperature(scores, [0, 1], THREE) == Temperature(1.0)
    assert "every prediction for validation is correct" in caplog.text


@pytest.mark.parametrize(
    ("truth", "limit", "message"),
    [
        # Scores of 0.51 and right in 9 of 10 rows, far from what they say; and scores of 0.51 and wrong in all.
        ([0] * 9 + [1], 0.05, "fitted to the 10 labels of validation is the lower limit of the search, 0.05: "),
        ([1] * 10, 20.0, "is the upper limit of the search, 20: "),
    ],
)
def test_a_temperature_at_a_limit_of_the_search_is_a_warning(
    truth: list[int], limit: float, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = fit_temperature(np.array([[0.51, 0.49]] * 10, np.float32), truth, Task(label_names=("bad", "good")))
    assert found == Temperature(limit)
    assert str(found) == f"temperature {limit:g} (a limit of the search)"
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert message in warning.getMessage()


def test_a_temperature_within_the_limits_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    fit_temperature(*miscalibrated(0.06, rows=500), THREE)
    assert not caplog.records


def test_a_run_keeps_its_labels_and_lowers_the_loss_on_validation(runs: dict[str, textclf_core.Run]) -> None:
    plain, calibrated = (split_of(runs[name], "validation") for name in ("plain", "calibrated"))
    assert calibrated[2] == plain[2]
    assert reliability(*calibrated[:2]).log_loss < reliability(*plain[:2]).log_loss
    assert runs["calibrated"].metrics == runs["plain"].metrics


def test_the_record_has_error_and_likelihood_before_and_after(runs: dict[str, textclf_core.Run]) -> None:
    [entry] = runs["calibrated"].record.postprocessing
    assert entry.plugin == "calibration"
    assert entry.fitted.startswith("temperature ")
    for moment, run in (("before", "plain"), ("after", "calibrated")):
        for split in ("validation", "test"):
            expected = reliability(*split_of(runs[run], split)[:2])
            numbers = getattr(entry, moment)[split]
            assert numbers["expected_calibration_error"] == pytest.approx(expected.ece)
            assert numbers["negative_log_likelihood"] == pytest.approx(expected.log_loss)
            assert numbers["f1"] == runs[run].metrics[split]["f1"]
    assert runs["plain"].record.postprocessing == ()


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_what_is_loaded_gives_the_stored_scores(runs: dict[str, textclf_core.Run], engine: str) -> None:
    _, scores, labels = split_of(runs["calibrated"], "test")
    rows = runs["calibrated"].predict(TEXTS, engine=engine)  # type: ignore[arg-type]
    assert [row["prediction"] for row in rows] == labels
    assert [row["score"] for row in rows] == pytest.approx(scores.max(axis=1), abs=2e-6)
    plain = [row["score"] for row in runs["plain"].predict(TEXTS)]
    assert [row["score"] for row in rows] != pytest.approx(plain, abs=1e-3)


def test_onnx_reports_its_agreement_with_the_calibrated_scores(runs: dict[str, textclf_core.Run]) -> None:
    run = runs["calibrated"]
    run.predict(TEXTS[:1], engine="onnx")
    note = json.loads((run.directory / "exports" / "onnx" / "export.json").read_text())
    assert note["agreement"]["same_labels"] == note["agreement"]["rows"] == 24
    assert note["agreement"]["largest_difference"] < 1e-4


def test_the_model_still_loads_in_transformers(runs: dict[str, textclf_core.Run]) -> None:
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(runs["calibrated"].directory / "model"))
    plain = runs["plain"].predict(TEXTS[:3])
    assert [row["score"] for row in classify(TEXTS[:3])] == pytest.approx([row["score"] for row in plain], abs=1e-5)


def test_it_works_on_scores_without_logits(reviews: Path, tmp_path: Path) -> None:
    base = [f"files:path={reviews}", "tfidf-logreg:c=0.1", "calibration"]
    run = textclf_core.run(base, output=tmp_path, quiet=True)
    _, scores, labels = split_of(run, "test")
    rows = run.predict(TEXTS)
    assert [row["prediction"] for row in rows] == labels
    assert [row["score"] for row in rows] == pytest.approx(scores.max(axis=1), abs=2e-6)


def test_cells_that_train_jointly_are_calibrated_each(tiny_checkpoint: Path, reviews: Path, tmp_path: Path) -> None:
    base = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "calibration"]
    tries = ["head-only + finetune:learning_rate=1e-2,epochs=3"]
    together = textclf_core.compare(tries, plugins=base, seeds=2, baselines=False, output=tmp_path / "a", quiet=True)
    assert not together.failed
    for run in together.runs:
        alone = textclf_core.run(
            [*base, "head-only", "finetune:learning_rate=1e-2,epochs=3"],
            seed=run.record.seed,
            output=tmp_path / "b",
            quiet=True,
        )
        [entry], [expected] = run.record.postprocessing, alone.record.postprocessing
        assert float(entry.fitted.split()[1]) == pytest.approx(float(expected.fitted.split()[1]), rel=1e-2)
        assert [row["score"] for row in run.predict(TEXTS[:4])] == pytest.approx(split_of(run, "test")[1].max(1)[:4])
