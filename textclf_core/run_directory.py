"""The directory of a run: whole or absent."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path
from types import TracebackType


class RunDirectory:
    """A directory that is written under another name and renamed when its block ends without an error.

    After an error it is kept as ``ID.incomplete`` if anything was computed, and the error gets a note that says so.

    Attributes:
        id: time, label and seed: ``20260314-150926-head-only-s0``.
        path: where the run will be.
        partial: where to write until then.
    """

    def __init__(self, output: Path, started: datetime, label: str, seed: int) -> None:
        slug = re.sub(r"[^A-Za-z0-9.+-]+", "-", label)
        stem = f"{started:%Y%m%d-%H%M%S}-{slug}-s{seed}"
        output.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            self.id = stem if number == 1 else f"{stem}-{number}"
            self.path = output / self.id
            self.partial = output / f".{self.id}.partial"
            number += 1
            if self.path.exists():
                continue
            try:
                self.partial.mkdir()
            except FileExistsError:  # another process started the same run in the same second
                continue
            break

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
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
