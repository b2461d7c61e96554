"""Seeds as they are needed: contenders shown to be worse get no more, and it stops when nothing can be decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core

Textclf = Callable[..., int]


@pytest.fixture
def words(many_rows: Path, tmp_path: Path) -> list[str]:
    return ["compare", "--plugin", f"files:path={many_rows}", "--no-baselines", "--output", str(tmp_path / "runs")]


@pytest.fixture
def many_rows(tmp_path: Path) -> Path:
    """Texts whose word tells the label in nine of ten rows."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, rows in (("train", 200), ("validation", 60), ("test", 300)):
        lines = ["text,label"]
        for number in range(rows):
            label = number % 2
            word = ("bad", "good")[label if number % 10 else 1 - label]
            lines.append(f"a {word} film {name} {number},{('neg', 'pos')[label]}")
        (folder / f"{name}.csv").write_text("\n".join(lines))
    return folder


def seeds_of(folder: Path) -> Counter[str]:
    runs = [textclf_core.open_run(path.parent) for path in folder.glob("[!.]*/record.json")]
    assert {run.record.looks for run in runs} == {(2, 4)}
    return Counter(run.record.label for run in runs)


def test_what_is_worse_gets_no_more_seeds_and_what_is_decided_ends_it(
    textclf: Textclf, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "tfidf-logreg:c=1", "--try", "majority"]
    assert textclf(*words, *tries, "--metric", "accuracy", "--seeds", "2", "--max-seeds", "4") == 0
    counts = seeds_of(tmp_path / "runs")
    assert counts["majority"] == 2
    text = " ".join(capsys.readouterr().out.split())
    assert "The results were looked at with 2 seeds of 2, 4 planned." in text


def test_a_second_look_counts_though_nobody_planned_it(
    textclf: Textclf, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "tfidf-logreg:c=1", "--try", "majority", "--metric", "accuracy"]
    assert textclf(*words, *tries, "--seeds", "2") == 0
    assert "looked at" not in capsys.readouterr().out
    assert textclf(*words, *tries, "--seeds", "3") == 0
    assert "The results were looked at with 2 and 3 seeds." in " ".join(capsys.readouterr().out.split())


def test_one_seed_is_too_few_to_begin_with(
    textclf: Textclf, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf(*words, "--try", "majority", "--seeds", "1", "--max-seeds", "4") == 2
    assert "--max-seeds 4: begin with --seeds 2 or more." in capsys.readouterr().err
