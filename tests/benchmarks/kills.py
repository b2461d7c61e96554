"""Fifty kills at random moments, over all executors: none leaves a folder that ``report`` refuses, or a cell twice.

``python tests/benchmarks/kills.py`` starts a comparison again and again, kills it or a process below it after some
seconds, and checks the output folder each time. It prints a line per kill, and stops at the first fault.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

SLOW = '''"""A trainer that takes its time."""

import os
import time
from dataclasses import dataclass

import numpy

from textclf_core import hookimpl


class Even:
    """The same scores for all."""

    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass


@dataclass(frozen=True)
class Waits:
    """Wait, and write what ran when."""

    @hookimpl
    def textclf_train(self, seed):
        for word in ("began", "ended"):
            with open(os.environ["LOG_OF_WAITS"], "a") as stream:
                print(word, seed, time.time(), file=stream)
            time.sleep(0.3)
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()
'''


def executors() -> list[list[str]]:
    """Return the words that choose each executor that is installed."""
    found = [[], ["--workers", "2"]]
    if find_spec("submitit"):
        found.append(["--executor", "slurm:cluster=local", "--workers", "2"])
    if find_spec("ray"):
        found.append(["--executor", "ray", "--workers", "2"])
    return found


def faults(runs: Path, log: Path) -> list[str]:
    """Return what is wrong in the output folder."""
    import textclf_core

    found = []
    finished = [path.parent for path in runs.glob("[!.]*/record.json") if path.parent.suffix != ".incomplete"]
    if finished:
        textclf_core.report(runs)  # raises if it refuses a run
    seeds = Counter(textclf_core.open_run(run).record.seed for run in finished)
    found += [f"seed {seed} is there {count} times" for seed, count in seeds.items() if count > 1]
    last: dict[str, float] = {}
    began: dict[str, float] = {}
    for word, seed, at in map(str.split, log.read_text().splitlines() if log.exists() else ()):
        if word == "began":
            began[seed] = float(at)
        elif began[seed] < last.get(seed, 0.0):
            found.append(f"seed {seed} ran twice at a time")
        else:
            last[seed] = float(at)
    return found


def killed(command: list[str], seconds: float, draw: random.Random) -> str:
    """Start a command, kill it or a process below it, and return which."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        victim = draw.choice([process.pid, *(one.pid for one in below)])
        name = "itself" if victim == process.pid else "a process below it"
        if psutil.pid_exists(victim):
            os.kill(victim, signal.SIGKILL)
        time.sleep(draw.uniform(0, 2))
        process.kill()
    return name


def main() -> None:
    """Kill, and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--longest", type=float, default=30.0, help="seconds after which a comparison is killed at most"
    )
    arguments = parser.parse_args()

    from textclf_core.testing import tiny_data

    draw = random.Random(arguments.seed)
    with TemporaryDirectory() as place:
        folder = Path(place)
        runs, log = folder / "runs", folder / "log"
        os.environ["LOG_OF_WAITS"] = str(log)
        (folder / "waits.py").write_text(SLOW, encoding="utf-8")
        for name, split in tiny_data(24).items():
            split.to_csv(folder / "reviews" / f"{name}.csv")
        command = [sys.executable, "-m", "textclf_core", "compare", "--no-baselines", "--output", str(runs)]
        command += ["--plugin", f"files:path={folder / 'reviews'}", "--plugin-file", str(folder / "waits.py")]
        command += ["--try", "waits", "--seeds", str(20 * arguments.kills)]
        for number in range(arguments.kills):
            words = draw.choice(executors())
            victim = killed([*command, *words], draw.uniform(2, arguments.longest), draw)
            finished = len(list(runs.glob("[!.]*/record.json")))
            print(f"{number + 1}: {' '.join(words) or 'in one process'}: killed {victim}, {finished} cells", flush=True)
            if found := faults(runs, log):
                sys.exit("\n".join(found))
        time.sleep(10)  # what a killed comparison has started has ended by then, or ends its cell
        few = [*command[:-1], str(max(3, len(list(runs.glob("[!.]*/record.json")))))]
        subprocess.run(few, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if found := faults(runs, log):
            sys.exit("\n".join(found))
        print("none was lost, and none is there twice")


if __name__ == "__main__":
    main()
