"""What a plugin's options are, and how values are checked against them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Option:
    """The help and the range of one option, written beside the field that holds its value.

    >>> n: Annotated[int, Option("Encoder blocks to freeze, counted from the input.", ge=0)] = 10

    The type of the field says what it takes; ``Literal`` lists choices; a default of the field is the option's.
    """

    help: str
    _: KW_ONLY
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
