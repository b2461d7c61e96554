"""How fast textclf is beside another version of itself, on the same rows, seeds and steps.

    git worktree add ../before COMMIT     # with an environment of its own, in which it is installed
    python tests/benchmarks/versions.py --before ../before --python ../before/.venv/bin/python [--repeats 9]

prints a table: medians of the repeats, each a process of its own, the two versions in turn. ``--before`` is a checkout
that has ``tests/benchmarks/ours.py``, ``--python`` the interpreter that runs it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import HERE, ChildError, Job, Measured, median_of
from speed import data_options, prepared, some_of, table
from works import WORKS, Work

NAMES = ("full", "first-4", "head-only-epochs-3", "head-only-warm", "head-grid", "prediction")
HEADERS = ("work", "before s", "now s", "ratio", "before peak MiB", "now peak MiB", "ratio", "before F1", "now F1")


class Version:
    """One version: where its benchmarks are, what runs them, and a folder for what its runs leave each other."""

    def __init__(self, name: str, benchmarks: Path, python: str, shared: dict[str, str], own: Path) -> None:
        self._name, self._benchmarks, self._python = name, benchmarks, python
        self._shared, self._own = shared, own
        self._own.mkdir()

    def run(self, work: Work, seed: int) -> Measured:
        """Run a line once."""
        return self._measure(work.name, {**work.ours, "seed": seed, **self._beforehand(work)})

    def _beforehand(self, work: Work) -> dict[str, str]:
        if work.cache == "warm":
            cache = self._own / "cache"
            if not cache.is_dir():
                self._measure(f"{work.name}, filling the cache", {**work.ours, "seed": 0, "cache": str(cache)})
            return {"cache": str(cache)}
        if work.trained:
            trained = self._own / "trained"
            if not trained.is_dir():
                self._measure("the model", {"do": "train", "plugins": ["full"], "seed": 0, "keep": str(trained)})
            return {"trained": str(trained)}
        return {}

    def _measure(self, what: str, job: Job) -> Measured:
        command = [self._python, str(self._benchmarks / "ours.py"), json.dumps({**self._shared, **job})]
        # The checkout's own modules, whatever the interpreter has installed.
        root = self._benchmarks.parents[1]
        environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'plugins'}"}
        child = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if child.returncode:
            raise ChildError(f"{self._name}, {what}: ended with {child.returncode}:\n{child.stderr[-4000:]}")
        measured = Measured(**json.loads(child.stdout.splitlines()[-1]))
        print(
            f"{what} {self._name}: {measured.seconds:.3f} s, {measured.peak_mib:.0f} MiB", file=sys.stderr, flush=True
        )
        return measured


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both versions and print the table."""
    parser = data_options("Speed, memory and F1 beside another version.")
    parser.set_defaults(repeats=9)
    parser.add_argument("--before", type=Path, required=True, metavar="FOLDER", help="a checkout of the other version")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs it (default: this one)")
    parser.add_argument("--only", type=some_of([work.name for work in WORKS]), default=NAMES, help="some of the lines")
    options = parser.parse_args(arguments)
    works = {work.name: work for work in WORKS}
    lines, ratios = [], []
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        prepared(options, room)
        shared = {"data": str(room / "data"), "model": options.model}
        before_benchmarks = options.before.resolve() / "tests" / "benchmarks"
        versions = [
            Version("before", before_benchmarks, options.python, shared, room / "before"),
            Version("now", HERE, sys.executable, shared, room / "now"),
        ]
        for work in (works[name] for name in options.only):
            runs: list[list[Measured]] = [[], []]
            for repeat in range(options.repeats):
                for own, version in zip(runs, versions, strict=True):
                    own.append(version.run(work, repeat))
            before, now = (median_of(own) for own in runs)
            ratios.append(now.seconds / before.seconds)
            lines.append(_line(work, before, now))
    print(table(lines, HEADERS))
    print(f"\ngeometric mean of the ratios of time: {statistics.geometric_mean(ratios):.3f}")


def _line(work: Work, before: Measured, now: Measured) -> list[Any]:
    return [
        work.title,
        f"{before.seconds:.3f}",
        f"{now.seconds:.3f}",
        f"{now.seconds / before.seconds:.3f}",
        f"{before.peak_mib:.0f}",
        f"{now.peak_mib:.0f}",
        f"{now.peak_mib / before.peak_mib:.3f}",
        *(f"{side.f1:.3f}" if side.f1 is not None else "" for side in (before, now)),
    ]


if __name__ == "__main__":
    main()
