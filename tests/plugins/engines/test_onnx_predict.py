"""``textclf predict --engine onnx`` and ``onnx-int8``: kept exports, their agreement with torch, what is refused."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import write_checkpoint
from datasets import DatasetDict
from safetensors.torch import load_file, save_file

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_data, tiny_topics, tiny_words

Textclf = Callable[..., int]
TEXTS = tiny_data(160)["test"]["text"][:]


@pytest.fixture(scope="module")
def exported(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model of one block that was predicted with once by each engine."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("checkpoint"), num_hidden_layers=1)
    run = textclf_core.run(
        ["finetune:learning_rate=1e-2,epochs=2", f"hf-model:checkpoint={checkpoint}", f"files:path={reviews}"],
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )
    for engine in ("onnx", "onnx-int8"):
        run.predict(TEXTS[:1], engine=engine)
    return run.directory


@pytest.fixture(scope="module")
def changed(
    textclf: Textclf, exported: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, list[dict[str, Any]]]:
    """A copy of that run with other weights and without predictions, the notes of predicting, and its predictions."""
    run = textclf_core.open_run(shutil.copytree(exported, tmp_path_factory.mktemp("changed") / "run"))
    weights = run.directory / "model" / "model.safetensors"
    tensors = load_file(weights)
    save_file({name: -tensor if name.startswith("classifier") else tensor for name, tensor in tensors.items()}, weights)
    (run.directory / "predictions.parquet").unlink()
    source, labelled, notes = run.directory / "new.txt", run.directory / "labelled.jsonl", io.StringIO()
    source.write_text("\n".join(TEXTS))
    with contextlib.redirect_stderr(notes):
        words = ["--engine", "onnx", "--input", str(source), "--output", str(labelled)]
        assert textclf("predict", str(run.directory), *words) == 0
    return run.directory, notes.getvalue(), [json.loads(line) for line in labelled.read_text().splitlines()]


@pytest.fixture
def trained(exported: Path, tmp_path: Path) -> Path:
    """A copy of that run without its exports."""
    return shutil.copytree(exported, tmp_path / "run", ignore=shutil.ignore_patterns("exports"))


def export_note(run: Path, name: str = "onnx") -> dict[str, object]:
    note: dict[str, object] = json.loads((run / "exports" / name / "export.json").read_text())
    return note


def test_onnx_gives_what_torch_gives_in_the_files_order(
    textclf: Textclf, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "new.txt"
    source.write_text("\n".join(TEXTS) + "\n")
    rows = {}
    for engine in ("torch", "onnx"):
        output = tmp_path / f"{engine}.jsonl"
        words = ["--engine", engine, "--input", str(source), "--output", str(output)]
        assert textclf("predict", str(exported), *words) == 0
        rows[engine] = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["text"] for row in rows["onnx"]] == TEXTS
    assert [row["prediction"] for row in rows["onnx"]] == [row["prediction"] for row in rows["torch"]]
    assert [row["score"] for row in rows["onnx"]] == pytest.approx([row["score"] for row in rows["torch"]], abs=1e-5)
    assert len({row["score"] for row in rows["torch"]}) > len(TEXTS) / 2


def run_of_one_block(data: DatasetDict, folder: Path) -> textclf_core.Run:
    checkpoint = write_checkpoint(folder / "checkpoint", num_hidden_layers=1)
    return textclf_core.run([f"hf-model:checkpoint={checkpoint}"], data=data, output=folder / "runs", quiet=True)


@pytest.mark.slow  # the graph is that of a single-label task; the decisions from its scores differ
def test_onnx_gives_what_torch_gives_where_texts_have_several_labels(tmp_path: Path) -> None:
    data = tiny_topics(32)
    run = run_of_one_block(data, tmp_path)
    texts = data["train"]["text"][:]
    found = run.predict(texts)
    assert any(len(row["labels"]) > 1 for row in found)
    for ours, exported in zip(found, run.predict(texts, engine="onnx"), strict=True):
        assert [one["label"] for one in ours["labels"]] == [one["label"] for one in exported["labels"]]
        assert [one["score"] for one in ours["labels"]] == pytest.approx(
            [one["score"] for one in exported["labels"]], abs=1e-5
        )


def test_onnx_gives_what_torch_gives_where_words_have_labels(tmp_path: Path) -> None:
    data = tiny_words(32)
    run = run_of_one_block(data, tmp_path)
    texts = [" ".join(words) for words in data["train"]["tokens"]]
    found = run.predict(texts)
    assert any(row["entities"] for row in found)
    for ours, exported in zip(found, run.predict(texts, engine="onnx"), strict=True):
        for one, other in zip(ours["entities"], exported["entities"], strict=True):
            assert one == {**other, "score": pytest.approx(other["score"], abs=1e-4)}


@pytest.mark.parametrize("engine", ["onnx", "onnx-int8"])
def test_the_agreement_with_torch_is_one_line_and_the_export_isnt_made_again(
    textclf: Textclf, exported: Path, engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "new.txt"
    source.write_text("the plot is lovely and bright\n")
    before = (exported / "exports" / engine).stat().st_mtime_ns
    assert textclf("predict", str(exported), "--engine", engine, "--input", str(source)) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("text,prediction,score\n")
    agreement = export_note(exported, engine)["agreement"]
    assert isinstance(agreement, dict)
    assert captured.err == (
        f"note: {engine} agrees with torch on {agreement['same_labels']} of 24 labels of validation; scores differ by "
        f"at most {agreement['largest_difference']:.2g} (mean {agreement['mean_difference']:.2g})\n"
    )
    assert (exported / "exports" / engine).stat().st_mtime_ns == before


def test_the_saved_agreement_is_that_of_the_stored_predictions(exported: Path) -> None:
    run = textclf_core.open_run(exported)
    rows = [row for row in run.predictions().to_pylist() if row["split"] == "validation"]
    scored = run.predict([row["text"] for row in rows], engine="onnx-int8")
    same = [row["prediction"] == new["prediction"] for row, new in zip(rows, scored, strict=True)]
    differences = [
        abs(max(row["scores"]) - (new["score"] if agrees else 1 - new["score"]))
        for row, new, agrees in zip(rows, scored, same, strict=True)
    ]
    agreement = export_note(exported, "onnx-int8")["agreement"]
    assert isinstance(agreement, dict)
    assert (agreement["rows"], agreement["same_labels"]) == (len(rows), sum(same))
    assert agreement["largest_difference"] == pytest.approx(max(differences), abs=2e-6)
    assert agreement["mean_difference"] == pytest.approx(sum(differences) / len(rows), abs=2e-6)
    assert agreement["largest_difference"] > 1e-4
    float32 = export_note(exported)["agreement"]
    assert isinstance(float32, dict)
    assert float32["same_labels"] == len(rows)
    assert float32["largest_difference"] < 1e-5


@pytest.mark.parametrize("engine", ["onnx", "onnx-int8"])
def test_a_texts_score_doesnt_depend_on_the_texts_beside_it(exported: Path, engine: str) -> None:
    run = textclf_core.open_run(exported)
    together = run.predict(TEXTS, engine=engine)
    assert [row["score"] for row in run.predict(TEXTS[::-1], engine=engine)[::-1]] == pytest.approx(
        [row["score"] for row in together], abs=2e-6
    )
    [alone] = run.predict(TEXTS[:1], engine=engine)
    assert alone["score"] == pytest.approx(together[0]["score"], abs=2e-6)


def test_the_export_is_made_anew_for_other_weights(
    exported: Path, changed: tuple[Path, str, list[dict[str, Any]]]
) -> None:
    directory, _, after = changed
    before = textclf_core.open_run(exported).predict(TEXTS, engine="onnx")
    by_torch = textclf_core.open_run(directory).predict(TEXTS)
    assert [row["prediction"] for row in after] == [row["prediction"] for row in by_torch]
    assert all(new["prediction"] != old["prediction"] for new, old in zip(after, before, strict=True))
    assert export_note(directory)["key"] != export_note(exported)["key"]
    assert sorted(path.name for path in (directory / "exports").iterdir()) == ["onnx", "onnx-int8"]


def test_a_model_without_stored_predictions_is_exported_with_a_note(
    changed: tuple[Path, str, list[dict[str, Any]]],
) -> None:
    directory, notes, _ = changed
    assert notes.splitlines() == [
        f"note: onnx: exporting the model; the export is saved in {directory / 'exports' / 'onnx'} "
        "and used again later",
        f"note: onnx: its agreement with torch is unknown, since {directory} has no stored predictions",
    ]
    assert export_note(directory)["agreement"] is None


def test_an_export_that_fails_leaves_nothing(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.onnx, "export", interrupted)
    with pytest.raises(KeyboardInterrupt):
        textclf_core.open_run(trained).predict(TEXTS, engine="onnx")
    assert not list((trained / "exports").iterdir())


def test_an_export_that_cant_be_written_is_an_error(trained: Path) -> None:
    (trained / "exports").write_text("a file where the folder would be")
    with pytest.raises(UsageError, match=r"the export can't be saved in the run's folder: .+exports"):
        textclf_core.open_run(trained).predict(TEXTS, engine="onnx")


def test_a_model_that_is_no_encoder_has_no_export(reviews: Path, tmp_path: Path) -> None:
    run = textclf_core.run(["tfidf-logreg", f"files:path={reviews}"], output=tmp_path, quiet=True)
    with pytest.raises(
        UsageError, match=r"needs a model with an encoder, .+ is a TfidfClassifier\. Use the engine torch"
    ):
        run.predict(TEXTS, engine="onnx")


def test_an_unknown_engine_is_refused_with_the_nearest(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"no engine 'onnx-int4'. Did you mean 'onnx-int8'"):
        textclf_core.open_run(trained).predict(TEXTS, engine="onnx-int4")


def test_onnx_computes_on_the_cpu_alone(textclf: Textclf, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("predict", str(trained), "--engine", "onnx", "--device", "meta") == 2
    assert capsys.readouterr().err == (
        "error: the engine onnx works only on the CPU, not on the device 'meta'. Use the engine torch.\n"
    )


def test_without_its_packages_the_error_names_the_extra(
    textclf: Textclf, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    (trained / "new.txt").write_text("fine\n")
    assert textclf("predict", str(trained), "--engine", "onnx-int8", "--input", str(trained / "new.txt")) == 2
    assert capsys.readouterr().err == (
        'error: the engine onnx-int8 needs onnxruntime, onnxscript: pip install "textclf-core[onnx]".\n'
    )


def test_help_and_the_list_of_plugins_import_no_engine() -> None:
    """In one process: what the one didn't import, the next might."""
    code = (
        "import sys; from textclf_core.cli import main\n"
        "for words in sys.argv[1:]:\n"
        "    try: main(words.split())\n"
        "    except SystemExit: pass\n"
        "    imported = {'torch', 'onnx', 'onnxruntime', 'onnxscript'} & set(sys.modules)\n"
        "    print('imported:', words, sorted(imported))\n"
    )
    asked = ("--help", "plugins", "plugins --role engine", "predict --help", "export --help")
    done = subprocess.run([sys.executable, "-c", code, *asked], capture_output=True, text=True, check=True)
    imported = [line for line in done.stdout.splitlines() if line.startswith("imported: ")]
    assert imported == [f"imported: {words} []" for words in asked]
