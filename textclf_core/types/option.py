"""The help and the range of one option of a plugin."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Option:
    """The help and the range of one option, written beside the field that holds its value.

    >>> n: Annotated[int, Option("Encoder blocks to freeze, counted from the input.", ge=0)] = 10

    The type of the field says what it takes; ``Literal`` lists choices; a default of the field is the option's.
    ``search`` is the range in which a good value is usually found, for a search that is told no other. ``resumes``
    marks a trainer's option that takes a checkpoint folder to go on from: the error of a run that stopped names it.
    """

    help: str
    _: KW_ONLY
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    search: tuple[float, float] | None = None
    resumes: bool = False

    def range(self) -> str:
        """Return the range in words: ``"at least 0 and less than 1"``, or ``""``."""
        bounds = {"at least": self.ge, "more than": self.gt, "at most": self.le, "less than": self.lt}
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)

    def holds(self, value: object) -> bool:
        """Return whether a value is in the range. What isn't a number (``none``, ``"auto"``) is in every range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )
