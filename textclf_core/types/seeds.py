"""Seeds: whole numbers from 0, as NumPy's generators take them."""

from __future__ import annotations

from collections.abc import Sequence

from textclf_core.errors import UsageError


def check_seed(seed: int, name: str = "seed") -> int:
    """Return a seed.

    Raises:
        UsageError: it is negative.
    """
    if seed < 0:
        raise UsageError(f"{name}={seed}: a seed is a whole number from 0.")
    return seed


def check_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a comparison; a number says how many.

    Raises:
        UsageError: there is none, one is negative, or one is given twice.
    """
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers:
        raise UsageError(f"seeds={seeds}: at least one seed is needed; for the seed 0 alone write 1.")
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"seeds={', '.join(map(str, numbers))}: a seed is given twice.")
    return tuple(check_seed(seed) for seed in numbers)
