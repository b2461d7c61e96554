"""What a metric is to a comparison: its direction, its range, and how it is computed from rows.

NumPy is imported when a metric is computed, since plugins import this module and are listed without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class ScoredRows:
    """Rows of a split with a model's answers, in the forms of ``textclf_compute_metrics``.

    Attributes:
        references: the true labels.
        predictions: the predicted labels.
        scores: the probabilities.
        columns: returns the other columns of all rows of the split.
        numbers: the rows' numbers in the split, int64, shape (rows,); ``None`` if they are all of it.
    """

    references: Any
    predictions: Any
    scores: Any
    columns: Callable[[], Dataset] = field(repr=False)
    numbers: NDArray[np.int64] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.references)

    @property
    def data(self) -> Dataset:
        """The other columns of the rows."""
        return self.columns() if self.numbers is None else self.columns().select(self.numbers)

    def take(self, rows: NDArray[np.int64]) -> ScoredRows:
        """Return some of the rows, by their places, int64, shape (rows,)."""
        return ScoredRows(
            _taken(self.references, rows),
            _taken(self.predictions, rows),
            _taken(self.scores, rows),
            self.columns,
            rows if self.numbers is None else self.numbers[rows],
        )


def _taken(values: Any, rows: NDArray[np.int64]) -> Any:
    return [values[row] for row in rows] if isinstance(values, list) else values[rows]


@dataclass(frozen=True)
class RowSums:
    """A metric as a smooth function of sums over rows, so that its error is computed fast and exactly.

    Accuracy is the sum of correct predictions divided by the sum of ones; F1 is a function of three sums.

    Attributes:
        terms: returns what each row adds to the sums, float64, shape (rows, sums); a SciPy sparse array if most are 0.
            If the score depends on the number of rows, one of the sums is that of ones.
        score: returns the metric for totals of shape (sums, ...), shape (...); NaN where it isn't defined.
        gradient: returns the derivatives of the score at totals of shape (sums,), shape (sums,); by differences of the
            score if not given.
        support: returns the number of rows on which a perfect score rests, for totals of shape (sums,), such as the
            rows of the rarest label; all rows if not given.
    """

    terms: Callable[[ScoredRows], NDArray[np.float64] | csr_array]
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    gradient: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    support: Callable[[NDArray[np.float64]], float] | None = None

    @classmethod
    def mean(cls, values: Callable[[ScoredRows], NDArray[Any]]) -> RowSums:
        """Return the mean over rows of a function's values, which have the shape (rows,)."""

        def terms(rows: ScoredRows) -> NDArray[np.float64]:
            import numpy as np

            own = np.asarray(values(rows), dtype=np.float64)
            return np.stack([own, np.ones_like(own)], axis=1)

        return cls(terms, ratio, ratio_gradient)


def ratio(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first total divided by the second, and 0 where that is 0."""
    import numpy as np

    top, bottom = totals
    return np.asarray(np.divide(top, bottom, out=np.zeros(np.shape(bottom)), where=np.asarray(bottom) > 0))


def ratio_gradient(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the derivatives of :func:`ratio`, shape (2,)."""
    import numpy as np

    top, bottom = totals
    return np.array([1 / bottom, -top / bottom**2]) if bottom else np.zeros(2)


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a comparison needs to know of a metric to decide by it.

    Attributes:
        name: its name among the numbers of ``textclf_compute_metrics``.
        better: which values are better, ``"higher"`` or ``"lower"``.
        low: the lowest value that it can take; ``-math.inf`` if there is none.
        high: the highest value that it can take; ``math.inf`` if there is none.
        sums: how it is computed from sums over rows, if it can be.
        function: computes it from any rows, if it can't; ``textclf_compute_metrics`` is called if neither is given. It
            is called some hundred times for each model, so it should be fast, and it must not depend on the order of
            the rows.
    """

    name: str
    better: Literal["higher", "lower"]
    low: float
    high: float
    sums: RowSums | None = field(default=None, repr=False)
    function: Callable[[ScoredRows], float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise ValueError(f"better must be 'higher' or 'lower', not {self.better!r}")
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        if self.sums is not None and self.function is not None:
            raise ValueError("sums and function exclude each other")

    def oriented(self, value: float) -> float:
        """Return a value so that larger is better: itself, or its negative if lower values are better.

        All decisions are made with oriented values, and all values are shown in the metric's own sign. Applied twice,
        it gives the value again.
        """
        return value if self.better == "higher" else -value

    @property
    def best(self) -> float:
        """The best value that it can take; infinite if there is none."""
        return self.high if self.better == "higher" else self.low

    @property
    def width(self) -> float:
        """The distance between the lowest and the highest value; infinite if either is."""
        return self.high - self.low

    @property
    def is_share(self) -> bool:
        """Whether its range is 0 to 1, so that a point is 0.01."""
        return (self.low, self.high) == (0, 1)

    @property
    def extreme(self) -> str:
        """The adjective of the best of several values: ``highest`` or ``lowest``."""
        return "highest" if self.better == "higher" else "lowest"
