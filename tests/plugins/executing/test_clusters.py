"""The executors for clusters: submitit's own local executor in place of Slurm, and a Ray cluster of two nodes."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

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
