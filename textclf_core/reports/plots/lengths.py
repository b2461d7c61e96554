"""The chart of the lengths of the test texts."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.plots.style import ACCENT, SOFT, Chart, figure_of, one_panel
from textclf_core.reports.slices import count_words


def length_chart(analysis: Analysis) -> Chart:
    """Return how many test texts there are by their number of words."""
    run = analysis.rows[0].line.runs[0]
    at_seed = f" of seed {run.record.seed}" if analysis.data.own_tests else ""
    texts = zip(*(run.test[name].to_pylist() for name in analysis.data.text_columns), strict=True)
    words = np.array([sum(count_words(text) for text in row) for row in texts])
    middle, most, longest = (int(value) for value in np.quantile(words, [0.5, 0.95, 1.0], method="inverted_cdf"))
    # The few longest texts would leave the others a sliver.
    width = max(1, -(-(most * 13 // 10 + 1) // 24))
    counts = np.bincount(np.minimum(words // width, most * 13 // 10 // width + 1))
    axes = one_panel()
    bars = axes.bar(np.arange(len(counts)) * width, counts, 0.94 * width, align="edge", color=ACCENT, alpha=0.45)
    for index, (bar, count) in enumerate(zip(bars, counts, strict=True)):
        span = _span(index * width, width, last=index == len(counts) - 1)
        bar.set_label(f"{span}: {count:,} {'text' if count == 1 else 'texts'}")
    axes.plot([middle, middle], [0, counts.max()], color=SOFT, linewidth=1.2, linestyle="--")
    axes.set(xlabel="words in a text", ylabel="test texts")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    what = f"Words in a test text{at_seed}"
    caption = f"{what}: half have at most {middle:,} (dashed), 95% at most {most:,}, the longest {longest:,}."
    return Chart("test texts by length", figure_of(axes), caption)


def _span(start: int, width: int, *, last: bool) -> str:
    if last:
        return f"{start} words or more"
    return f"{start} words" if width == 1 else f"{start} to {start + width - 1} words"
