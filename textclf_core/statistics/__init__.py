"""Statistics of a comparison: which differences between contenders are significant. Uses only NumPy and SciPy.

>>> comparison = compare(references, {"full": full, "head-only": head_only}, "f1-binary")
>>> comparison.sentence("head-only")
"""

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.comparison import compare, joint_error, paired_difference
from textclf_core.statistics.metrics import METRICS, Metric
from textclf_core.statistics.results import Comparison, ContenderStatistics, Difference, PairedTest
from textclf_core.statistics.variance import StandardError

__all__ = [
    "METRICS",
    "Comparison",
    "ContenderStatistics",
    "Difference",
    "Interval",
    "Metric",
    "PairedTest",
    "StandardError",
    "compare",
    "joint_error",
    "paired_difference",
]
