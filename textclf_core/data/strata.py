"""The groups that rows are sampled by, so that a sample has the labels in the proportions of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.task import Task


def strata_of_rows(split: Dataset, task: Task) -> list[int]:
    """Return the group of each row: its label; of words, whether there is any label but the most frequent.

    Of several labels a text, it is the rarest one, since that one is missed most easily by a sample: Sechidis et al.
    ("On the Stratification of Multi-Label Data", ECML PKDD 2011, section 3.2) deal out the rows label by label too, the
    rarest first. Texts without a label are a group of their own.
    """
    rows = split["label"][:]
    if task.kind == "single-label":
        return list(rows)
    counts = Counter(chain.from_iterable(rows))
    return _with_rare_words(rows, counts) if task.kind == "tokens" else _rarest_labels(rows, counts, task.num_labels)


def _with_rare_words(rows: Sequence[Sequence[int]], counts: Counter[int]) -> list[int]:
    usual = counts.most_common(1)[0][0] if counts else 0
    return [int(any(label != usual for label in row)) for row in rows]


def _rarest_labels(rows: Sequence[Sequence[int]], counts: Counter[int], none: int) -> list[int]:
    return [min(row, key=lambda label: (counts[label], label), default=none) for row in rows]
