"""The directory of a run: whole or absent."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from types import TracebackType


def run_id(started: datetime, label: str, seed: int) -> str:
    """Return a name that tells a run from others at a glance: ``20260314-150926-head-only-s0``."""
    return f"{started:%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9.+-]+', '-', label)}-s{seed}"


class RunDirectory:
    """A directory that is written under another name and renamed when its block ends without an error.

    After an error it is kept as ``ID.incomplete`` if anything was computed, and the error gets a note that says so.

    Args:
        output: the folder that gets the run.
        name: the run's id; a number is put behind it where it is taken.
        replace: take the place of a run of that id instead, once the new one is whole.

    Attributes:
        id: the id.
        path: where the run will be.
        partial: where to write until then.
    """

    def __init__(self, output: Path, name: str, *, replace: bool = False) -> None:
        output.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            self.id = name if number == 1 else f"{name}-{number}"
            self.path = output / self.id
            if replace or not self.path.exists():
                break
        # The process's number keeps two that start the same run apart; what a killed one left is swept out.
        for stale in output.glob(f".{self.id}.*.partial"):
            if not _is_alive(int(stale.name.split(".")[-2])):
                shutil.rmtree(stale)
        self.partial = output / f".{self.id}.{os.getpid()}.partial"
        self.partial.mkdir()

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            if self.path.exists():
                shutil.rmtree(self.path)
            self.partial.rename(self.path)
            return
        if not any(self.partial.iterdir()):
            self.partial.rmdir()
            return
        kept = self.path.with_name(f"{self.id}.incomplete")
        shutil.rmtree(kept, ignore_errors=True)
        self.partial.rename(kept)
        checkpoints = sorted(kept.glob("checkpoints/epoch-*"), key=lambda path: path.stat().st_mtime)
        note = f"What was computed until then is kept in {kept}."
        if checkpoints:
            note += f" To go on from its last epoch: --plugin finetune:resume={checkpoints[-1]}"
        error.add_note(note)


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and alive
        return True
    return True
