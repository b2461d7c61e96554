"""Runs, comparisons and the cache behind URLs, on machines that share nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textclf_core
from textclf_core.cache import CacheFolder
from textclf_core.cache.rows import KEY_BYTES
from textclf_core.errors import RunError, UsageError
from textclf_core.records.remote_runs import RemoteRuns, remote_runs
from textclf_core.storage.places import local_folder

URL = "weak://bucket/runs"


def runs() -> RemoteRuns:
    found = remote_runs(local_folder(URL))
    assert found is not None
    return found


@pytest.fixture(params=[URL, "file://{tmp}/far/runs"])
def url(request: pytest.FixtureRequest, weak: object, tmp_path: Path) -> str:
    return str(request.param).format(tmp=tmp_path)


def test_a_run_is_reported_and_predicts_on_another_machine(
    url: str,
    machine: Callable[[str], None],
    textclf: Callable[..., int],
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine("first")
    words = ["--plugin", f"files:path={reviews}", "--plugin", "majority"]
    assert textclf("run", *words, "--output", url, "--seed", "3") == 0
    shown = capsys.readouterr().out
    [name] = [path.name for path in local_folder(url).glob("[!.]*")]
    assert f"{url}/{name}" in shown
    assert not (local_folder(url) / name / "model").exists()

    machine("second")
    assert textclf("report", url) == 0
    assert textclf("report", f"{url}/{name}") == 0
    assert capsys.readouterr().out.count("majority is the only contender") == 2
    assert not (local_folder(url) / name / "model").exists()
    (tmp_path / "in.txt").write_text("a fine day\n")
    assert textclf("predict", f"{url}/{name}", "--input", str(tmp_path / "in.txt")) == 0
    assert (local_folder(url) / name / "model").is_dir()
    assert textclf("export", f"{url}/{name}", str(tmp_path / "model")) == 0
    run = textclf_core.open_run(f"{url}/{name}")
    assert run.record.seed == 3
    assert f"{url}/{name}" in str(run)
    assert [row["text"] for row in run.predict(["a"])] == ["a"]


def test_what_isnt_there_is_one_clear_line(weak: object, machine: Callable[[str], None], tmp_path: Path) -> None:
    machine("first")
    with pytest.raises(UsageError, match=r"^weak://bucket/runs.*no"):
        textclf_core.report(URL)
    with pytest.raises(UsageError, match=r"^weak://bucket/runs/x is not a run"):
        textclf_core.open_run(f"{URL}/x")
    with pytest.raises(UsageError, match="Protocol not known"):
        textclf_core.run(["majority"], output="nowhere://bucket/runs", quiet=True)


def compare(reviews: Path, url: str = URL, *, baselines: bool = False, **more: Any) -> textclf_core.ComparisonResult:
    return textclf_core.compare(
        ["majority"], plugins=[f"files:path={reviews}"], seeds=2, output=url, quiet=True, baselines=baselines, **more
    )


def test_cells_of_one_machine_are_read_on_another(url: str, machine: Callable[[str], None], reviews: Path) -> None:
    machine("first")
    first = compare(reviews, url)
    machine("second")
    second = compare(reviews, url, baselines=True)
    ids = {run.record.id: run.record for run in second.runs}
    assert all(ids[run.record.id] == run.record for run in first.runs)
    assert len(first.runs) == 2
    assert len(second.runs) > 2
    machine("third")
    report = textclf_core.report(url)
    assert report.recommended == second.recommended


def test_an_interrupted_upload_is_finished_by_the_next_command(
    weak: Any, machine: Callable[[str], None], reviews: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine("first")
    weak.uploads_left = 2
    with pytest.raises(
        RunError, match=r"finished, but couldn't be uploaded: weak://bucket/runs/.*connection was reset"
    ):
        textclf_core.run([f"files:path={reviews}", "majority"], output=URL, seed=1, quiet=True)
    [name] = [one for one in runs().remote.list() if not one.startswith(".")]
    assert runs().current(name) is None  # it is absent
    assert runs().remote.list(".running") == []

    machine("second")
    with pytest.raises(UsageError, match="no run"):
        textclf_core.report(URL)

    machine("first")
    with pytest.raises(UsageError, match="no run"):
        textclf_core.report(URL)
    assert f"{name} isn't uploaded to {URL} yet" in caplog.text
    weak.uploads_left = 100
    textclf_core.run([f"files:path={reviews}", "majority"], output=URL, seed=2, quiet=True)
    machine("second")
    names = runs().refresh()
    assert len(names) == 2
    assert name in names


def test_a_cell_that_another_machine_finished_meanwhile_is_recorded_once(
    weak: Any, machine: Callable[[str], None], reviews: Path
) -> None:
    machine("first")
    weak.uploads_left = 2
    failed = compare(reviews)
    assert len(failed.failed) == 2
    weak.uploads_left = 1000
    machine("second")
    second = compare(reviews)
    machine("first")
    first = compare(reviews)
    assert [run.record for run in first.runs] == [run.record for run in second.runs]
    assert len(runs().refresh()) == 2


def test_force_replaces_a_cell_everywhere(weak: object, machine: Callable[[str], None], reviews: Path) -> None:
    machine("first")
    before = compare(reviews)
    machine("second")
    compare(reviews)
    machine("first")
    after = compare(reviews, force=True)
    assert all(old.record != new.record for old, new in zip(before.runs, after.runs, strict=True))
    machine("second")
    again = compare(reviews)
    assert [run.record for run in again.runs] == [run.record for run in after.runs]


def test_a_run_that_is_removed_there_is_gone_here(weak: object, machine: Callable[[str], None], reviews: Path) -> None:
    machine("first")
    run = textclf_core.run([f"files:path={reviews}", "majority"], output=URL, quiet=True)
    runs().remote.remove_folder(run.record.id)
    with pytest.raises(UsageError, match="no run"):
        textclf_core.report(URL)


def test_a_damaged_run_is_refused(weak: object, machine: Callable[[str], None], reviews: Path) -> None:
    machine("first")
    run = textclf_core.run([f"files:path={reviews}", "majority"], output=URL, quiet=True)
    files = runs().current(run.record.id)
    assert files is not None
    runs().remote.write(f"{run.record.id}/{files.version}/record.json", b"{}")
    machine("second")
    with pytest.raises(UsageError, match=r"record\.json isn't what was uploaded: it was damaged"):
        textclf_core.report(URL)


def test_a_frozen_prefix_is_computed_on_one_machine_alone(
    weak: object, machine: Callable[[str], None], tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    def run(name: str) -> textclf_core.Run:
        machine(name)
        plugins = [f"hf-model:checkpoint={tiny_checkpoint}", f"files:path={reviews}", "head-only"]
        return textclf_core.run(plugins, output=tmp_path / name, cache_dir="weak://bucket/cache", quiet=True)

    first, second = run("first"), run("second")
    assert first.record.cost.prefix_rows_computed == 144
    assert second.record.cost.prefix_rows_computed == 0
    assert second.record.cost.prefix_rows_read > 0
    assert first.metrics == second.metrics
    assert first.predictions().equals(second.predictions())


KEYS = [bytes([number]) * KEY_BYTES for number in range(2)]


def fill(cache: CacheFolder) -> None:
    """Write two rows, each in a segment of its own."""
    for number, key in enumerate(KEYS):
        with cache.filling("key"), cache.open("key", 2).writer() as writer:
            writer.write([key], np.full((1, 3, 2), number, dtype=np.float32))


def cache(url: str) -> CacheFolder:
    return CacheFolder(local_folder(url))


def test_rows_of_one_machine_are_read_on_another(url: str, machine: Callable[[str], None]) -> None:
    machine("first")
    fill(cache(url))
    machine("second")
    rows = cache(url).open("key", 2)
    assert [float(row.mean()) for row in rows.read(KEYS)] == [0, 1]


def test_a_damaged_segment_is_removed_and_the_others_are_read(
    weak: Any, machine: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    machine("first")
    fill(cache("weak://bucket/cache"))
    damaged = min(path for path in weak.store if path.endswith(".rows"))
    weak().pipe_file(damaged, b"x" * weak.store[damaged].size)
    machine("second")
    assert len(cache("weak://bucket/cache").open("key", 2)) == 1
    assert "removed from the cache, and computed again: weak://bucket/cache" in caplog.text
    caplog.clear()
    machine("third")
    assert len(cache("weak://bucket/cache").open("key", 2)) == 1
    assert not caplog.text


def test_a_segment_whose_upload_broke_off_is_absent_and_the_run_goes_on(
    weak: Any, machine: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    machine("first")
    weak.uploads_left = 3  # the first segment, and the rows of the second
    fill(cache("weak://bucket/cache"))
    assert "the run goes on without the shared cache: weak://bucket/cache" in caplog.text
    assert len(cache("weak://bucket/cache").open("key", 2)) == 2
    machine("second")
    assert len(cache("weak://bucket/cache").open("key", 2)) == 1


def test_rows_that_turned_out_wrong_are_removed_for_all(weak: object, machine: Callable[[str], None]) -> None:
    machine("first")
    fill(cache("weak://bucket/cache"))
    cache("weak://bucket/cache").set_aside("key")
    assert len(cache("weak://bucket/cache").open("key", 2)) == 0
    machine("second")
    assert len(cache("weak://bucket/cache").open("key", 2)) == 0


def test_a_product_is_made_on_one_machine_alone(weak: object, machine: Callable[[str], None]) -> None:
    made: list[str] = []

    def make(folder: Path) -> None:
        made.append("once")
        (folder / "weights").write_text("1 2 3")

    for name in ("first", "second"):
        machine(name)
        shared = cache("weak://bucket/cache")
        with shared.product("key", make, "weights") as folder:
            assert (folder / "weights").read_text() == "1 2 3"
        assert [store.about for store in shared.list()] == ["weights"]
    assert made == ["once"]


def test_the_file_of_a_cell_names_the_url(
    url: str, machine: Callable[[str], None], textclf: Callable[..., int], reviews: Path, tmp_path: Path
) -> None:
    words = ["--plugin", f"files:path={reviews}", "--try", "majority", "--seeds", "2", "--no-baselines"]
    machine("first")
    assert textclf("compare", *words, "--output", url, "--emit", str(tmp_path / "cells")) == 0
    machine("second")
    for file in (tmp_path / "cells").glob("*.json"):
        assert textclf("cell", str(file)) == 0
    machine("first")
    found = remote_runs(local_folder(url))
    assert found is not None
    assert len(found.refresh()) == 2


def test_an_experiment_file_takes_a_url(
    weak: object, machine: Callable[[str], None], textclf: Callable[..., int], reviews: Path, tmp_path: Path
) -> None:
    machine("first")
    file = tmp_path / "experiment.toml"
    file.write_text(f'output = "{URL}"\n[plugins]\nmajority = {{}}\nfiles = {{ path = "{reviews}" }}\n')
    assert textclf("run", str(file)) == 0
    assert len(runs().refresh()) == 1
