"""Running one job in a process that a cluster's own process starts, and that ends with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence


def run_job(worker_command: Sequence[str], file: str) -> None:
    """Run the job in a file, in a process that ends when this one does: its input is closed then.

    Args:
        worker_command: the command of a worker, ``CellQueue.worker_command``.
        file: the job's file.
    """
    with subprocess.Popen(worker_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(file, file=process.stdin, flush=True)
        for line in process.stdout:
            if "ended" in json.loads(line):
                break
