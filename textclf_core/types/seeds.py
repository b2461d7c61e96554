"""Seeds: whole numbers from 0, as NumPy's generators take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

from textclf_core.errors import UsageError


def check_seed(seed: int, name: str = "seed") -> int:
    """Return ``seed`` if it is valid.

    Raises:
        UsageError: it is negative, or no whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise UsageError(f"{name}={seed!r}: a seed must be a whole number, not of type {type(seed).__name__}.")
    if seed < 0:
        raise UsageError(f"{name}={seed}: a seed must be 0 or greater.")
    return int(seed)


def check_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a comparison; a number N stands for the seeds 0 to N-1.

    Raises:
        UsageError: there is none, one is negative or no whole number, or one is given twice.
    """
    if isinstance(seeds, str) or not isinstance(seeds, Integral | Iterable):
        raise UsageError(f"seeds={seeds!r}: give their number, or a list of them.")
    numbers = tuple(seeds) if isinstance(seeds, Iterable) else tuple(range(check_seed(seeds, "seeds")))
    if not numbers:
        raise UsageError(f"seeds={seeds}: at least one seed is needed; write seeds=1 to run seed 0 only.")
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"seeds={', '.join(map(str, numbers))}: each seed may be given once only.")
    return tuple(check_seed(seed) for seed in numbers)
