"""A trainer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, hookimpl
from textclf_core.tasks import check_kind

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray

WORDS_FILE = "words.json"


@dataclass(frozen=True)
class WordCounts:
    """A naive Bayes classifier: how often each word occurs in texts of each label."""

    smoothing: float
    num_labels: int
    counts: dict[str, list[int]]

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return probabilities, float32, shape (rows, labels), in the data's order."""
        import numpy as np

        counts = {word: np.log(np.array(row) + self.smoothing) for word, row in self.counts.items()}
        logits = np.zeros((len(data), self.num_labels))
        for row, text in enumerate(data["text"]):
            for word in str(text).split():
                logits[row] += counts.get(word, 0)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write the counts."""
        content = json.dumps([self.smoothing, self.num_labels, self.counts])
        (directory / WORDS_FILE).write_text(content, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Naive Bayes of words."""

    smoothing: Annotated[float, Option("Added to each count.", gt=0)] = 0.5

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse what it can't learn."""
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> WordCounts:
        """Count the words of train."""
        counts: dict[str, Counter[int]] = {}
        for text, label in zip(data["train"]["text"], data["train"]["label"], strict=True):
            for word in str(text).split():
                counts.setdefault(word, Counter())[label] += 1
        rows = {word: [count[label] for label in range(task.num_labels)] for word, count in counts.items()}
        return WordCounts(self.smoothing, task.num_labels, rows)

    @hookimpl
    def textclf_load_classifier(self, directory: Path) -> WordCounts:
        """Read what ``save`` wrote."""
        smoothing, num_labels, counts = json.loads((directory / WORDS_FILE).read_text(encoding="utf-8"))
        return WordCounts(smoothing, num_labels, counts)
