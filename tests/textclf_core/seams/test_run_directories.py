"""Run directories are reserved, not guessed: runs that start at one time each leave one, and none is removed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from textclf_core import Run, RunError, open_run

# Holds each of two runs back until both have begun, wherever they are: in two threads, or in two processes.
MEETING = """
import time
from pathlib import Path
import threading, os

@dataclass(frozen=True)
class Meeting:
    '''The majority class, found when both are there.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        place = Path(PLACE)
        me, until = place / f"{os.getpid()}-{threading.get_ident()}", time.monotonic() + 3
        if not me.exists():
            me.touch()
            while len(list(place.iterdir())) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        return {"met": len(list(place.iterdir()))}
"""
# Imports first, so that both begin their run in one second.
STARTED = """
import sys, time
from pathlib import Path
import textclf_core, textclf_core.testing
file, output, data, ready = sys.argv[1:]
textclf_core.run([f"files:path={data}", "majority"], output=output + "-before", quiet=True)
Path(ready).touch()
while len(both := list(Path(ready).parent.iterdir())) < 2:
    time.sleep(0.01)
time.sleep(int(max(path.stat().st_mtime for path in both)) + 2.05 - time.time())
done = textclf_core.run([f"files:path={data}", "majority", "meeting"], plugin_files=[file], output=output, quiet=True)
assert done.metrics["test"]["met"] == 2
"""


def begin_of_a_second() -> None:
    time.sleep(1.05 - time.time() % 1)


@pytest.fixture
def meeting(plugin_file: Callable[..., Path], tmp_path: Path) -> Path:
    place = tmp_path / "met"
    place.mkdir()
    return plugin_file(MEETING.replace("PLACE", repr(str(place))))


def assert_two_whole_runs(output: Path) -> None:
    runs = [open_run(path) for path in output.iterdir()]
    assert len(runs) == 2
    assert len({run.record.id for run in runs}) == 2
    for run in runs:
        assert run.record.id == run.directory.name
        assert len(run.predictions()) == 48
        assert run.predict(["dull"])


@pytest.mark.xfail(strict=True, reason="both threads guess one name, and write in one folder")
def test_two_runs_of_one_process_in_one_second_get_two_directories(
    run: Callable[..., Run], meeting: Path, reviews: Path, tmp_path: Path
) -> None:
    """The same plugins, the same seed, the same second: two runs."""
    begin_of_a_second()
    with ThreadPoolExecutor(2) as pool:
        given = [
            pool.submit(run, "majority", "meeting", file=meeting, beside=[f"files:path={reviews}"]) for _ in range(2)
        ]
    errors = [one.exception() for one in given if one.exception()]
    assert errors == []
    assert_two_whole_runs(tmp_path / "runs")


@pytest.mark.xfail(strict=True, reason="the one that ends last takes the place of the other")
def test_two_runs_of_two_processes_in_one_second_get_two_directories(
    meeting: Path, reviews: Path, tmp_path: Path
) -> None:
    """So do two commands on one folder, which don't know of each other."""
    ready = tmp_path / "ready"
    ready.mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STARTED, str(meeting), str(tmp_path / "runs"), str(reviews), str(ready / name)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "other")
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert_two_whole_runs(tmp_path / "runs")


@pytest.mark.xfail(strict=True, reason="the second failed run takes the place of the first")
def test_what_is_left_of_a_failed_run_stays(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    """Two runs that fail in one second leave what each had computed."""
    file = plugin_file(
        """
        @dataclass(frozen=True)
        class Late:
            '''Fail when the model is trained.'''

            @hookimpl
            def textclf_compute_metrics(self, references):
                if len(references) > 2:
                    raise ArithmeticError
                return {}
        """
    )
    run("majority", beside=[f"files:path={reviews}"])
    begin_of_a_second()
    for _ in range(2):
        with pytest.raises(RunError):
            run("majority", "late", file=file, beside=[f"files:path={reviews}"])
    assert len(list((tmp_path / "runs").glob("*.incomplete"))) == 2
