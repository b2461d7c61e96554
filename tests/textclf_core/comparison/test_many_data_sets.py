"""One comparison on several data sets: one grid of cells, a report on each, and one over all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from live_trainers import TRAINERS

import textclf_core
from textclf_core import DataError, UsageError
from textclf_core.testing import tiny_data

TRAINER = """
import numpy
from textclf_core import RunError

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Picky:
    '''Fail on 48 rows.'''

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()

    @hookimpl
    def textclf_train(self, data):
        if len(data["train"]) == 48:
            raise RunError("48 rows are too few")
        return Even()
"""

SHOPS = '''
from typing import Annotated

from textclf_core import Option
from textclf_core.testing import tiny_data

@dataclass(frozen=True, kw_only=True)
class Shops:
    """Invented reviews."""

    shop: Annotated[int, Option("The number of the shop.")]
    about: Annotated[str, Option("What the data are called.")] = ""

    @hookimpl
    def textclf_load_data(self):
        data = tiny_data(48, seed=self.shop)
        for split in data.values():
            split.info.description = self.about
        return data
'''


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for name, split in tiny_data(48, seed=1).items():
        split.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def suite(reviews: Path, films: Path, tmp_path: Path) -> Path:
    file = tmp_path / "suite.toml"
    file.write_text(
        f"""
        seeds = [0]

        [[data]]
        files = {{ path = "{reviews}" }}

        [[data]]
        files = {{ path = "{films}" }}

        [[try]]
        majority = {{}}

        [[try]]
        tfidf-logreg = {{}}
        """
    )
    return file


def test_a_file_with_several_data_sets_gives_a_report_on_each_and_one_over_all(
    suite: Path,
    reviews: Path,
    films: Path,
    tmp_path: Path,
    textclf: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["compare", str(suite), "--output", str(tmp_path / "runs")]
    assert textclf(*command) == 0
    printed = capsys.readouterr()
    assert printed.out.count("Data: ") == 2
    assert f"majority on files:path={films} seed 0: done" in printed.err
    assert "(4 of 4 cells" in printed.err
    assert "Over 2 data sets" in printed.out
    assert textclf(*command, "--format", "json") == 0
    printed = capsys.readouterr()
    assert printed.err.count(": read") == 4
    ours = json.loads(printed.out)
    assert [len(one["rows"]) for one in ours] == [2, 2]
    assert [one["counts"].keys() for one in ours[0]["over_data_sets"]["contenders"]]
    assert {row["contender"] for one in ours for row in one["rows"]} == {"majority", "tfidf-logreg"}
    assert textclf("report", str(tmp_path / "runs")) == 0
    assert "Over 2 data sets" in capsys.readouterr().out


@pytest.mark.slow
def test_models_are_trained_on_each_data_set_with_its_own_rows(
    reviews: Path, films: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Heads that train jointly and cells that share a frozen prefix do so on one data set."""
    result = textclf_core.compare(
        ["head-only", "freeze-first-n:n=1,2"],
        data_sets=[f"files:path={reviews}", f"files:path={films}"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2"],
        seeds=2,
        baselines=False,
        output=tmp_path,
        cache_dir=tmp_path / "cache",
        quiet=True,
    )
    assert not result.failed
    rows = {len(split_of(run, "train")) for run in result.runs}
    assert rows == {96, 48}
    assert len(result.runs) == 3 * 2 * 2
    alone = textclf_core.compare(
        ["head-only", "freeze-first-n:n=1,2"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2", f"files:path={films}"],
        seeds=2,
        baselines=False,
        output=tmp_path / "alone",
        cache_dir=tmp_path / "another cache",
        quiet=True,
    )
    of_films = {run.record.id: run.metrics for run in result.runs if len(split_of(run, "train")) == 48}
    assert of_films == {run.record.id: run.metrics for run in alone.runs}


def split_of(run: textclf_core.Run, name: str) -> range:
    """Return the rows of a split, by their numbers."""
    return range(next(split.rows for split in run.record.data.splits if split.name == name))


def test_data_in_memory_and_plugins_have_names(reviews: Path, tmp_path: Path) -> None:
    result = textclf_core.compare(
        ["tfidf-logreg", "majority"],
        data_sets={"shops": f"files:path={reviews}", "films": tiny_data(48, seed=1)},
        seeds=1,
        baselines=False,
        output=tmp_path,
        quiet=True,
    )
    assert [run.record.data.source for run in result.runs][2:] == ["films"] * 2
    assert result.report.over_data_sets is not None
    assert result.report.over_data_sets.data_sets == (str(reviews), "films")
    again = textclf_core.compare(
        ["majority"], data_sets={"films": tiny_data(24)}, seeds=1, baselines=False, output=tmp_path, quiet=True
    )
    assert [run.record.data.source for run in again.runs] == ["films"]


def test_a_cell_that_fails_is_a_result(
    reviews: Path,
    films: Path,
    tmp_path: Path,
    plugin_file: Callable[..., Path],
    textclf: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [
        "compare",
        "--plugin-file",
        str(plugin_file(TRAINER)),
        "--try",
        "picky",
        "--try",
        "majority",
        "--seeds",
        "2",
    ]
    command += ["--data", f"files:path={reviews}", "--data", f"files:path={films}", "--no-baselines"]
    command += ["--output", str(tmp_path / "runs")]
    assert textclf(*command) == 1
    printed = capsys.readouterr()
    assert "Without picky at seeds 0 and 1, which failed: 48 rows are too few" in " ".join(printed.out.split())
    assert printed.err.count(f"error: picky on files:path={films} seed") == 2
    assert textclf(*command, "--format", "json") == 1
    on_reviews, on_films = json.loads(capsys.readouterr().out)
    assert [len(one["rows"]) for one in (on_reviews, on_films)] == [2, 1]
    assert on_reviews["failed"] == []
    assert on_films["failed"] == [
        {"contender": "picky", "seed": seed, "error": "48 rows are too few"} for seed in (0, 1)
    ]


def test_a_data_set_on_which_all_cells_fail_stands_in_the_report(
    reviews: Path, films: Path, tmp_path: Path, plugin_file: Callable[..., Path]
) -> None:
    result = textclf_core.compare(
        ["picky"],
        data_sets={"shops": f"files:path={reviews}", "films": f"files:path={films}"},
        plugin_files=[plugin_file(TRAINER)],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    assert [(label, seed, str(error)) for (label, seed), error in result.failed.items()] == [
        ("picky on films", 0, "48 rows are too few")
    ]
    assert f"Data: {films}" in result.text()
    assert "No run has finished. Without picky at seed 0" in " ".join(result.text().split())
    assert "48 rows are too few" in result.report.text("page")
    assert result.recommended == "picky"


def test_a_contender_is_recommended_over_all_only_if_it_is_on_each(reviews: Path, tmp_path: Path) -> None:
    """On labels that nothing foretells, nothing beats the cheapest."""
    chance = {
        name: [(f"{name}{row}", "yes" if row % 5 < 3 else "no") for row in range(rows)]
        for name, rows in (("train", 100), ("validation", 50), ("test", 500))
    }
    data_sets = {"shops": f"files:path={reviews}", "chance": chance}
    result = textclf_core.compare(
        ["tfidf-logreg", "majority"], data_sets=data_sets, seeds=2, metric="accuracy", baselines=False, cost="artifact",
        output=tmp_path, quiet=True,
    )  # fmt: skip
    recommended = [row.line.label for one in result.report.analyses for row in one.rows if row.recommended]
    assert recommended == ["tfidf-logreg", "majority"]
    assert result.recommended is None


def test_finished_cells_of_one_data_set_are_read(suite: Path, films: Path, tmp_path: Path) -> None:
    alone = textclf_core.compare(
        ["majority"], plugins=[f"files:path={films}"], seeds=1, baselines=False, output=tmp_path / "runs", quiet=True
    )
    result = textclf_core.compare(experiment=suite, baselines=False, output=tmp_path / "runs", quiet=True)
    finished = {run.record.id: run.record.finished for run in result.runs}
    assert len(finished) == 4
    assert {run.record.id: run.record.finished for run in alone.runs}.items() <= finished.items()


@pytest.mark.slow
def test_cells_are_written_for_other_schedulers_and_the_estimate_is_of_all(
    suite: Path,
    reviews: Path,
    films: Path,
    tmp_path: Path,
    textclf: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["compare", str(suite), "--no-baselines", "--output", str(tmp_path / "runs")]
    assert textclf(*command, "--emit", str(tmp_path / "cells")) == 0
    files = sorted((tmp_path / "cells").glob("*.json"))
    assert len(files) == 4
    for file in files:
        assert textclf("cell", str(file)) == 0
    assert textclf(*command) == 0
    assert capsys.readouterr().err.count(": read") == 4
    command[-1] = str(tmp_path / "more")
    assert textclf(*command, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert f"tfidf-logreg on files:path={films}" in printed
    assert "4 cells to run" in printed
    lines = textclf_core.compare(
        experiment=suite, baselines=False, output=tmp_path / "x", dry_run=True, quiet=True
    ).lines
    assert [(one.contender, one.data_set) for one in lines] == [
        (label, f"files:path={folder}") for folder in (reviews, films) for label in ("majority", "tfidf-logreg")
    ]


@pytest.mark.slow
def test_each_data_set_ends_at_a_look_of_its_own(tmp_path: Path, plugin_file: Callable[..., Path]) -> None:
    """On one all are right, so that two seeds decide; on the other a third one is run."""
    easy = tiny_data(96)
    easy["test"] = easy["test"].select([*range(1, 24, 2), *range(0, 24, 2)])  # the positive ones first
    result = textclf_core.compare(
        ["share:share=0.7,spread=0.09", "share:share=0.5,spread=0"],
        data_sets={"easy": easy, "hard": tiny_data(1600)},
        plugin_files=[plugin_file(TRAINERS)],
        seeds=2,
        max_seeds=3,
        metric="accuracy",
        cost="artifact",
        baselines=False,
        output=tmp_path,
        quiet=True,
    )
    assert [one.seeds for one in result.report.analyses] == [(0, 1), (0, 1, 2)]
    assert [one.looks for one in result.report.analyses] == [(2, 3), (2, 3)]


@pytest.mark.slow
def test_an_executor_takes_the_grid_as_one(suite: Path, tmp_path: Path) -> None:
    here = textclf_core.compare(experiment=suite, baselines=False, seeds=2, output=tmp_path / "here", quiet=True)
    there = textclf_core.compare(
        experiment=suite, baselines=False, seeds=2, output=tmp_path / "there", workers=2, quiet=True
    )
    assert not there.failed
    assert [(run.record.id, run.metrics) for run in there.runs] == [(run.record.id, run.metrics) for run in here.runs]
    assert len(there.report.analyses) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data_sets": ["files:path=a", "files:path=a"]}, "the data set files:path=a is given twice"),
        ({"data_sets": ["majority"]}, "'majority' is a trainer, and no dataset"),
        ({"data_sets": "files:path=a"}, "give a list of data sets"),
        ({"data_sets": [["a text"]]}, "give data in memory with a name each"),
        ({"data_sets": ["files:path=a"], "plugins": ["rotten-tomatoes"]}, "rotten-tomatoes: data sets are given by"),
        ({"data_sets": ["files:path=a"], "tries": ["majority + files:path=b"]}, "nor a contender may choose another"),
        ({"data_sets": ["files:path=a"], "data": [("a", "b")]}, "exclude each other"),
    ],
)
def test_wrong_data_sets_are_found_before_anything_runs(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        textclf_core.compare(**({"tries": ["majority"], "output": tmp_path} | wrong))  # type: ignore[call-overload]
    assert list(tmp_path.iterdir()) == []


def test_all_data_sets_that_cannot_be_read_are_named(reviews: Path, tmp_path: Path) -> None:
    data_sets = [f"files:path={reviews}", f"files:path={tmp_path}/a.csv", f"files:path={tmp_path}/b.csv"]
    with pytest.raises((DataError, UsageError), match=r"a\.csv(.|\n)*b\.csv"):
        textclf_core.compare(["majority"], data_sets=data_sets, output=tmp_path / "runs", quiet=True)


def test_a_data_set_with_too_few_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^small: 16/class of train: the label 'negative' has only 12 rows"):
        textclf_core.compare(
            ["majority"],
            data_sets={"large": tiny_data(96), "small": tiny_data(24, seed=1)},
            train_size="16/class",
            output=tmp_path / "runs",
            quiet=True,
        )


def test_two_names_for_the_same_rows_are_refused(reviews: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the data sets one and two have the same rows and labels"):
        textclf_core.compare(
            ["majority"],
            data_sets={"one": f"files:path={reviews}", "two": f"files:path={reviews},text=text"},
            output=tmp_path / "runs",
            quiet=True,
        )


@pytest.mark.parametrize("command", ["run", "data"])
def test_a_command_for_one_data_set_refuses_the_file(
    command: str, suite: Path, textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf(command, str(suite)) == 2
    assert f"which only `textclf compare` reads; give `textclf {command}` a file" in capsys.readouterr().err


def test_each_table_of_data_has_one_plugin(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[[data]]\nfiles = { path = 'a' }\nconll = { path = 'b' }\n[[try]]\nmajority = {}\n")
    with pytest.raises(UsageError, match=r"each \[\[data\]\] has one dataset plugin, not 2 \(files, conll\)"):
        textclf_core.compare(experiment=file)


def test_two_readings_of_one_file_are_two_data_sets(tmp_path: Path) -> None:
    """One table with two columns of labels: the report tells the tasks apart."""
    rows = ["text,mood,topic"]
    rows += [
        f"a {'good' if n % 2 else 'bad'} {'film' if n % 3 else 'book'} {n},{n % 2},{n % 3 > 0}" for n in range(200)
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows))
    result = textclf_core.compare(
        ["tfidf-logreg", "majority"],
        data_sets=[f"files:path={table},label=mood", f"files:path={table},label=topic"],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    over = result.report.over_data_sets
    assert over is not None
    assert over.data_sets == tuple(f"{table} (text text; label {label})" for label in ("mood", "topic"))
    assert result.error is None


@pytest.mark.parametrize(
    ("about", "names"),
    [("", ("shops:shop=1", "shops:shop=2")), (",about=reviews", ("reviews", "reviews (shops:shop=2,about=reviews)"))],
)
def test_data_sets_of_a_plugin_that_describes_them_alike_or_not_at_all_are_distinguished(
    about: str, names: tuple[str, ...], tmp_path: Path, plugin_file: Callable[..., Path]
) -> None:
    textclf_core.compare(
        ["tfidf-logreg", "majority"],
        data_sets=[f"shops:shop=1{about}", f"shops:shop=2{about}"],
        plugin_files=[plugin_file(SHOPS)],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    report = textclf_core.report(tmp_path / "runs")
    assert report.over_data_sets is not None
    assert sorted(report.over_data_sets.data_sets) == [*names]
    assert sorted(one.data.source for one in report.analyses) == [*names]
