"""The executors for clusters: submitit's own local executor in place of Slurm, and a Ray cluster of two nodes."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from slurm_node import needs_slurm, slurm_node

import textclf_core
from textclf_core import UsageError
from textclf_core.testing import made_job, tiny_data
from textclf_core.testing.made_cells import MadeCell, MadeQueue

pytestmark = pytest.mark.slow

DIES_ONCE = """
import os, signal
from pathlib import Path
from dataclasses import dataclass
from textclf_core import hookimpl
from textclf_plugins.baselines.majority import Majority

@dataclass(frozen=True, kw_only=True)
class DiesOnce(Majority):
    '''Kill its process at the first try.'''

    @hookimpl
    def textclf_train(self, data, task, workspace):
        mark = Path(os.environ["MARK_OF_DIES_ONCE"])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().textclf_train(data, task, workspace)
"""


def test_slurm_jobs_have_results_and_a_killed_one_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("MARK_OF_DIES_ONCE", str(tmp_path / "mark"))
    (tmp_path / "mine.py").write_text(DIES_ONCE)
    result = textclf_core.compare(
        ["dies-once", "majority"],
        data=tiny_data(24),
        seeds=1,
        baselines=False,
        plugin_files=[tmp_path / "mine.py"],
        output=tmp_path / "runs",
        executor="slurm:cluster=local",
        workers=1,
        quiet=True,
    )
    assert not result.failed
    assert (tmp_path / "mark").exists()
    assert [run.record.label for run in result.runs] == ["dies-once", "majority"]
    assert [run.record.cost.beside for run in result.runs] == [None, None]


SLEEPS = """
import os, time
from pathlib import Path
from dataclasses import dataclass
from textclf_core import hookimpl
from textclf_plugins.baselines.majority import Majority

@dataclass(frozen=True, kw_only=True)
class Sleeps(Majority):
    '''Leave a line when it begins, and wait at the first tries of some seeds.'''

    @hookimpl
    def textclf_train(self, data, task, workspace, seed):
        begun = Path(os.environ["BEGUN"]) / f"{seed} {os.getpid()}"
        first = not list(begun.parent.glob(f"{seed} *"))
        begun.touch()
        if first and seed < 3:
            time.sleep(600)
        return super().textclf_train(data, task, workspace)
"""


@needs_slurm
def test_a_cluster_of_slurm_runs_killed_jobs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve cells as jobs of a real Slurm, which has no accounting: three are killed, and run again."""
    pytest.importorskip("submitit")
    begun, runs = tmp_path / "begun", tmp_path / "runs"
    begun.mkdir()
    (tmp_path / "mine.py").write_text(SLEEPS)
    monkeypatch.setenv("BEGUN", str(begun))
    with slurm_node(tmp_path / "slurm") as configuration:
        monkeypatch.setenv("SLURM_CONF", str(configuration))

        def kill_three() -> None:
            killed: set[str] = set()
            while len(killed) < 3:
                for mark in begun.iterdir():
                    seed, process = mark.name.split()
                    if int(seed) < 3 and seed not in killed:
                        killed.add(seed)
                        jobs = [
                            one for one in psutil.Process(int(process)).parents() if "submitit" in str(one.cmdline())
                        ]
                        jobs[-1].kill()
                time.sleep(0.1)

        killer = threading.Thread(target=kill_three, daemon=True)
        killer.start()
        result = textclf_core.compare(
            ["sleeps"],
            data=tiny_data(24),
            seeds=12,
            baselines=False,
            plugin_files=[tmp_path / "mine.py"],
            output=runs,
            executor="slurm:partition=cells,cpus=1",
            quiet=True,
        )
        killer.join(1)
    assert not killer.is_alive()
    assert not result.failed
    assert [run.record.seed for run in result.runs] == list(range(12))
    seeds = sorted(int(mark.name.split()[0]) for mark in begun.iterdir())
    assert seeds == sorted([*range(12), 0, 1, 2])


def test_slurm_is_refused_where_no_job_can_be_submitted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no command srun"):
        textclf_core.compare(["majority"], data=tiny_data(24), executor="slurm", output=tmp_path / "runs", quiet=True)
    assert not (tmp_path / "runs").exists()


def test_a_ray_cluster_that_loses_a_node_runs_its_cells_elsewhere(tmp_path: Path) -> None:
    """Two nodes as processes of their own, one killed by SIGKILL while it runs a cell."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    from textclf_plugins.executing.ray import Ray

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        queue = MadeQueue(tmp_path, [MadeCell(f"cell-{number}", 2.0) for number in range(6)])

        [raylet] = [one.process for one in node.all_processes["raylet"]]

        def is_running_a_cell() -> bool:
            children = psutil.Process(raylet.pid).children(recursive=True)
            return any(made_job.__file__ in child.cmdline() for child in children)

        def kill() -> None:
            while not is_running_a_cell():
                time.sleep(0.05)
            # With all that runs there, as when a machine fails.
            for process in (psutil.Process(raylet.pid), *psutil.Process(raylet.pid).children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        Ray(address=cluster.address).textclf_execute(queue, None)
        killer.join()
    finally:
        cluster.shutdown()
    assert sorted(queue.results) == [f"cell-{number}" for number in range(6)]
    assert [reasons for reasons in queue.lost.values() if len(reasons) > 1] == []
    assert all("was lost" in str(reason) for reasons in queue.lost.values() for reason in reasons)
    assert queue.lost


def test_ray_gives_the_bits_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    tables = []
    for executor in ("ray", None):
        result = textclf_core.compare(
            ["tfidf-logreg:c=2"],
            data=tiny_data(24),
            seeds=1,
            baselines=False,
            output=tmp_path / str(executor),
            executor=executor,
            quiet=True,
        )
        [run] = result.runs
        tables.append(pq.read_table(run.directory / "predictions.parquet"))
    assert tables[0].equals(tables[1])
