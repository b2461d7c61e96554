"""What ``--tune`` asks for."""

from __future__ import annotations

from dataclasses import dataclass

from textclf_core.errors import UsageError

# A head alone wants a rate a hundred times that of the whole model; both ends of what is used lie inside.
_USUAL = {"learning_rate": (1e-6, 1e-1)}


@dataclass(frozen=True)
class Search:
    """What to tune: an option of the trainer, searched on a logarithmic scale from ``low`` to ``high``."""

    option: str
    low: float
    high: float
    trials: int


def parse_search(text: str, trials: int) -> Search:
    """Return what ``learning_rate`` or ``learning_rate=1e-5..1e-2`` means.

    Raises:
        UsageError: it isn't an option and a range, or the option has no usual range.
    """
    option, _, bounds = text.partition("=")
    if not bounds:
        if option not in _USUAL:
            raise UsageError(f"--tune {text}: say in which range, such as {option or 'weight_decay'}=1e-4..1e-1.")
        return Search(option, *_USUAL[option], trials)
    low, dots, high = bounds.partition("..")
    try:
        search = Search(option, float(low), float(high), trials)
    except ValueError:
        search = Search(option, 0, 0, trials)
    if not (dots and 0 < search.low < search.high):
        raise UsageError(f"--tune {text}: write a range that goes up from above 0, such as {option}=1e-5..1e-2.")
    return search
