"""Confusion matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def confusion_matrix(references: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix, int64, shape (classes, classes): rows are true classes, columns predicted ones.

    Args:
        references: true label ids, shape (rows,).
        predictions: predicted label ids, shape (rows,).
        classes: the number of labels.
    """
    return np.bincount(references * classes + predictions, minlength=classes * classes).reshape(classes, classes)
