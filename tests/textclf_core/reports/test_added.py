"""What plugins add to reports: costs, columns, plots, sections; and facts of trainers."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import plugin, reviews, scores, write_run

import textclf_core
from textclf_core import Run, UsageError
from textclf_core.plugins import Catalogue
from textclf_core.records.schema import PluginRecord, read_record, write_record
from textclf_core.reports.added import OWN_COLUMNS, OWN_PLOTS
from textclf_core.reports.columns import columns_of
from textclf_core.testing import Check, plugin_checks, tiny_data

ENERGY = Path(__file__).parents[3] / "examples" / "reports" / "energy.py"
HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from textclf_core import *
"""
PARTS = """
def undrawable(comparison):
    from matplotlib.figure import Figure
    figure = Figure()
    figure.text(0, 0, "$\\\\nothing$", parse_math=True)
    return figure

@dataclass(frozen=True)
class Mine:
    '''Parts.'''

    watts: float = 1.0

    @hookimpl
    def textclf_report(self):
        return [PARTS]
"""
HEAT = "ReportCost(name='heat', heading='heat', read=lambda record: record.cost.seconds['train'] * self.watts)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three contenders that predict the same, at other costs, of which so many rows show it."""
    folder, data = tmp_path_factory.mktemp("stored") / "runs", reviews(400)
    same = scores(data, 0.9, seed=0)
    for label, seconds in (("full", 300.0), ("lora", 200.0), ("tfidf", 10.0)):
        write_run(folder, label, data=data, given_scores=same, train_seconds=seconds)
    return folder


@pytest.fixture
def own_runs(runs: Path, tmp_path: Path) -> Path:
    """A copy of them, to be changed."""
    return Path(shutil.copytree(runs, tmp_path / "runs"))


def plugin_file(path: Path, parts: str, name: str = "Mine") -> Path:
    """Write a plugin with these parts."""
    path.write_text(HEAD + PARTS.replace("PARTS", parts).replace("Mine", name), encoding="utf-8")
    return path


def with_plugin(folder: Path, recorded: PluginRecord) -> Path:
    """Add a plugin to the records of all runs."""
    for directory in folder.iterdir():
        record = read_record(directory)
        write_record(replace(record, plugins=(*record.plugins, recorded)), directory)
    return folder


@pytest.mark.parametrize("check", plugin_checks(Catalogue.discover([ENERGY]).get("energy").cls, watts=30.0))
def test_the_example_does_what_its_hook_promises(check: Check) -> None:
    check()


def test_a_plugin_adds_a_cost_a_plot_and_a_section(
    runs: Path, textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("report", str(runs), "--plugin-file", str(ENERGY), "--plugin", "energy:watts=100", "--cost", "energy")
    words += ("--tolerance", "0.5")
    assert textclf(*words) == 0
    printed = capsys.readouterr().out
    assert "8.33 Wh" in printed
    assert "Recommended: tfidf (energy 0.278 Wh), the cheapest by energy" in printed
    plots, page = tmp_path / "plots", tmp_path / "page.html"
    assert textclf(*words, "--price", "1/h", "--plots", str(plots), "--format", "page", "--output", str(page)) == 0
    assert {path.stem for path in plots.iterdir()} - set(OWN_PLOTS) == {"energy-by-stage"}
    section = page.read_text(encoding="utf-8").partition("From plugins</h3>")[2].partition("</section>")[0]
    assert "<h4>Energy by stage</h4>" in section
    assert "<title>lora: 5.56 Wh for training</title>" in section
    assert '<th scope="row">tfidf</th><td class="number">1</td>' in section


def test_the_plugins_of_the_runs_answer_with_the_options_that_they_had(own_runs: Path) -> None:
    with_plugin(
        own_runs, replace(plugin("energy", "reporter", watts=36.0), distribution=f"file {ENERGY}", version=None)
    )
    frame = textclf_core.report(own_runs).to_frame()
    assert frame["energy"].to_dict() == {"full": 3.0, "lora": 2.0, "tfidf": 0.1}
    named = textclf_core.report(own_runs, plugins=["energy:watts=72"], plugin_files=[ENERGY])
    assert named.to_frame()["energy"]["full"] == 6.0


def test_a_plugin_that_isnt_installed_any_more_is_missed_and_the_report_comes(
    own_runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_plugin(own_runs, replace(plugin("gone", "reporter"), distribution="textclf-gone", version="2.0"))
    report = textclf_core.report(own_runs)
    assert report.recommended == "tfidf"
    [warning] = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert "plugin 'gone' (textclf-gone 2.0), which can't be used here: There is no plugin 'gone'" in warning


def test_a_plugin_file_that_cant_be_imported_any_more_is_missed_too(
    own_runs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("1 / 0", encoding="utf-8")
    with_plugin(own_runs, replace(plugin("mine", "reporter"), distribution=f"file {file}", version=None))
    assert textclf_core.report(own_runs).recommended is not None
    assert "ZeroDivisionError" in caplog.text


def test_runs_with_different_options_are_reported_with_those_of_the_latest(
    own_runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for directory in own_runs.iterdir():
        record = read_record(directory)
        late = record.label == "lora"
        own = replace(plugin("energy", "reporter", watts=36.0 if late else 1.0), distribution=f"file {ENERGY}")
        started = "2026-01-03T00:00:00+00:00" if late else record.started
        write_record(replace(record, started=started, plugins=(*record.plugins, own)), directory)
    assert textclf_core.report(own_runs).to_frame()["energy"]["full"] == 3.0
    assert "the report uses watts=36.0" in caplog.text


FAILING = {
    "ReportColumn(name='verdict', heading='', read=len)": "the report has its own",
    "ReportPlot(name='cost', title='', draw=lambda all: None)": "the report has its own",
    "ReportColumn(name='f1', heading='', read=lambda one: 1)": "which is a metric here",
    "ReportColumn(name='lost', heading='', read=lambda one: one.nothing)": "read of the column 'lost'",
    "ReportColumn(name='list', heading='', read=lambda one: [])": "returned [] (list)",
    "ReportPlot(name='drawn', title='', draw=lambda all: 1 / 0)": "ZeroDivisionError",
    "ReportPlot(name='late', title='', draw=undrawable)": "draw of the plot 'late'",
    "ReportSection(heading='Seen', content=lambda all: [3])": "content of the section 'Seen'",
    "ReportSection(heading='Row', content=lambda all: [ReportTable(caption='', headings='', rows=[3])])": "'Row'",
}


def test_what_fails_is_excluded_with_a_warning(runs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    right = "ReportColumn(name='right', heading='', read=lambda one: one.records[0].label)"
    file = plugin_file(tmp_path / "mine.py", ", ".join([*FAILING, right]))
    report = textclf_core.report(runs, plugins=["mine"], plugin_files=[file], price="1/h")
    page = report.text("page").partition("From plugins</h3>")[2].partition("</section>")[0]
    assert report.recommended == "tfidf"
    assert page.count('class="warning"') == len(FAILING)
    assert [one for one in FAILING.values() if one not in caplog.text] == []
    assert len(caplog.records) == len(FAILING)
    assert report.analysis is not None
    own = set(columns_of(report.analysis)) - {"f1", "accuracy", "lost", "list", "right"}
    assert own == set(OWN_COLUMNS) - {"tuned"}


@pytest.mark.parametrize(
    ("parts", "warned"),
    [
        ("1 / 0", "textclf_report of the plugin 'mine' (file "),
        ("'heat'", "must return a list of ReportCost"),
        ("ReportColumn(name='Two words', heading='', read=len)", "the name 'Two words'"),
        (f"{HEAT}, {HEAT}", "another part with the name 'heat'"),
        ("ReportCost(name='heat', heading=None, read=len)", "whose heading is None"),
        ("ReportCost(name='heat', heading='', read=len, unit=0)", "whose unit is 0 (int)"),
    ],
)
def test_a_report_comes_without_a_plugin_whose_hook_fails(
    parts: str, warned: str, runs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = plugin_file(tmp_path / "mine.py", parts)
    assert textclf_core.report(runs, plugins=["mine"], plugin_files=[file]).recommended == "tfidf"
    assert warned in caplog.text


@pytest.mark.parametrize("cost", ["1 / 0", "float('nan')", "'7 Wh'", "-1", "None", "True"])
def test_a_contender_of_unknown_cost_cant_be_the_cheapest(
    cost: str, runs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read = f"lambda record: {cost} if record.label == 'tfidf' else record.cost.seconds['train']"
    file = plugin_file(tmp_path / "mine.py", f"ReportCost(name='heat', heading='heat', read={read})")
    report = textclf_core.report(runs, plugins=["mine"], plugin_files=[file], cost="heat", tolerance=0.5)
    assert report.to_frame()["heat"].isna().to_dict() == {"full": False, "lora": False, "tfidf": True}
    assert report.recommended == "lora"
    assert caplog.text.count("read of the cost 'heat'") == (cost != "None")


def test_a_contender_of_unknown_cost_can_be_the_best(tmp_path: Path) -> None:
    data = reviews(40)
    write_run(tmp_path, "full", data=data, accuracy=0.95, flops=None)
    write_run(tmp_path, "lora", data=data, accuracy=0.9, flops=None)
    assert textclf_core.report(tmp_path, cost="flops").recommended in ("full", "lora")


def test_two_plugins_that_give_one_name_are_an_error_that_names_both(own_runs: Path, tmp_path: Path) -> None:
    one, other = (plugin_file(tmp_path / f"{name}.py", HEAT, name.title()) for name in ("one", "other"))
    with pytest.raises(UsageError, match=r"Two plugins add the column 'heat' .*'one' \(file .*'other' \(file "):
        textclf_core.report(own_runs, plugins=["one", "other"], plugin_files=[one, other])
    for name, file in (("one", one), ("other", other)):
        with_plugin(own_runs, replace(plugin(name, "reporter", watts=1.0), distribution=f"file {file}"))
    with pytest.raises(UsageError, match="--plugin names the one to use"):
        textclf_core.report(own_runs)
    named = textclf_core.report(own_runs, plugins=["other:watts=2"], plugin_files=[other])
    assert named.to_frame()["heat"]["full"] == 600


def test_an_unknown_cost_is_refused_with_the_nearest_name_or_the_plugin_that_adds_it(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = plugin_file(tmp_path / "mine_installed.py", HEAT)
    with pytest.raises(UsageError, match="Did you mean 'heat'"):
        textclf_core.report(runs, plugins=["mine"], plugin_files=[file], cost="haet")
    about = tmp_path / "mine_installed-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-installed\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[textclf]\nmine = mine_installed:Mine\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"no such cost. --plugin mine adds it"):
        textclf_core.report(runs, cost="heat")


def test_a_plugin_that_adds_nothing_to_reports_is_refused(runs: Path) -> None:
    with pytest.raises(UsageError, match=r"--plugin full: it adds nothing to a report.*it is a strategy"):
        textclf_core.report(runs, plugins=["full"])


TRAINER = """
@dataclass(frozen=True)
class Half:
    '''Half a score for each label.'''

    def scores(self, data):
        import numpy
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory): ...

@dataclass(frozen=True)
class Forest:
    '''A trainer with facts.'''

    wrong: bool = False

    @hookimpl
    def textclf_train(self, seed, workspace):
        import numpy
        workspace.meter.trained_without_encoder(3)
        workspace.add_facts(trees=numpy.int64(100 + seed), depth=float("nan"), rule="gini", pruned=False)
        if self.wrong:
            workspace.add_facts(trees=[1, 2])
        return Half()

    @hookimpl
    def textclf_load_classifier(self):
        return Half()
"""


@pytest.fixture(scope="module")
def forest_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plugin") / "forest.py"
    file.write_text(HEAD + TRAINER, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def forest(forest_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a trainer that records facts, with a plugin that adds a cost."""
    return textclf_core.run(
        ["forest", "energy:watts=3600"],
        plugin_files=[forest_file, ENERGY],
        data=tiny_data(24),
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


def test_facts_of_a_trainer_are_in_the_record_and_its_summary(forest: Run) -> None:
    assert forest.record.facts == {"trees": 100, "depth": None, "rule": "gini", "pruned": False}
    assert read_record(forest.directory).facts == forest.record.facts
    rows = dict(line.split(maxsplit=1) for line in forest.text().splitlines() if line.startswith(("trees", "pruned")))
    assert rows == {"trees": "100", "pruned": "no"}


def test_the_summary_of_a_run_has_the_cost_that_a_plugin_adds(forest: Run) -> None:
    [line] = [line for line in forest.text().splitlines() if line.startswith("energy")]
    assert line.endswith(f"{forest.record.cost.seconds['train']:,.3g} Wh")


def test_facts_of_a_trainer_are_columns(forest: Run) -> None:
    again = replace(forest.record, id="again", seed=1, facts={**forest.record.facts, "trees": 103, "rule": "entropy"})
    directory = forest.directory.with_name("again")
    directory.mkdir()
    write_record(again, directory)
    (directory / "predictions.parquet").write_bytes((forest.directory / "predictions.parquet").read_bytes())
    report = textclf_core.report([forest.directory, directory])
    [row] = report.to_frame().reset_index().to_dict("records")
    assert (row["trees"], row["rule"], row["pruned"]) == (101.5, "gini, entropy", "no")
    assert "trainer of forest: trees 101.5, depth -, rule gini, entropy, pruned no." in " ".join(report.text().split())


def test_a_fact_that_json_cant_hold_is_refused_by_name(forest_file: Path, tmp_path: Path) -> None:
    with pytest.raises(
        textclf_core.RunError, match=r"'forest'.*the fact 'trees' must be str, int, float, bool or None"
    ):
        textclf_core.run(
            ["forest:wrong=true"], plugin_files=[forest_file], data=tiny_data(24), output=tmp_path, quiet=True
        )


def test_a_comparison_recommends_by_a_plugins_cost_and_runs_nothing_again_for_it(tmp_path: Path) -> None:
    def compare(*plugins: str, cost: str) -> textclf_core.ComparisonResult:
        return textclf_core.compare(
            ["majority"],
            plugins=plugins,
            plugin_files=[ENERGY],
            data=tiny_data(24),
            seeds=1,
            cost=cost,
            output=tmp_path,
            quiet=True,
        )

    first, again = compare("energy", cost="energy"), compare("energy:watts=30", cost="flops")
    assert [run.record.started for run in first.runs] == [run.record.started for run in again.runs]
    assert first.recommended == "tfidf-logreg"
    assert first.to_frame()["energy"].notna().all()
    with pytest.raises(UsageError, match=r"--cost energi: there is no such cost. Did you mean 'energy'"):
        compare("energy", cost="energi")
