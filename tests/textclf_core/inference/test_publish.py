"""``textclf export``: the model and its card in a folder, and on the hub through the hub's own client."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from checkpoints import write_checkpoint
from huggingface_hub import HfApi, ModelCard

import textclf_core
from textclf_core.reports.analysis import analyse
from textclf_core.reports.rounding import write_interval
from textclf_core.reports.stored import StoredRun

Textclf = Callable[..., int]
TEXTS = ["the plot is dull and grim", "a bright and clever script", "rather fine"]


@pytest.fixture(scope="module")
def run(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> textclf_core.Run:
    """A run with calibration, of a model of one block."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("checkpoint"), num_hidden_layers=1)
    plugins = [f"files:path={reviews}", f"hf-model:checkpoint={checkpoint}", "calibration", "precision-recall"]
    return textclf_core.run(
        [*plugins, "f1", "accuracy", "finetune:learning_rate=1e-2,epochs=2"],
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


@pytest.fixture
def exported(run: textclf_core.Run, tmp_path: Path) -> Path:
    run.export(tmp_path / "mine")
    return tmp_path / "mine"


def test_the_folder_predicts_what_the_run_does(
    run: textclf_core.Run, exported: Path, textclf: Textclf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.txt").write_text("\n".join(TEXTS) + "\n")

    def labelled(place: Path, engine: str) -> list[dict[str, str]]:
        words = ["--input", str(tmp_path / "new.txt"), "--engine", engine]
        assert textclf("predict", str(place), *words) == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    by_run = labelled(run.directory, "torch")
    assert labelled(exported, "torch") == by_run
    by_onnx, again = (labelled(exported, "onnx") for _ in range(2))  # made, then read
    assert again == by_onnx
    assert [row["prediction"] for row in by_onnx] == [row["prediction"] for row in by_run]
    scores, wanted = ([float(row["score"]) for row in rows] for rows in (by_onnx, by_run))
    assert scores == pytest.approx(wanted, abs=1e-5)


def test_the_folder_loads_in_transformers(run: textclf_core.Run, exported: Path) -> None:
    from transformers import pipeline

    labels = [row["label"] for row in pipeline("text-classification", model=str(exported))(TEXTS)]
    assert labels == [row["prediction"] for row in run.predict(TEXTS)]


def test_the_metadata_are_those_that_the_hub_reads(run: textclf_core.Run, exported: Path) -> None:
    card = ModelCard.load(exported / "README.md")
    assert card.data.pipeline_tag == "text-classification"
    assert card.data.library_name == "transformers"
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert found == pytest.approx(run.metrics["test"], abs=1e-6)
    assert {result.dataset_split for result in card.data.eval_results} == {"test"}


def test_the_card_has_the_facts_that_users_of_the_model_need(run: textclf_core.Run, exported: Path) -> None:
    card = " ".join((exported / "README.md").read_text(encoding="utf-8").split())
    record = run.record
    [analysis] = analyse([StoredRun(run.directory, record)])
    for fact in (
        f"| {write_interval(analysis.rows[0].low, analysis.rows[0].high)} |",
        "Labels a text with one of `negative`, `positive`",
        f"| train | 96 | negative 48, positive 48 | given | {record.data.splits[0].sha256[:12]} |",
        "| negative |",
        "`calibration`: temperature ",
        "`transformers` doesn't know `calibration`",
        "| peak memory |",
        "evaluated only on the test rows above",
        "trained with one seed",
        "textclf_core.run([",
        "textclf predict FOLDER",
        f"| torch | {record.environment['torch']} |",
    ):
        assert fact in card, fact


def test_a_card_mentions_unanswered_rows_and_lacks_a_pipeline_without_an_encoder(reviews: Path, tmp_path: Path) -> None:
    plugins = [f"files:path={reviews}", "tfidf-logreg:c=1", "threshold:abstain_below=0.7"]
    run = textclf_core.run(plugins, output=tmp_path / "runs", quiet=True)
    run.export(tmp_path / "mine")
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert "rows unanswered; the metrics are of the others" in card
    assert "pipeline(" not in card
    assert "library_name: textclf" in card
    assert "base_model" not in card


def test_a_folder_that_holds_something_is_left_alone(
    run: textclf_core.Run, textclf: Textclf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert textclf("export", str(run.directory), str(tmp_path / "mine")) == 2
    assert "isn't an empty folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert textclf("export", str(tmp_path), str(tmp_path / "new")) == 2
    assert "is not a run" in capsys.readouterr().err


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """A hub in reach, which only notes the calls of its client."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def create_repo(self: HfApi, repo_id: str, **options: Any) -> None:
        calls.append(("create_repo", {"repo_id": repo_id, **options}))

    def upload_folder(self: HfApi, **options: Any) -> SimpleNamespace:
        files = sorted(path.name for path in Path(options["folder_path"]).iterdir())
        calls.append(("upload_folder", {**options, "files": files}))
        return SimpleNamespace(commit_url="https://hub.example/me/mine/commit/1")

    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr("textclf_core.system.hub.why_unreachable", lambda: None)
    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "upload_folder", upload_folder)
    return calls


def test_push_makes_the_repository_and_sends_the_folder(
    run: textclf_core.Run,
    hub: list[tuple[str, dict[str, Any]]],
    textclf: Textclf,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = str(tmp_path / "mine")
    assert textclf("export", str(run.directory), target, "--push", "me/mine", "--private") == 0
    (made, options), (sent, upload) = hub
    assert (made, options["repo_id"], options["private"]) == ("create_repo", "me/mine", True)
    assert (sent, upload["repo_id"]) == ("upload_folder", "me/mine")
    assert {"README.md", "classifier.json", "model.safetensors", "postprocessing"} <= set(upload["files"])
    assert 'pipeline("text-classification", "me/mine")' in (tmp_path / "mine" / "README.md").read_text()
    assert "pushed: https://hub.example/me/mine/commit/1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "token", "reach", "message"),
    [
        ("mine", "hf_secret", None, "write OWNER/NAME"),
        ("me/mi ne", "hf_secret", None, "me/mi ne"),
        ("me/mine", None, None, "needs a token of the hub"),
        ("me/mine", "hf_secret", "HF_HUB_OFFLINE is set", "the hub can't be reached: HF_HUB_OFFLINE is set"),
    ],
)
def test_what_the_hub_would_refuse_is_refused_before_anything_is_written(
    run: textclf_core.Run,
    monkeypatch: pytest.MonkeyPatch,
    textclf: Textclf,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    token: str | None,
    reach: str | None,
    message: str,
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    monkeypatch.setattr("textclf_core.system.hub.why_unreachable", lambda: reach)
    assert textclf("export", str(run.directory), str(tmp_path / "mine"), "--push", name) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
