"""Run directories are reserved, not guessed: runs that start at one time each leave one, and none is removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from textclf_core import Run, RunError, open_run

# Holds each of two runs back until both have begun, wherever they are: in two threads, or in two processes.
MEETING = """
import os, threading, time
from pathlib import Path

@dataclass(frozen=True)
class Meeting:
    '''Wait until another run is there too.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        place = Path(PLACE)
        me, until = place / f"{os.getpid()}-{threading.get_ident()}", time.monotonic() + SECONDS
        if not me.exists():
            me.touch()
            while len(list(place.iterdir())) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        return {"met": len(list(place.iterdir()))}
"""
# The first run imports what a run takes, so that the clock of all of it stands still for the second.
PROCESS = """
import sys
import textclf_core
folder, file, output, data = sys.argv[1:]
textclf_core.run([f"files:path={data}", "majority"], output=output + "-before", quiet=True)
sys.path.insert(0, folder)
from test_run_directories import stand_still
stand_still(setattr)
done = textclf_core.run([f"files:path={data}", "majority", "meeting"], plugin_files=[file], output=output, quiet=True)
assert done.metrics["test"]["met"] == 2
"""


class StoppedClock(datetime):
    """A clock on which everything happens in one second."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> StoppedClock:
        return cls(2026, 3, 14, 15, 9, 26, tzinfo=tz)


def stand_still(set_attribute: Callable[[object, str, object], None]) -> None:
    """Stop the clock that textclf reads, in whatever module."""
    for name, module in list(sys.modules.items()):
        if name.startswith("textclf_core") and getattr(module, "datetime", None) is datetime:
            set_attribute(module, "datetime", StoppedClock)


@pytest.fixture
def one_second(run: Callable[..., Run], reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("majority", beside=[f"files:path={reviews}"], output="before")
    stand_still(monkeypatch.setattr)


@pytest.fixture
def meeting(plugin_file: Callable[..., Path], tmp_path: Path) -> Callable[[int], Path]:
    """Writes the plugin file, which waits so many seconds at most."""
    place = tmp_path / "met"
    place.mkdir()
    return lambda seconds: plugin_file(MEETING.replace("PLACE", repr(str(place))).replace("SECONDS", str(seconds)))


def assert_two_whole_runs(output: Path) -> None:
    runs = [open_run(path) for path in output.iterdir()]
    assert len(runs) == 2
    assert len({run.record.id for run in runs}) == 2
    for run in runs:
        assert run.record.id == run.directory.name
        assert len(run.predictions()) == 48
        assert run.predict(["dull"])


def test_two_runs_of_one_process_in_one_second_get_two_directories(
    run: Callable[..., Run], meeting: Callable[[int], Path], reviews: Path, tmp_path: Path, one_second: None
) -> None:
    """The same plugins, the same seed, the same second: two runs."""
    file = meeting(2)
    with ThreadPoolExecutor(2) as pool:
        given = [pool.submit(run, "majority", "meeting", file=file, beside=[f"files:path={reviews}"]) for _ in range(2)]
    assert [one.exception() for one in given] == [None, None]
    assert_two_whole_runs(tmp_path / "runs")


@pytest.mark.slow
def test_two_runs_of_two_processes_in_one_second_get_two_directories(
    meeting: Callable[[int], Path], reviews: Path, tmp_path: Path
) -> None:
    """So do two commands on one folder, which don't know of each other."""
    words = [str(Path(__file__).parent), str(meeting(120)), str(tmp_path / "runs"), str(reviews)]
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, *words], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert_two_whole_runs(tmp_path / "runs")


def test_what_is_left_of_a_failed_run_stays(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path, one_second: None
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
    for _ in range(2):
        with pytest.raises(RunError):
            run("majority", "late", file=file, beside=[f"files:path={reviews}"])
    assert len(list((tmp_path / "runs").glob("*.incomplete"))) == 2
