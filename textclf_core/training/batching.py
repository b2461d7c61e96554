"""Dividing examples into batches: grouped by length, shuffled by a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.training.options import EncoderTraining
    from textclf_core.types.task import Task

# Examples that are sorted by length together, in batches. Larger pads less; at 50 of Rotten Tomatoes' batches of 16
# the padding is 2% of the tokens and a batch still draws on a tenth of the data.
_POOL_BATCHES = 50

# Tokens computed at once where a frozen prefix is: enough for the matrix products to run at their full rate, little
# enough for the cache of a processor.
BATCH_TOKENS = 1024
# Predicted at once on a CPU: as fast as 1,024 within 2%, and the process's peak stays low (MiniLM on Rotten Tomatoes'
# test split: at most 694 MiB in four runs, with 1,024 between 679 and 731).
_PREDICTED_TOKENS = 512
_PREDICTED_TOKENS_OF_A_GPU = 16 * BATCH_TOKENS


@dataclass(frozen=True)
class LengthGroupedBatches:
    """The batches of an epoch: examples of similar length together, in an order decided by the seed and the epoch.

    Examples are shuffled, cut into pools of 50 batches (of a quarter of them all, where those are fewer than 200),
    sorted by length within each pool and cut into batches, and the batches are shuffled. If their number isn't a
    multiple of ``batch_size``, the last batch is smaller, and no other.

    Attributes:
        lengths: of the examples, in tokens.
        batch_size: how many examples a batch has.
        seed: decides the order.
        strata: those of the examples, for balanced epochs, which have as many examples as there are, but of each
            stratum equally many (to one); those of a small stratum come several times, equally often (to one). Without
            them, each example comes once an epoch.
    """

    lengths: Sequence[int]
    batch_size: int
    seed: int
    strata: Sequence[int] | None = None

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, epoch: int) -> list[list[int]]:
        """Return the indices of each batch of epoch number ``epoch`` (from 0)."""
        rng = np.random.default_rng([self.seed, epoch])
        lengths = np.asarray(self.lengths)
        order = rng.permutation(len(lengths)) if self.strata is None else _balanced(np.asarray(self.strata), rng)
        # With one pool, every epoch of a small data set would have the same batches.
        pool = self.batch_size * max(1, min(_POOL_BATCHES, len(self) // 4))
        batches: list[list[int]] = []
        for start in range(0, len(order), pool):
            indices = order[start : start + pool]
            indices = indices[np.argsort(lengths[indices], kind="stable")]
            batches += [indices[i : i + self.batch_size].tolist() for i in range(0, len(indices), self.batch_size)]
        # Python's sort keeps the order of equals: the smaller batch goes last, the others stay shuffled.
        return sorted((batches[i] for i in rng.permutation(len(batches))), key=lambda batch: -len(batch))


def training_batches(
    options: EncoderTraining, task: Task, train: Dataset, tokenized: Dataset, seed: int
) -> LengthGroupedBatches:
    """Return the batches of the training split, as a trainer's options ask for them.

    Args:
        options: of the trainer.
        task: the labels.
        train: the split.
        tokenized: its rows as tokens.
        seed: of the run.
    """
    strata = kind_of(task).strata(train["label"][:]) if options.sampling == "balanced" else None
    return LengthGroupedBatches([len(ids) for ids in tokenized["input_ids"]], options.batch_size, seed, strata)


def _balanced(strata: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return as many indices as there are strata's examples, shuffled, with equally many of each stratum."""
    drawn = []
    names = rng.permutation(np.unique(strata))  # the first ones get what is left over
    for number, name in enumerate(names):
        own = np.flatnonzero(strata == name)
        wanted = len(strata) // len(names) + (number < len(strata) % len(names))
        rounds = [rng.permutation(own) for _ in range(-(-wanted // len(own)))]
        drawn.append(np.concatenate(rounds)[:wanted])
    return rng.permutation(np.concatenate(drawn))


def tokens_at_once(device: str) -> int:
    """Return the number of padded tokens in a batch of prediction on a type of device (``cpu``, ``cuda``)."""
    return _PREDICTED_TOKENS if device == "cpu" else _PREDICTED_TOKENS_OF_A_GPU


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Return the indices of batches of at most ``batch_tokens`` padded tokens, for prediction.

    An example longer than that is a batch of its own. Batches are ordered by their number of tokens, largest first: a
    lack of memory shows at once, and each batch fits into the memory that an earlier one has freed.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        stop = start + max(1, batch_tokens // max(1, lengths[order[start]]))
        batches.append(order[start:stop])
        start = stop
    return _largest_first(batches, lengths)


def batches_of_equal_length(lengths: Sequence[int], batch_tokens: int = BATCH_TOKENS) -> list[list[int]]:
    """Return the indices of batches of at most ``batch_tokens`` tokens; all examples of a batch have one length.

    They are ordered as in :func:`batches_by_length`, so that the memory of the largest batch is used again by all
    others. Ordered by length alone, batches of many sizes leave gaps: computing MiniLM's prefix for 1,066 training
    rows of Rotten Tomatoes then took 85 MiB more.
    """
    by_length: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_length.setdefault(length, []).append(index)
    batches: list[list[int]] = []
    for length in sorted(by_length, reverse=True):
        rows = max(1, batch_tokens // length)
        batches += [by_length[length][start : start + rows] for start in range(0, len(by_length[length]), rows)]
    return _largest_first(batches, lengths)


def _largest_first(batches: list[list[int]], lengths: Sequence[int]) -> list[list[int]]:
    """Sort batches by their number of padded tokens, largest first; the first example of each is its longest."""
    return sorted(batches, key=lambda batch: -len(batch) * lengths[batch[0]])
