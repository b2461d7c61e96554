"""How training grows with the data: the same rows once, twice, four and eight times. Time is to be linear, memory flat.

    python tests/benchmarks/scaling.py [--rows 1066|all] [--repeats 3] [--only full,...]

prints a table of medians. A frozen prefix is kept by a row's text, so a row that is repeated is computed once: the
prefix's seconds don't grow, and the steps are what is to be linear.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import Measured, median_of
from speed import Bench, data_options, prepared, reported, some_of, table
from works import WORKS

TIMES = (1, 2, 4, 8)
SCALED = {work.name: work for work in WORKS if work.name in ("full", "first-4", "head-only")}
HEADERS = ("work", "examples", "steps s", "frozen prefix s", "steps ms an example", "of x1", "peak MiB", "of x1")


def lines(title: str, rows: int, runs: dict[int, list[Measured]]) -> list[list[object]]:
    """Return a work's lines of the table.

    Args:
        title: of the work.
        rows: how many the training split has.
        runs: the repeats by how often the rows were repeated.
    """
    result: list[list[object]] = []
    first_step, first_peak = 0.0, 0.0
    for times, repeats in runs.items():
        steps = _median(repeats, "train/steps")
        an_example = steps / (times * rows)
        peak = median_of(repeats).peak_mib
        first_step, first_peak = first_step or an_example, first_peak or peak
        result.append(
            [
                title,
                times * rows,
                f"{steps:.2f}",
                f"{_median(repeats, 'train/prefix'):.2f}",
                f"{1000 * an_example:.2f}",
                f"{an_example / first_step:.2f}",
                f"{peak:.0f}",
                f"{peak / first_peak:.2f}",
            ]
        )
    return result


def _median(repeats: Sequence[Measured], part: str) -> float:
    return statistics.median(run.parts.get(part, 0.0) for run in repeats)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table when all is done."""
    parser = data_options("Time and memory of training as the data grow.")
    parser.add_argument("--only", type=some_of(SCALED), default=tuple(SCALED), help=f"some of {', '.join(SCALED)}")
    options = parser.parse_args(arguments)
    result: list[list[object]] = []
    with tempfile.TemporaryDirectory() as room:
        rows = prepared(options, Path(room))["rows"]["train"]
        bench = Bench(Path(room), options.model)
        for name in options.only:
            work = SCALED[name]
            runs: dict[int, list[Measured]] = {times: [] for times in TIMES}
            for repeat in range(options.repeats):
                for times in TIMES:
                    job = bench.job(work.ours, seed=repeat, times=times)
                    runs[times].append(reported(f"{name} x{times}", "ours.py", job))
            result += lines(work.title, rows, runs)
    print(table(result, HEADERS))


if __name__ == "__main__":
    main()
