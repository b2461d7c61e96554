"""The benchmarks run, on a tiny model and tiny data; no time is asserted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import bare
import command_list
import compiled
import compiling
import ours
import peer
import pyarrow as pa
import pytest
import rows
import scaling
import speed
import thirty_commands
from measure import Measured, fastest, median_of, one_after_another
from works import WORKS

from textclf_core.comparison.contenders import contenders
from textclf_core.plugins import Catalogue
from textclf_core.testing import tiny_data, tiny_encoder

pytestmark = pytest.mark.slow

WORK = {work.name: work for work in WORKS}


@pytest.fixture(scope="module")
def six_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of six blocks, as many as the sweep freezes."""
    folder = tmp_path_factory.mktemp("six-blocks")
    encoder = tiny_encoder(blocks=6)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bench(six_blocks: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> speed.Bench:
    folder = tmp_path_factory.mktemp("bench")
    model = f"hf-model:checkpoint={six_blocks}"
    rows.prepare({"data": f"files:path={reviews}", "model": model, "rows": 32, "folder": str(folder)})
    return speed.Bench(folder, model)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the jobs here: a process for each would spend its time on imports."""
    scripts = {"ours.py": ours, "peer.py": peer, "bare.py": bare}

    def measure(script: str, job: dict[str, Any]) -> Measured:
        done: Measured = getattr(scripts[script], job["do"])(json.loads(json.dumps(job)))
        return done

    monkeypatch.setattr(speed, "measure", measure)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", ["first-4", "head-only-warm", "evaluation", "evaluation-int8", "prediction"])
def test_both_sides_of_a_line_are_measured(bench: speed.Bench, name: str) -> None:
    both = bench.run(WORK[name], repeats=1)
    for side in (both.ours, both.peer):
        assert len(side) == 1
        assert side[0].seconds > 0
        assert side[0].f1 is not None
    assert WORK[name].title in speed.speeds({name: both})


@pytest.mark.usefixtures("in_this_process")
def test_a_comparison_is_measured_and_the_peer_once(bench: speed.Bench) -> None:
    fewer = {**WORK["sweep"].ours, "tries": ["freeze-first-n:n=5,6"], "seeds": 1}
    both = bench.run(replace(WORK["sweep"], ours=fewer, peers=WORK["sweep"].peers[5:]), repeats=2)
    assert (len(both.ours), len(both.peer)) == (2, 1)
    assert both.ours[0].rest_seconds is not None
    assert both.ours[0].seconds == both.ours[0].parts["train/steps"] + both.ours[0].parts["train/prefix"] > 0


@pytest.mark.parametrize("name", ["sweep", "head-grid"])
def test_a_comparison_has_a_contender_for_each_configuration_of_the_peer(name: str) -> None:
    tried = contenders(WORK[name].ours["tries"], [], Catalogue.discover())
    assert len(tried) == len(WORK[name].peers)


@pytest.mark.usefixtures("in_this_process")
def test_both_loops_make_the_same_steps(bench: speed.Bench) -> None:
    both = bench.run_overhead(repeats=2)
    assert len(both.ours) == len(both.peer) == 2
    assert speed.overhead_line(both)[0] == "full, two blocks"


def test_the_command_prints_the_table_and_writes_every_run(
    six_blocks: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--model", f"hf-model:checkpoint={six_blocks}", "--data", f"files:path={reviews}"]
    runs = tmp_path / "runs.json"
    speed.main(["--rows", "32", "--repeats", "1", "--only", "full", "--json", str(runs), *where])
    printed = capsys.readouterr().out
    assert "Rows: train 32, validation 8, test 24. Repeats: 1." in printed
    assert "| full, 1 epoch |" in printed
    [run] = json.loads(runs.read_text())["runs"]["full"]["ours"]
    assert run["process_seconds"] > run["seconds"] > 0
    assert run["peak_mib"] > 100


@pytest.mark.usefixtures("in_this_process")
def test_repeated_rows_make_as_many_more_steps(bench: speed.Bench) -> None:
    runs = {
        times: [speed.reported("full", "ours.py", bench.job(WORK["full"].ours, seed=0, times=times))]
        for times in (1, 4)
    }
    assert [line[1] for line in scaling.lines("full", 32, runs)] == [32, 128]


@pytest.mark.parametrize("name", compiling.JOBS)
def test_an_epoch_is_timed_beside_the_first(bench: speed.Bench, name: str) -> None:
    job = json.loads(json.dumps(bench.job({"how": "not"}, seed=0)))
    measured = getattr(compiled, name)(job)
    assert measured.seconds > 0
    assert measured.parts["first"] > 0


def test_compiling_pays_once_it_has_spared_what_it_took() -> None:
    runs = {
        "not": [Measured(10, parts={"first": 10.5})],
        "dynamic": [Measured(8, parts={"first": 48})],
        "default": [Measured(10, parts={"first": 30})],
    }
    assert compiling.lines("score", 100, runs) == [
        ["score", "not", "10.00", "1.00", "", ""],
        ["score", "dynamic", "8.00", "0.80", "40.0", "2,000"],
        ["score", "default", "10.00", "1.00", "20.0", "never"],
    ]


def test_a_sample_has_the_wholes_labels_and_lengths() -> None:
    split = tiny_data(400)["train"]
    lengths = [len(text.split()) for text in split["text"]]
    sample = rows.sample(split, lengths, 50)
    assert sum(sample["label"]) == 25
    of_sample = [len(text.split()) for text in sample["text"]]
    assert sum(of_sample) / 50 == pytest.approx(sum(lengths) / 400, abs=0.2)
    assert rows.sample(split, lengths, 50)["text"][:] == sample["text"][:]


def test_repeats_are_summed_up_by_their_medians() -> None:
    middle = median_of([Measured(3, 0.5, 30, 9), Measured(1, 0.7, 10, 7), Measured(2, 0.6, 20, 8)])
    assert (middle.seconds, middle.f1, middle.peak_mib, middle.process_seconds) == (2, 0.6, 20, 8)


def test_parts_are_multiplied_by_the_runs_that_they_stand_for() -> None:
    whole = one_after_another([Measured(3, 0.5, 30, 9), Measured(1, 0.7, 10, 7)], each=3)
    assert (whole.seconds, whole.f1, whole.peak_mib, whole.process_seconds) == (12, 0.7, 30, 48)


def test_of_choices_the_fastest_counts() -> None:
    assert fastest([Measured(3), Measured(1), Measured(2)]).seconds == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--rows", "some"], "'some' is neither a number of rows, 2 at least, nor all"),
        (["--only", "full,fast"], "there is no fast; there are full, first-4,"),
    ],
)
def test_a_wrong_option_is_refused(wrong: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        speed.main(wrong)
    assert message in capsys.readouterr().err


def test_what_a_command_left_is_written_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now, before = tmp_path / "now.json", tmp_path / "before.json"
    before.write_text(json.dumps({"full": {"exit_code": 0}, "head-only": {"exit_code": 2}}))
    differ = thirty_commands.main(["--only", "head-only", "--output", str(now), "--against", str(before)])
    printed = capsys.readouterr()
    assert "head-only: exit code 0, 1 runs" in printed.err
    assert printed.out.splitlines() == [
        "head-only / exit_code: 2 before, 0 now",
        "head-only / runs: new",
        "commands that differ: 1 of 1",
    ]
    assert differ == 1
    [(name, run)] = json.loads(now.read_text())["head-only"]["runs"].items()
    assert name == "head-only seed 0"
    assert run["metrics"].keys() == {"validation", "test"}
    assert run["predictions"].keys() == {"split", "id", "label", "prediction", "scores", "text"}


def test_a_last_bit_and_the_bounds_of_a_list_change_a_hash() -> None:
    def sha256(*chunks: list[Any]) -> str:
        of_rows = pa.list_(pa.float32())
        return thirty_commands.content_sha256(pa.chunked_array([pa.array(rows, of_rows) for rows in chunks]))

    scores = [[0.25, 0.75], [0.5]]
    assert sha256(scores) == sha256(scores[:1], scores[1:])
    others = ([[0.25, 0.75 + 2**-24], [0.5]], [[0.25], [0.75, 0.5]], [[0.25, 0.75], [0.5], None], [*scores, []])
    assert len({sha256(rows) for rows in (scores, *others)}) == 5


def test_the_thirty_commands_have_every_strategy_and_trainer() -> None:
    catalogue = Catalogue.discover()
    listed = [one.plugin for one in catalogue.listing() if one.plugin]
    wanted = {plugin.name for plugin in listed if {"strategy", "trainer"} & {*plugin.roles}}
    written = " ".join(argument for command in command_list.COMMANDS for argument in command.arguments)
    # Baselines take part in comparisons without being written.
    assert wanted - {*catalogue.baselines} - {spec.partition(":")[0] for spec in written.split()} == set()


def test_a_command_comes_after_the_one_whose_run_it_takes() -> None:
    found = command_list.chains(["head-only", "predict"])
    assert [[command.name for command in chain] for chain in found] == [["full", "predict"], ["head-only"]]
