"""An observer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, hookimpl

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Add a line of JSON for each run to a file."""

    path: Annotated[Path, Option("The file.")] = Path("runs.jsonl")

    @hookimpl
    def textclf_run_finished(self, record: RunRecord) -> None:
        """Write the run's name, metrics and seconds."""
        line = json.dumps({"run": record.id, "metrics": record.metrics, "seconds": record.cost.seconds})
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(f"{line}\n")
