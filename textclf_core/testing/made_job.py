"""A job of made-up cells, as a process of its own: it stands for ``textclf cell`` in the checks of executors.

It is run as a file and imports nothing of textclf, so that it takes milliseconds.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

STARTED = ".started"
"""The ending of the file that a job writes its process id to."""
OUTCOME = ".outcome"


def run(path: Path) -> None:
    """Run the job in a file."""
    job = json.loads(path.read_text(encoding="utf-8"))
    partial = path.with_suffix(".partial")
    partial.write_text(str(os.getpid()), encoding="utf-8")
    partial.replace(path.with_suffix(STARTED))
    if job["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(job["seconds"])
    path.with_suffix(OUTCOME).write_text("{}", encoding="utf-8")


def work() -> None:
    """Run jobs as a worker does."""
    import threading

    files: list[str] = []
    given = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            files.append(line.strip())
            given.set()
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    print(json.dumps({"ready": True}), flush=True)
    while given.wait():
        given.clear()
        while files:
            file = files.pop(0)
            run(Path(file))
            print(json.dumps({"ended": file}), flush=True)


if __name__ == "__main__":
    work() if sys.argv[1] == "-" else run(Path(sys.argv[1]))
