"""Seconds and memory of ``textclf data`` on a large CSV file, which is generated.

The goal is a million rows (200 MB) in 20 seconds and 1 GB on two cores. Run: ``python tests/benchmarks/data_rows.py``.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_WORDS = 5000
_LABELS = ("negative", "neutral", "positive")


def write_rows(path: Path, rows: int) -> None:
    """Write a CSV file of texts of 15 to 45 words, some of them quoted, with one of three labels each."""
    rng = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(_WORDS)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for row in range(rows):
            text = " ".join(rng.choices(words, k=rng.randint(15, 45)))
            writer.writerow([text if row % 50 else f'{text}, "so"', rng.choice(_LABELS)])


def measure(path: Path) -> tuple[float, float, int]:
    """Return the seconds of the command, those of its CPU time, and its peak memory in bytes."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "textclf_core", "data", "--plugin", f"files:path={path}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main() -> None:
    """Write the file, and print what the command took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_rows(path, rows)
        seconds, cpu_seconds, peak = measure(path)
        print(
            f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB: {seconds:.1f} s ({cpu_seconds:.1f} s of CPU time), "
            f"{peak / 1e9:.2f} GB at most"
        )


if __name__ == "__main__":
    main()
