"""Reports: comparisons of finished runs, with their output options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.reports.added import added_to_runs
from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.curves import LearningCurves, learning_curves
from textclf_core.reports.data_sets import OverDataSets, by_data_set, over_data_sets
from textclf_core.reports.failed import FailedRun
from textclf_core.reports.printed import ReportOptions, report_rows, report_text
from textclf_core.reports.stored import data_key, find_runs
from textclf_core.reports.tables import check_format, comparison_text

if TYPE_CHECKING:
    import pandas as pd

    from textclf_core.plugins import ActivePlugin

PAGE = "page"
"""The name of the format of a single HTML page with everything."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Comparisons of finished runs. A notebook shows them as tables.

    Attributes:
        analyses: the analysis for each data set and size of train: scores, verdicts, costs, recommendation.
        options: the output options.
        command: the command line of the report, for the page.
        drawn: the files of the plots.
        written: the file that was written; ``None`` if none was.
        failed: the failed runs, which are known only if the comparison has just run.
    """

    analyses: tuple[Analysis, ...]
    options: ReportOptions = field(default_factory=ReportOptions)
    command: str | None = None
    drawn: tuple[Path, ...] = ()
    written: Path | None = None
    failed: tuple[FailedRun, ...] = ()

    @property
    def analysis(self) -> Analysis | None:
        """The analysis for the largest training set, whichever data set has it; ``None`` if there is none."""
        return max(self.analyses, key=_train_rows, default=None)

    @property
    def learning_curves(self) -> tuple[LearningCurves, ...]:
        """The contenders' learning curves, for each test split with two or more sizes of train."""
        return learning_curves(self.analyses)

    @property
    def over_data_sets(self) -> OverDataSets | None:
        """The comparison of contenders that share two or more data sets; ``None`` if there are none."""
        return over_data_sets(self.analyses)

    @property
    def recommended(self) -> str | None:
        """The label of the recommended contender, for the largest training set of each data set.

        ``None`` if there is none, or if it isn't the same on all data sets.
        """
        largest = [max(group, key=_train_rows) for group in by_data_set(self.analyses).values()]
        labels = {row.line.label for analysis in largest for row in analysis.rows if row.recommended}
        return labels.pop() if len(labels) == 1 else None

    def text(self, format: str | None = None) -> str:
        """Return the report as text, in a format of ``textclf report --format``; by default that of its options.

        Raises:
            UsageError: a format or column doesn't exist, a slice can't be parsed, or CSV can't hold the tables.
        """
        options = self.options if format is None else replace(self.options, format=format)
        if options.format == PAGE:
            from textclf_core.reports.page import page_text

            return page_text(self.analyses, command=self.command, slices=options.slices, failed=self._not_compared)
        return report_text(self.analyses, options, self._not_compared)

    @property
    def _not_compared(self) -> tuple[FailedRun, ...]:
        """The failed runs on data of which there is no analysis."""
        compared = {data_key(analysis.data) for analysis in self.analyses}
        return tuple(one for one in self.failed if data_key(one.data) not in compared)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with one row per contender and all columns, unrounded."""
        import pandas as pd

        rows = report_rows(self.analyses, self.options)
        return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["contender"]).set_index("contender")

    def __str__(self) -> str:
        return self.text("simple" if self.options.format == PAGE else None)

    def _repr_html_(self) -> str:
        return "".join(
            f"<p>{escape(one.heading)}: {escape(one.sentence)}</p>"
            + comparison_text(one, "html", columns=self.options.columns, sort=self.options.sort)
            for one in self.analyses
        )


def make_report(
    paths: Iterable[Path],
    options: ReportOptions,
    criteria: Criteria,
    *,
    plugins: Sequence[ActivePlugin] = (),
    plots: Path | None = None,
    output: Path | None = None,
    command: str | None = None,
) -> Report:
    """Compare finished runs, and write plots and a file if requested.

    Args:
        paths: run directories, or folders that contain them.
        options: the output options.
        criteria: by what the contenders are compared and recommended.
        plugins: plugins that add to the report, besides those of the runs.
        plots: the folder to write the plots to.
        output: the file to write; ``report.html`` for the page if not given.
        command: the command line of the report, for the page.

    Raises:
        UsageError: there are no runs; a metric, cost, format or column doesn't exist; or a slice can't be parsed.
    """
    check_format(options.format, also=(PAGE,))
    runs = find_runs(paths)
    added = added_to_runs((run.record for run in runs), plugins)
    report = Report(
        analyses=analyse(runs, replace(criteria, added=added)),
        options=options,
        command=command,
        written=output or (Path("report.html") if options.format == PAGE else None),
    )
    if plots is not None:
        report = replace(report, drawn=_draw(report.analyses, plots))
    if report.written is None:
        return report
    if options.format == PAGE:
        from textclf_core.reports.page import write_page

        write_page(report.analyses, report.written, command=command, slices=options.slices)
    else:
        report.written.write_text(f"{report.text()}\n", encoding="utf-8")
    return report


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated text."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _train_rows(analysis: Analysis) -> int:
    return next(split.rows for split in analysis.data.splits if split.name == "train")


def _draw(analyses: Sequence[Analysis], directory: Path) -> tuple[Path, ...]:
    """Write the plots of each comparison, in a subfolder each if there are several."""
    from textclf_core.reports.plots import write_joint_plots, write_plots

    files = list(write_joint_plots(analyses, directory))
    for number, analysis in enumerate(analyses, start=1):
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", analysis.heading).strip("-.")[-60:]
        files += write_plots(analysis, directory / f"{number}-{slug}" if len(analyses) > 1 else directory)
    return tuple(files)
