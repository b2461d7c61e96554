"""Exporters and engines of a saved model: what every one of them gets, and what is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core import RunError, UsageError
from textclf_core.testing import tiny_data

Textclf = Callable[..., int]
TEXTS = tiny_data(160)["test"]["text"][:]

PLUGINS = '''
"""Engines and exporters of a classifier by its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textclf_core import Needs, UsageError, hookimpl


class Shifted:
    def __init__(self, classifier, by):
        self.classifier, self.by = classifier, by

    def scores(self, data):
        scores = self.classifier.scores(data)
        scores[:, 0] += self.by
        scores[:, 1] -= self.by
        return scores

    def save(self, directory): ...


@dataclass(frozen=True)
class Same:
    """The scores as they are, from the saved model."""

    by: float = 0.0

    @hookimpl
    def textclf_engine(self, classifier, directory):
        assert (directory / "classifier.json").is_file()
        return Shifted(classifier, self.by)


@dataclass(frozen=True)
class Near(Same):
    """Other scores, which it declares."""

    needs: ClassVar[Needs] = Needs(approximate=True, devices=("meta", "cpu"))


@dataclass(frozen=True)
class Rows:
    """Two scores in a row of one."""

    @hookimpl
    def textclf_engine(self, classifier):
        return Squeezed(classifier, 0)


class Squeezed(Shifted):
    def scores(self, data):
        return self.classifier.scores(data)[:, :1]


@dataclass(frozen=True)
class Absent:
    """It needs what isn't installed."""

    needs: ClassVar[Needs] = Needs(packages=("no_such_package", "numpy"))

    @hookimpl
    def textclf_export(self, directory): ...


@dataclass(frozen=True)
class Nothing:
    """It writes nothing."""

    @hookimpl
    def textclf_export(self, directory): ...


@dataclass(frozen=True)
class Picky:
    """It refuses."""

    @hookimpl
    def textclf_export(self, classifier, directory):
        (directory / "half").write_text("of it")
        raise UsageError(f"it needs a network, but this one is a {type(classifier).__name__}.")

    @hookimpl
    def textclf_engine(self, classifier): ...


@dataclass(frozen=True)
class Undecided:
    """It supports nothing."""

    @hookimpl
    def textclf_engine(self, classifier): ...


@dataclass(frozen=True)
class Words:
    """A file with the task's labels, for another program."""

    @hookimpl
    def textclf_export(self, task, directory):
        (directory / "labels.txt").write_text(" ".join(task.label_names))
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> textclf_core.Run:
    plugins = ["tfidf-logreg:c=1", "calibration"]
    return textclf_core.run(plugins, data=tiny_data(32), output=tmp_path_factory.mktemp("runs"), quiet=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugins") / "own.py"
    path.write_text(PLUGINS)
    return path


@pytest.fixture
def score(run: textclf_core.Run, file: Path) -> Callable[..., list[float]]:
    def score(engine: str, device: str = "auto") -> list[float]:
        return [row["score"] for row in run.predict(TEXTS, engine=engine, device=device, plugin_files=[file])]

    return score


def test_an_engine_without_an_exporter_gets_the_saved_model_and_its_agreement_is_saved(
    run: textclf_core.Run, score: Callable[..., list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "textclf")
    for _ in range(2):
        caplog.clear()
        assert score("same") == score("torch")
        note = run.directory / "exports" / "same" / "export.json"
        assert json.loads(note.read_text())["agreement"]["same_labels"] == 8
        assert caplog.messages == [
            "same agrees with torch on 8 of 8 labels of validation; scores differ by at most 0 (mean 0)"
        ]
    assert [path.name for path in note.parent.iterdir()] == ["export.json"]


def test_an_engine_that_computes_other_scores_is_refused_and_nothing_is_saved(
    run: textclf_core.Run, score: Callable[..., list[float]]
) -> None:
    wrong = r"'same' .+ computes other scores than the model: for 1 rows of at most 1 words they differ by 0\.01"
    note = run.directory / "exports" / "same" / "export.json"
    before = note.read_bytes() if note.is_file() else None
    with pytest.raises(RunError, match=wrong):
        score("same:by=0.01")
    assert (note.read_bytes() if note.is_file() else None) == before
    assert not list(run.directory.glob("exports/.*"))


def test_an_approximate_engine_is_used_and_its_difference_shown(
    score: Callable[..., list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "textclf")
    assert score("near:by=0.01") == pytest.approx(score("torch"), abs=0.05)
    assert "near agrees with torch on 8 of 8 labels of validation; scores differ by at most 0.0" in caplog.text


def test_scores_of_another_shape_are_refused(score: Callable[..., list[float]]) -> None:
    with pytest.raises(RunError, match=r"the engine rows returned for made-up rows .+\(1, 2\), not .*\(1, 1\)"):
        score("rows")


def test_an_engine_computes_on_its_devices(score: Callable[..., list[float]]) -> None:
    assert score("near", "cpu") == score("near")
    with pytest.raises(UsageError, match=r"device 'nowhere' can't be used"):
        score("near", "nowhere")


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("samd", r"there is no engine 'samd'\. Did you mean 'same'\? The engines are torch, .*near, .*same"),
        ("words", r"there is no engine 'words'\."),
        ("same:of=1", r"same: there is no option 'of'"),
        (
            "picky",
            r"the engine picky can't be used for .+: it needs a network, but .+ TfidfClassifier\. Use",
        ),
        ("undecided", r"the engine undecided can't be used for .+: it doesn't support a TfidfClassifier"),
    ],
)
def test_what_cant_be_an_engine_is_refused(score: Callable[..., list[float]], engine: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        score(engine)


def test_an_exporter_writes_beside_the_model(
    textclf: Textclf, run: textclf_core.Run, file: Path, tmp_path: Path
) -> None:
    words = ["--format", "words", "--plugin-file", str(file)]
    assert textclf("export", str(run.directory), str(tmp_path / "mine"), *words) == 0
    assert (tmp_path / "mine" / "exports" / "words" / "labels.txt").read_text() == "negative positive"
    assert "`exports/words` has the model as the exporter `words` writes it." in (
        tmp_path / "mine" / "README.md"
    ).read_text(encoding="utf-8")
    assert not (run.directory / "exports" / "words").exists()


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("wordz", "there is no exporter 'wordz'. Did you mean 'words'?"),
        ("same", "there is no exporter 'same'."),
        ("absent", "the exporter absent needs no_such_package: pip install no_such_package."),
        ("nothing", "wrote nothing into the directory"),
        ("picky", "the exporter picky can't be used for"),
    ],
)
def test_a_format_that_cant_be_written_leaves_no_folder(
    textclf: Textclf,
    run: textclf_core.Run,
    file: Path,
    format: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--format", format, "--plugin-file", str(file)]
    assert textclf("export", str(run.directory), str(tmp_path / "mine"), *words) != 0
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_run_takes_them(file: Path) -> None:
    with pytest.raises(UsageError, match=r"'same' has the role engine, which no run calls: .+ --engine"):
        textclf_core.run(["majority", "same"], data=tiny_data(16), plugin_files=[file], quiet=True)
