"""How much faster several workers are than one process, and what it costs to hand a cell to one.

``python tests/benchmarks/workers.py`` prints both. The machine should do nothing else at the time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

NOTHING = '''"""A trainer that does nothing."""

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
class Nothing:
    """Train nothing."""

    @hookimpl
    def textclf_train(self):
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()
'''


def compare(folder: Path, name: str, words: list[str], *, threads: int) -> float:
    """Return the seconds of a comparison in a process of its own."""
    command = [sys.executable, "-m", "textclf_core", "compare", "--no-baselines", "--output", str(folder / name)]
    command += ["--cache-dir", str(folder / f"cache of {name}"), *words]
    started = time.perf_counter()
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": str(threads)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - started


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows of train for the twelve cells")
    parser.add_argument("--cells", type=int, default=1000, help="cells that do nothing")
    parser.add_argument("--model", default="minilm", help="the model of the twelve cells")
    arguments = parser.parse_args()

    from textclf_core.testing import tiny_data

    with TemporaryDirectory() as place:
        folder = Path(place)
        for rows in {arguments.rows, 24}:
            for name, split in tiny_data(rows).items():
                split.to_csv(folder / str(rows) / f"{name}.csv")
        twelve = ["--plugin", f"files:path={folder / str(arguments.rows)}", "--plugin", arguments.model]
        twelve += ["--try", "full", "--seeds", "12"]
        one = compare(folder, "one", [*twelve, "--workers", "1"], threads=1)
        wide = compare(folder, "wide", [*twelve, "--workers", "1"], threads=2)
        two = compare(folder, "two", [*twelve, "--workers", "2", "--executor", "local:threads=1"], threads=1)
        print(
            f"twelve cells: one worker of one thread {one:.1f} s, of two threads {wide:.1f} s, two workers {two:.1f} s"
        )
        print(f"two workers are {one / two:.2f} times as fast as one of one thread, {wide / two:.2f} as one of two")
        file = folder / "nothing.py"
        file.write_text(NOTHING, encoding="utf-8")
        nothing = ["--plugin", f"files:path={folder / '24'}", "--plugin-file", str(file), "--try", "nothing"]
        seeds = ["--seeds", str(arguments.cells)]
        here = compare(folder, "here", [*nothing, *seeds], threads=1)
        there = compare(folder, "there", [*nothing, *seeds, "--workers", "1"], threads=1)
        start = compare(folder, "start", [*nothing, "--seeds", "2", "--workers", "1"], threads=1)
        start -= compare(folder, "start here", [*nothing, "--seeds", "2"], threads=1)
        overhead = 1000 * (there - here - start) / arguments.cells
        print(
            f"{arguments.cells} cells that do nothing: here {here:.1f} s, by a worker {there:.1f} s, of which its start"
        )
        print(f"takes {start:.1f} s; so handing a cell to a worker takes {overhead:.1f} ms")


if __name__ == "__main__":
    main()
