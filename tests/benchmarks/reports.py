"""What a report costs as the comparison grows: seconds and memory of ``textclf report``, and bytes of a run's folder.

    python tests/benchmarks/reports.py [--contenders 10,40,160] [--seeds 5] [--rows 1066,10660]

writes made-up runs (records and predictions as a run writes them, without a model) and prints a line for each number of
contenders and of test rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import HERE, peak_mib
from tabulate import tabulate

sys.path.insert(0, str(HERE.parent / "support"))

HEADERS = ("contenders", "seeds", "test rows", "KiB a run", "report s (of the CPU)", "peak MiB")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="The cost of a report.")
    parser.add_argument("--contenders", type=_numbers, default=(10, 40, 160))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=_numbers, default=(1066, 10660))
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the process that is measured
    options = parser.parse_args(arguments)
    if options.folder:
        _report(options.folder)
        return
    lines = []
    for rows in options.rows:
        for contenders in options.contenders:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "runs"
                _write(folder, contenders, options.seeds, rows)
                files = [file for file in folder.rglob("*") if file.is_file()]
                kib = sum(file.stat().st_size for file in files) / (contenders * options.seeds) / 1024
                seconds, mib = _measured(folder)
            lines.append((contenders, options.seeds, rows, f"{kib:.0f}", f"{seconds:.1f}", f"{mib:.0f}"))
            print(*lines[-1], file=sys.stderr, flush=True)
    print(tabulate(lines, HEADERS, tablefmt="github", disable_numparse=True))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _write(folder: Path, contenders: int, seeds: int, rows: int) -> None:
    import numpy as np
    from made_runs import reviews, write_run

    data = reviews(rows)
    accuracies = np.random.default_rng(0).normal(0.8, 0.02, contenders)
    for contender, accuracy in enumerate(accuracies):
        for seed in range(seeds):
            flops = 1e12 * (1 + contender)
            write_run(folder, f"contender-{contender}", seed=seed, accuracy=float(accuracy), data=data, flops=flops)


def _measured(folder: Path) -> tuple[float, float]:
    import json
    import subprocess

    command = [sys.executable, __file__, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, mib


def _report(folder: Path) -> None:
    import json
    import time

    import textclf_core

    before = time.process_time()
    textclf_core.report(folder)
    print(json.dumps([time.process_time() - before, peak_mib()]))


if __name__ == "__main__":
    main()
