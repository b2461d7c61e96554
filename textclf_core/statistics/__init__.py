"""Statistics of a comparison: which differences between contenders are significant. Uses only NumPy and SciPy.

>>> comparison = compare({"full": full, "head-only": head_only}, metric)
>>> comparison.sentence("head-only")
"""

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.comparison import compare, joint_error, paired_difference
from textclf_core.statistics.draws import Draws, OwnTests
from textclf_core.statistics.models import JackknifedModel, Model, SummedModel
from textclf_core.statistics.results import Comparison, ContenderStatistics, Difference, PairedTest
from textclf_core.statistics.variance import StandardError

__all__ = [
    "Comparison",
    "ContenderStatistics",
    "Difference",
    "Draws",
    "Interval",
    "JackknifedModel",
    "Model",
    "OwnTests",
    "PairedTest",
    "StandardError",
    "SummedModel",
    "compare",
    "joint_error",
    "paired_difference",
]
