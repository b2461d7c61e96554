"""What a lost node of a Ray cluster costs beyond the cell that it was running.

    python tests/benchmarks/lost_node.py

starts a cluster of two nodes with a core each as processes of their own, runs cells that wait, and kills one node with
SIGKILL in the middle. What is left then takes the other node as long as its cells take; the time beyond that is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from ray.cluster_utils import Cluster

from textclf_core.testing import made_job
from textclf_core.testing.made_cells import MadeCell, MadeQueue
from textclf_core.types.execution import CellJob
from textclf_plugins.executing.ray import Ray


class TimedQueue(MadeQueue):
    """A queue that notes when cells end, and when one is known to be lost."""

    def __init__(self, folder: Path, cells: Sequence[MadeCell]) -> None:
        super().__init__(folder, cells)
        self.noticed: list[float] = []
        self.ends: list[float] = []

    def ended(self, job: CellJob, reason: str | None = None, *, again: bool = False) -> None:
        """Note the time."""
        lost = len(self.lost)
        super().ended(job, reason, again=again)
        (self.noticed if len(self.lost) > lost else self.ends).append(time.time())


def run(cells: int, seconds: float, *, kill_after: float | None) -> tuple[TimedQueue, float, float, float]:
    """Return the queue, when the first cell began, when a node was killed, and for how long it had run its cell."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    killed = ran = 0.0
    with TemporaryDirectory() as place:
        folder = Path(place)
        try:
            node = cluster.add_node(num_cpus=1)
            queue = TimedQueue(folder, [MadeCell(f"cell-{number}", seconds) for number in range(cells)])
            [raylet] = [psutil.Process(one.process.pid) for one in node.all_processes["raylet"]]

            def kill() -> None:
                nonlocal killed, ran
                while not list(folder.glob(f"*{made_job.STARTED}")):
                    time.sleep(0.05)
                time.sleep(kill_after or 0.0)
                while not (
                    own := [one for one in raylet.children(recursive=True) if made_job.__file__ in one.cmdline()]
                ):
                    time.sleep(0.05)
                killed = time.time()
                ran = killed - own[0].create_time()
                for process in (raylet, *raylet.children(recursive=True)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()

            killer = threading.Thread(target=kill, daemon=True)
            if kill_after is not None:
                killer.start()
            Ray(address=cluster.address).textclf_execute(queue, None)
            if kill_after is not None:
                killer.join()
        finally:
            cluster.shutdown()
        began = min(path.stat().st_mtime for path in folder.glob(f"*{made_job.STARTED}"))
    return queue, began, killed, ran


def _cells_below(raylet: psutil.Process) -> list[psutil.Process]:
    return [one for one in raylet.children(recursive=True) if made_job.__file__ in one.cmdline()]


def main() -> None:
    """Print the wall times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=10.0, help="what a cell takes")
    options = parser.parse_args()
    queue, began, _, _ = run(options.cells, options.seconds, kill_after=None)
    whole = max(queue.ends) - began
    of_cell = 2 * whole / options.cells
    print(f"{options.cells} cells of {options.seconds:g} s on two nodes: {whole:.1f} s, {of_cell:.2f} s a cell")
    queue, began, killed, ran = run(options.cells, options.seconds, kill_after=whole / 3)
    took = max(queue.ends) - began
    until = killed - began
    # Both nodes worked until then, but for what the lost one had done of its cell.
    expected = until + options.cells * of_cell - (2 * until - ran)
    names = sorted(queue.results)
    assert names == sorted(f"cell-{number}" for number in range(options.cells)), names
    print(f"one node killed after {until:.1f} s, {ran:.1f} s into its cell; each cell has one result")
    print(f"noticed after {queue.noticed[0] - killed:.1f} s; cells run again: {', '.join(queue.lost)}")
    print(
        f"it took {took:.1f} s where {expected:.1f} s is left to one node: {took - expected:+.1f} s, "
        f"{100 * (took - expected) / took:+.1f}% of the wall time"
    )


if __name__ == "__main__":
    main()
