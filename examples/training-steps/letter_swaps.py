"""Rows: an augmentation with the typing errors that users make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class LetterSwaps:
    """Swap neighbouring letters in some words of the training texts, anew in each epoch.

    The noise "Swap" of Belinkov and Bisk, "Synthetic and Natural Noise Both Break Neural Machine Translation", ICLR
    2018: in words of four or more letters, the first and the last one stay in place.
    """

    share: Annotated[float, Option("Probability with which a word is changed.", gt=0, le=1)] = 0.1

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support labels of whole texts."""
        return "its texts aren't lists of words" if task.kind == "tokens" else None

    @hookimpl
    def textclf_training_rows(self, train: Dataset, task: Task, epoch: int, seed: int) -> Dataset:
        """Return train with the changed texts."""
        import numpy as np

        rng = np.random.default_rng([seed, epoch])

        def changed(row: dict[str, str]) -> dict[str, str]:
            return {name: " ".join(self._typed(word, rng) for word in row[name].split(" ")) for name in row}

        return train.map(
            lambda row: changed({name: row[name] for name in task.text_columns}),
            load_from_cache_file=False,
            keep_in_memory=True,
        )

    def _typed(self, word: str, rng: np.random.Generator) -> str:
        if len(word) < 4 or rng.random() >= self.share:
            return word
        place = int(rng.integers(1, len(word) - 2))
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
