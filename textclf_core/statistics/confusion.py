"""How often each class was taken for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def confusion_matrix(references: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return how often each class was taken for each: int64, (classes, classes), a row a true class.

    Args:
        references: true label ids, (rows,).
        predictions: predicted label ids, (rows,).
        classes: how many labels there are.
    """
    return np.bincount(references * classes + predictions, minlength=classes * classes).reshape(classes, classes)
