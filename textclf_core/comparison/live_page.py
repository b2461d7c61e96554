"""The page of a comparison while it runs: scores and intervals of what is finished, and no verdicts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from textclf_core.comparison.page_server import Address, PageServer
from textclf_core.comparison.runner import ComparisonPlan, FailedCell, failed_run
from textclf_core.errors import TextclfError
from textclf_core.reports.analysis import Analysis, Row, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.failed import FailedRun, failed_sentences
from textclf_core.reports.page import PageContent, RunningPart, page_content, render_page, running_table
from textclf_core.reports.page.tables import SortTable
from textclf_core.reports.stored import StoredRun, data_key

if TYPE_CHECKING:
    from textclf_core.comparison.cells import Cell
    from textclf_core.comparison.live_view import LiveView
    from textclf_core.records.schema import Record
    from textclf_core.reports.report import Report

logger = logging.getLogger("textclf")

FILE = "report.html"
"""The final page, in the output folder."""

Made = TypeVar("Made")

_WHY = (
    "Scores and 95% intervals are those of the finished runs, of each contender by itself. While the comparison runs "
    "there is no verdict and no recommendation: whoever stops or chooses when the numbers happen to look good is wrong "
    "more often than verdicts allow for."
)


class LivePage:
    """Serve the page of a comparison from its beginning to its end.

    What it shows is computed when a cell ends, before the next one starts, so that the times of cells in this process
    don't include it.

    Args:
        address: where to serve it.
        criteria: by what the contenders are compared.
        output: the folder of the run directories, which gets the final page.
        command: the command line, for the page.

    Raises:
        UsageError: the address can't be used.
    """

    def __init__(self, address: Address, criteria: Criteria, output: Path, command: str | None) -> None:
        self._criteria = replace(criteria, pairs=False)
        self._output, self._command = output, command
        self._status = "The data are being read."
        self._view: LiveView | None = None
        self._plan: ComparisonPlan | None = None
        self._runs: dict[tuple[str, str], dict[int, StoredRun]] = {}
        self._analyses: dict[tuple[str, str], Analysis] = {}
        self._failed: list[FailedRun] = []
        self._order: list[str] = []
        self._of_look: PageContent | None = None
        self._number = 0
        self._is_current = False
        self._server = PageServer(address, self._state)
        self.url = self._server.url
        if not address.is_loopback:
            logger.warning("the page at %s, with texts of the test set, can be loaded by other machines", self.url)
        self._show()

    def __enter__(self) -> LivePage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()

    def begin(self, plan: ComparisonPlan, status: str) -> None:
        """Show that the cells are planned, and what is done first."""
        self._plan, self._status = plan, status
        self._order = list(dict.fromkeys(cell.contender.label for cell in plan.cells))
        self._show()

    def watch(self, view: LiveView) -> None:
        """Show the state of the cells of a view from now on."""
        self._view = view

    def started(self) -> None:
        """Show the finished cells that were read, before the first of the others starts."""
        if not self._is_current:
            self._show()

    def ended(self, cell: Cell, outcome: Record | TextclfError, *, read: bool = False) -> None:
        """Take in a finished or failed cell, and show it unless others are still being read."""
        assert self._plan is not None  # a cell is of a plan
        if isinstance(outcome, TextclfError):
            self._failed.append(failed_run(self._plan, FailedCell(cell, outcome)))
        else:
            key = data_key(outcome.data), outcome.label or ""
            self._runs.setdefault(key, {})[outcome.seed] = StoredRun(self._output / cell.id, outcome)
            self._analyses.pop(key, None)
        self._is_current = False
        if not read:
            self._show()

    def look(self, analyses: Sequence[Analysis], failed: Sequence[FailedRun]) -> None:
        """Show the verdicts of a planned look, after which more cells run."""
        self._of_look = self._try(lambda: page_content(analyses, command=self._command, failed=failed))
        self._show()

    def end(self, report: Report, error: Exception | None) -> bool:
        """Save and serve the final page, and wait until the open browsers have it; return whether there is one."""
        page = self._try(lambda: report.text("page")) if report.analyses else None
        self._view = None
        if page is None:
            why = "Its page can't be made." if report.analyses else error or "No run has finished."
            self._status = f"The comparison has ended. {why}"
            self._show()
        else:
            self._output.mkdir(parents=True, exist_ok=True)
            (self._output / FILE).write_text(page, encoding="utf-8")
            self._number += 1
            self._server.show(page, self._number)
        self._server.deliver()
        return page is not None

    @property
    def file(self) -> Path:
        """The file of the final page."""
        return self._output / FILE

    def _state(self) -> dict[str, Any]:
        view = self._view
        return {"status": view.summary if view else self._status, "cells": view.running if view else []}

    def _show(self) -> None:
        self._number += 1
        running = RunningPart(
            number=self._number,
            lost=f"The command has ended, or was stopped. If it ended, the page is in {self.file}.",
            remarks=(_WHY, self._when()),
            parts=self._try(self._parts) or (),
            **self._state(),
        )
        self._server.show(render_page(self._of_look, running), self._number)
        self._is_current = True

    def _when(self) -> str:
        """Return when there are verdicts."""
        looks = self._plan.looks if self._plan else ()
        if len(looks) < 2:
            return "Both come at the end, when all cells have run."
        first = ", ".join(map(str, looks[:-1]))
        return f"Both come at the planned looks with {first} and {looks[-1]} seeds, the last of which is the end."

    def _parts(self) -> tuple[tuple[str, SortTable | None, Sequence[str]], ...]:
        """Return what is shown of each data set and size of train."""
        for key, runs in self._runs.items():
            if key not in self._analyses:
                # A contender by itself has an interval, but there is nothing that it is compared with.
                self._analyses[key] = analyse(runs.values(), self._criteria)[-1]
        by_data: dict[str, list[Analysis]] = {}
        for key in self._runs:
            by_data.setdefault(key[0], []).append(self._analyses[key])
        failed: dict[str, list[FailedRun]] = {}
        for run in self._failed:
            failed.setdefault(data_key(run.data), []).append(run)
        parts: list[tuple[str, SortTable | None, Sequence[str]]] = []
        for number, (data, group) in enumerate(by_data.items(), start=1):
            rows = sorted((row for one in group for row in one.rows), key=self._place)
            seeds = tuple(sorted({seed for row in rows for seed in row.line.seeds}))
            whole = replace(group[0], rows=tuple(rows), seeds=seeds)
            parts.append((whole.heading, running_table(whole, f"r{number}"), failed_sentences(failed.pop(data, []))))
        return (*parts, *((runs[0].heading, None, failed_sentences(runs)) for runs in failed.values()))

    def _place(self, row: Row) -> int:
        label = row.line.runs[0].record.label or ""
        return self._order.index(label) if label in self._order else len(self._order)

    def _try(self, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except Exception as problem:  # the page must not end the comparison
            logger.warning("a part of the page can't be made: %s: %s", type(problem).__name__, problem)
            return None
