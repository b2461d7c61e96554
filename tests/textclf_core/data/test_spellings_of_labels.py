"""Labels that a person takes for one, or for none, are reported, and folded by an option."""

from __future__ import annotations

from pathlib import Path

import pytest

from textclf_plugins.datasets.files import Files


def names(folder: Path, given: list[str], **options: str) -> list[str]:
    (folder / "a.csv").write_text("text,label\n" + "".join(f"t{row},{label}\n" for row, label in enumerate(given)))
    data = Files(path=str(folder / "a.csv"), **options).textclf_load_data()  # type: ignore[arg-type]
    return list(data["train"].features["label"].names)


@pytest.mark.parametrize(
    "spellings",
    [
        ["not_spam", "not-spam", "not spam", "not \u2013 spam", "not\u2013spam"],
        ["spam", "sp\u0430m"],  # with a Cyrillic letter
        ["A", "\u0410"],
        ["'spam'", "spam", "`spam`"],
        ["spam.", "spam"],
        ["R&amp;D", "R&D"],
        ["\u2764", "\u2764\ufe0f"],  # a heart, and its colourful form
    ],
)
def test_spellings_that_look_alike_are_reported_and_folded(
    spellings: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = [*spellings, "ham", "ham"]
    assert len(names(tmp_path, labels)) == len(spellings) + 1
    assert "some labels differ only in blanks, dashes, quotes, case or .0, or look the same" in caplog.text
    assert len(names(tmp_path, labels, labels="folded")) == 2


@pytest.mark.parametrize("labels", [["A", "A-", "A+"], ["C", "C++"], ["-1", "1"], ["\u0421", "\u0431"], ["+", "-"]])
def test_labels_that_differ_in_a_sign_are_different(
    labels: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(names(tmp_path, labels, labels="folded")) == len(labels)
    names(tmp_path, labels)
    assert not caplog.records


@pytest.mark.parametrize(
    ("labels", "placeholder"),
    [
        (["a", "b", "\\N"], "\\N"),
        (["a", "b", "?"], "?"),
        (["entailment", "neutral", "-"], "-"),
        (["0", "1", "2", "-1"], "-1"),
        (["pos", "unlabeled"], "unlabeled"),
    ],
)
def test_what_programs_write_for_no_label_is_reported(
    labels: list[str], placeholder: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names(tmp_path, labels)
    assert f"1 rows have the label {placeholder!r}, by which programs mean a missing value" in caplog.text


@pytest.mark.parametrize("labels", [["-1", "0", "1"], ["-1", "1"], ["-2", "-1", "0", "1", "2"], ["none", "some"]])
def test_labels_that_may_be_meant_arent_reported(
    labels: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names(tmp_path, labels)
    assert not caplog.records
