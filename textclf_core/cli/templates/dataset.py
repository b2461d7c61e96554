"""A dataset."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, hookimpl

if TYPE_CHECKING:
    from datasets import DatasetDict

LABELS = ("negative", "positive")


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Made-up reviews; replace them by rows of your own."""

    rows: Annotated[int, Option("Rows in train.", ge=20)] = 100

    @hookimpl
    def textclf_load_data(self, data_seed: int) -> DatasetDict:
        """Return ``train``; what is missing is held out from it."""
        from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

        generator = random.Random(data_seed)
        labels = [row % 2 for row in range(self.rows)]
        texts = [f"{generator.choice(('a fine', 'a lovely'))} film" if label else "a dull film" for label in labels]
        train = Dataset.from_dict(
            {"text": [f"{text}, number {row}" for row, text in enumerate(texts)], "label": labels},
            features=Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))}),
        )
        train.info.description = "made up"
        return DatasetDict({"train": train})
