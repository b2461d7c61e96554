"""What goes into a run is a value: compared, hashed, and sent to another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core.pipeline.pipeline import run_one
from textclf_core.pipeline.spec import InMemoryData, RunSpec
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data
from textclf_core.types.progress import Progress

ELSEWHERE = """
import pickle, sys
from textclf_core.pipeline.pipeline import run_one
from textclf_core.types.progress import Progress

done = run_one(pickle.load(sys.stdin.buffer), Progress(quiet=True))
print(done.directory)
"""


@pytest.fixture
def constant(plugin_file: Callable[..., Path]) -> Path:
    return plugin_file(
        """
        @dataclass(frozen=True)
        class Constant:
            '''Give each run one number.'''

            value: float = 1.0

            @hookimpl
            def textclf_compute_metrics(self):
                return {"constant": self.value}
        """
    )


def spec_of(file: Path, value: float, output: Path) -> RunSpec:
    plugins = activate(["majority", f"constant:value={value}"], Catalogue.discover([file]), without=("dataset",))
    return RunSpec(plugins=plugins, data=InMemoryData.of(tiny_data(24)), output=output)


def test_specs_are_equal_where_all_that_is_asked_is(constant: Path, tmp_path: Path) -> None:
    assert spec_of(constant, 0.5, tmp_path) == spec_of(constant, 0.5, tmp_path)
    assert spec_of(constant, 0.5, tmp_path) != spec_of(constant, 0.25, tmp_path)
    same = {spec_of(constant, 0.5, tmp_path), spec_of(constant, 0.5, tmp_path)}
    assert len(same) == 1


def test_a_pickled_spec_runs(constant: Path, tmp_path: Path) -> None:
    sent = pickle.loads(pickle.dumps(spec_of(constant, 0.5, tmp_path / "runs")))
    done = run_one(sent, Progress(quiet=True))
    assert done.record.metrics["test"] == {"constant": 0.5}


@pytest.mark.slow
def test_a_spec_runs_in_another_process_with_the_plugins_of_its_files(constant: Path, tmp_path: Path) -> None:
    asked = pickle.dumps(spec_of(constant, 0.5, tmp_path / "runs"))
    # -P: the textclf_core that is installed, as here, not one that lies in the working folder.
    done = subprocess.run([sys.executable, "-P", "-c", ELSEWHERE], input=asked, stdout=subprocess.PIPE, check=True)
    record = Path(done.stdout.decode().strip()) / "record.json"
    assert '"constant": 0.5' in record.read_text()
