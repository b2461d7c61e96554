"""Splits by whole groups, and splits of the past and the future."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import DatasetDict

import textclf_core
from textclf_core.data import from_memory, prepare
from textclf_core.data.marked_columns import times_of
from textclf_core.errors import DataError
from textclf_core.records.predictions import read_predictions

ROWS = 300


def rows_of(**columns: Callable[[int], Any]) -> list[dict[str, Any]]:
    """Return 300 rows with two labels in turn and other columns, each a function of the row's number."""
    return [
        {"text": f"text {row}", "label": "ab"[row % 2], **{name: of(row) for name, of in columns.items()}}
        for row in range(ROWS)
    ]


def of_splits(data: DatasetDict, column: str) -> list[list[Any]]:
    return [data[name][column][:] for name in ("train", "validation", "test")]


@pytest.mark.parametrize("data_seed", range(5))
def test_every_group_is_on_one_side_and_the_splits_have_about_their_share_of_each_label(data_seed: int) -> None:
    # Authors of very different diligence.
    rows = rows_of(author=lambda row: f"author {int(row**0.5)}")
    prepared = prepare(from_memory(rows, group="author"), data_seed)
    train, validation, test = (set(authors) for authors in of_splits(prepared.data, "author"))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert sum(split.rows for split in prepared.record.splits) == ROWS
    for split in prepared.record.splits[1:]:
        assert split.origin == "held out from train by group"
        assert all(10 <= count <= 20 for count in split.label_counts.values())
    assert prepared.record.group_column == "author"


def test_another_data_seed_holds_out_other_groups() -> None:
    rows = rows_of(author=lambda row: row // 10)
    one, same, other = (
        prepare(from_memory(rows, group="author"), seed).data["test"]["author"][:] for seed in (0, 0, 1)
    )
    assert one == same != other


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    rows = rows_of(author=lambda row: None if row % 3 else "one author of a hundred rows")
    prepared = prepare(from_memory(rows, group="author"), 0)
    assert set(of_splits(prepared.data, "author")[1]) == {None}


def test_what_is_held_out_by_time_is_later_than_train() -> None:
    rows = rows_of(day=lambda row: f"2020-01-{1 + (7 * row) % 30:02d}")
    prepared = prepare(from_memory(rows, time="day"), 0)
    parts = of_splits(prepared.data, "day")
    assert all(max(earlier) < min(later) for earlier, later in pairwise(parts))
    assert [split.rows for split in prepared.record.splits] == [240, 30, 30]
    assert prepared.record.splits[2].origin == "held out from train by time"
    assert prepared.record.time_column == "day"


def test_rows_of_one_time_stay_together() -> None:
    prepared = prepare(from_memory(rows_of(year=lambda row: 2018 + row // 100), time="year"), 0)
    assert [set(years) for years in of_splits(prepared.data, "year")] == [{2018}, {2019}, {2020}]


def test_times_are_numbers_dates_or_texts_of_either() -> None:
    def order(*values: object) -> list[int]:
        split = from_memory(
            {"text": ["x"] * len(values), "label": list("ab" * len(values))[: len(values)], "at": values}
        )
        return [int(row) for row in np.argsort(times_of(split["train"], "at"))]

    assert order(3, 1, 2) == order(0.3, 0.1, 0.2) == order("10", "8", " 9") == [1, 2, 0]
    assert order("2026-03-14", "2025-12-31T23:59:59", "2026-03-13T22:00:00-05:00") == [1, 0, 2]
    assert order(datetime(2026, 3, 14), datetime(2025, 1, 1)) == [1, 0]


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ({"group": "autor"}, r"group=autor: train has no such column .* Did you mean 'author'\? The columns are: auth"),
        ({"group": "text"}, "group=text: train has no such column beside texts and labels"),
        ({"group": "tags"}, "group=tags: the column of train holds lists; give one value per row"),
        ({"group": "same"}, "group=same: train has 1 group, but 3 are needed, one for each split"),
        ({"time": "author"}, "time=author: row 1 of train has 'x0'; expected a number, or a date such as 2026-03-14"),
        ({"time": "mixed"}, "time=mixed: some rows of train have numbers and others have dates"),
        ({"time": "gap"}, "time=gap: row 8 of train has None"),
        ({"time": "same"}, "train .* has 300 rows with 1 different times in 'same': too few to hold out"),
        ({"group": "author", "time": "mixed"}, "group=author and time=mixed exclude each other.* --cluster author"),
    ],
)
def test_what_cant_work_is_refused_in_one_line(marked: dict[str, str], message: str) -> None:
    rows = rows_of(
        author=lambda row: f"x{row % 9}",
        tags=lambda row: ["a", "b"],
        same=lambda row: 2020,
        mixed=lambda row: "2020-01-01" if row else "2020",
        gap=lambda row: None if row == 7 else row,
    )
    with pytest.raises(DataError, match=message) as refused:
        prepare(from_memory(rows, **marked), 0)
    assert "\n" not in str(refused.value)


def test_a_time_that_is_none_is_refused_even_if_no_split_is_made() -> None:
    rows = rows_of(at=lambda row: "soon")
    with pytest.raises(DataError, match="time=at: row 1 of train has 'soon'"):
        prepare(from_memory({"train": rows, "validation": rows, "test": rows}, time="at"), 0)


def test_a_run_on_a_file_says_how_it_was_split_and_groups_count_as_one_draw(
    textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "reviews.csv"
    lines = [f"a {('dull', 'fine')[row % 2]} text number {row},{row % 2},{row // 6}" for row in range(120)]
    table.write_text("\n".join(["text,label,author", *lines]))
    data = ["--plugin", f"files:path={table},label=label,group=author"]
    arguments = ["--try", "tfidf-logreg", "--seeds", "2", "--output", str(tmp_path / "runs")]
    assert textclf("compare", *data, *arguments) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "validation and test are held out from train by group=author: not comparable with published" in shown
    [run, *_] = [textclf_core.open_run(path) for path in (tmp_path / "runs").iterdir()]
    test = [row["author"] for row in read_predictions(run.directory).to_pylist() if row["split"] == "test"]
    assert f"test examples of {len(set(test))} different values of author, which count as one draw each" in shown
    assert len(set(test)) < len(test)


def test_the_same_rows_without_their_groups_are_other_data() -> None:
    rows = rows_of(author=lambda row: row // 10)
    splits = {"train": rows, "validation": rows[:20], "test": rows[20:40]}
    plain, grouped = (prepare(from_memory(splits, group=group), 0) for group in (None, "author"))
    assert plain.record.splits == grouped.record.splits
    assert plain.fingerprint != grouped.fingerprint


def test_a_blank_group_is_none() -> None:
    rows = rows_of(author=lambda row: "" if row % 2 else f"author {row // 20}")
    prepared = prepare(from_memory(rows, group="author"), 0)
    assert all("" in authors for authors in of_splits(prepared.data, "author"))


def test_groups_of_given_splits_that_train_has_too_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of(author=lambda row: row // 10)
    prepared = prepare(from_memory({"train": rows[:200], "test": rows[195:]}, group="author"), 0)
    sentence = "test: 5 of 105 rows are of groups (column 'author') that train has too"
    assert sentence in prepared.record.changes
    assert sentence in caplog.text


def test_rows_of_given_splits_that_are_earlier_than_train_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of(day=lambda row: f"2020-01-{1 + row // 10:02d}")
    rows[299]["day"] = "unknown"
    later = prepare(from_memory({"train": rows[:200], "test": rows[200:]}, time="day"), 0)
    assert later.record.changes == ()
    mixed = prepare(from_memory({"train": rows[:200], "test": rows[150:]}, time="day"), 0)
    assert mixed.record.changes == ("test: 40 of 150 rows are earlier (column 'day') than the latest row of train",)
    assert mixed.record.changes[0] in caplog.text


def test_groups_that_differ_in_their_spelling_alone_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    from_memory(rows_of(author=lambda row: ["Ann", "ann ", "Bo"][row % 3]), group="author")
    assert "group=author: 'Ann' and 'ann ', which differ only in blanks or case, are treated" in caplog.text
