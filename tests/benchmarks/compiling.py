"""Whether ``torch.compile`` pays for itself: epochs of training and of scoring with it and without.

    python tests/benchmarks/compiling.py [--rows 1066|all] [--repeats 3] [--only train,score]

prints a table of medians. The model is transformers' own, without what textclf spares it, on length-grouped batches:
their many shapes are what compiling has to cope with.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from compiled import HOW
from measure import Measured
from speed import Bench, data_options, prepared, reported, some_of, table

JOBS = ("train", "score")
HEADERS = ("epoch of", "torch.compile", "epoch s", "of not", "compiling s", "pays after rows")


def lines(job: str, rows: int, runs: Mapping[str, Sequence[Measured]]) -> list[list[object]]:
    """Return a job's lines of the table.

    Args:
        job: its name.
        rows: how many an epoch has.
        runs: the repeats by the name of how the model was compiled.
    """
    seconds = {how: statistics.median(run.seconds for run in repeats) for how, repeats in runs.items()}
    result: list[list[object]] = []
    for how, repeats in runs.items():
        compiling = statistics.median(run.parts["first"] - run.seconds for run in repeats)
        spared = seconds["not"] - seconds[how]
        result.append(
            [
                job,
                how,
                f"{seconds[how]:.2f}",
                f"{seconds[how] / seconds['not']:.2f}",
                "" if how == "not" else f"{compiling:.1f}",
                "" if how == "not" else f"{rows * compiling / spared:,.0f}" if spared > 0 else "never",
            ]
        )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table when all is done."""
    parser = data_options("Training and scoring with torch.compile and without.")
    parser.add_argument("--only", type=some_of(JOBS), default=JOBS, help=f"some of {', '.join(JOBS)}")
    options = parser.parse_args(arguments)
    result: list[list[object]] = []
    with tempfile.TemporaryDirectory() as room:
        rows = prepared(options, Path(room))["rows"]["train"]
        bench = Bench(Path(room), options.model)
        for name in options.only:
            runs: dict[str, list[Measured]] = {how: [] for how in HOW}
            for repeat in range(options.repeats):
                for how in HOW:
                    job = bench.job({"do": name, "how": how}, seed=repeat)
                    runs[how].append(reported(f"{name}, compiled: {how}", "compiled.py", job))
            result += lines(name, rows, runs)
    print(table(result, HEADERS))


if __name__ == "__main__":
    main()
