"""Runs that two and three processes share, beside those of one process: how far the results are apart.

    OMP_NUM_THREADS=1 python tests/benchmarks/processes.py

prints the largest differences for each strategy, kind of task and number of micro-batches, without dropout: of the
gradient of the first step (relative), of the parameters after 21 steps, of the parameters of attention's key biases
(whose gradient is noise), and of the scores. Then what resuming a killed run with one, two and three processes gives,
and how long a killed process leaves the others running. It takes half an hour on two cores.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

SUPPORT = Path(__file__).parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from shared_runs import (  # noqa: E402
    Case,
    SharedRun,
    gradient_difference,
    parameter_differences,
    save_checkpoints,
)

from textclf_core.testing import tiny_data  # noqa: E402

PROCESSES = (2, 3)
GRID = list(itertools.product(("full", "frozen", "lora"), ("reviews", "topics", "words"), (1, 4)))
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


def main() -> None:
    """Measure and print both tables."""
    with TemporaryDirectory() as place:
        compare_grid(Path(place))
        compare_resumed(Path(place))


def compare_grid(place: Path) -> None:
    """Print the differences of all cases."""
    cases = [Case(*one, steps) for one in GRID for steps in ("one", "")]
    folders = {processes: place / str(processes) for processes in (1, *PROCESSES)}
    for folder in folders.values():
        folder.mkdir()
        save_checkpoints(folder)
    alone = {case: case.run(folders[1]) for case in cases}
    for processes in PROCESSES:
        launch(processes, SUPPORT / "shared_runs.py", folders[processes], *cases)
    print(f"{'case':<20}{'processes':>10}{'gradient':>12}{'parameters':>12}{'key biases':>12}{'scores':>12}")
    for case, processes in itertools.product(cases, PROCESSES):
        if case.steps:
            continue
        step = Case(case.strategy, case.task, case.accumulation, "one")
        of_step = SharedRun.found(folders[processes] / str(step))
        one, other = alone[case], SharedRun.found(folders[processes] / str(case))
        of_keys, of_others = parameter_differences(one, other)
        scores = (one.scores - other.scores).abs().max().item()
        gradient = gradient_difference(alone[step], of_step)
        print(f"{case!s:<20}{processes:>10}{gradient:12.1e}{of_others:12.1e}{of_keys:12.1e}{scores:12.1e}")


def compare_resumed(place: Path) -> None:
    """Print the differences after a run was killed in its second epoch and resumed, and the seconds until it ended."""
    data = place / "data"
    data.mkdir()
    for name, split in tiny_data(96).items():
        split.to_csv(data / f"{name}.csv")

    def arguments(output: str, resume: str = "") -> tuple[str, ...]:
        plugins = (
            f"files:path={data}",
            f"hf-model:checkpoint={place / '1' / 'checkpoint-reviews'}",
            f"finetune:epochs=2,batch_size=8,learning_rate=1e-3{resume}",
            "dying",
        )
        given = [word for plugin in plugins for word in ("--plugin", plugin)]
        folder = str(place / output)
        return ("-m", "textclf_core", "run", *given, "--plugin-file", str(SUPPORT / "dying.py"), "--output", folder)

    launch(1, *arguments("whole"))
    whole = SharedRun.found(place / "whole")
    for processes in PROCESSES:
        seconds = launch(processes, *arguments(f"killed-{processes}"), DIES=f"killed {processes - 1} 18")
        print(f"{processes} processes, one killed: the launch ended {seconds:.1f} s after")
        [left] = (place / f"killed-{processes}").glob("*.incomplete")
        for again in (1, *PROCESSES):
            output = f"killed-{processes}-resumed-{again}"
            launch(again, *arguments(output, f",resume={left / 'checkpoints' / 'epoch-1'}"))
            resumed = SharedRun.found(place / output)
            of_keys, of_others = parameter_differences(whole, resumed)
            scores = (whole.scores - resumed.scores).abs().max().item()
            print(f"  resumed with {again}: parameters {of_others:.1e}, key biases {of_keys:.1e}, scores {scores:.1e}")


def launch(processes: int, *command: object, **variables: str) -> float:
    """Run a command in several processes; return the seconds from the last death of a process on, if one dies."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    words = [sys.executable, *TORCHRUN, str(processes), *map(str, command)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    ended = time.time()
    if bool(done.returncode) != ("DIES" in variables):
        raise SystemExit(done.stdout + done.stderr)
    died = re.search(r"died at (\d+\.\d+)", done.stderr)
    return ended - float(died[1]) if died else 0.0


if __name__ == "__main__":
    main()
