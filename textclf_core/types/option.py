"""The help and the range of one option of a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

from annotated_types import BaseMetadata, GroupedMetadata, Interval


@dataclass(frozen=True)
class Option(GroupedMetadata):
    """The help and the range of one option, written beside the field that holds its value.

    >>> n: Annotated[int, Option("Encoder blocks to freeze, counted from the input.", ge=0)] = 10

    The type of the field says what it takes; ``Literal`` lists choices; a default of the field is the option's.
    Constraints of annotated-types may stand beside it: ``Annotated[tuple[str, ...], MinLen(1), Option("...")]``.
    ``search`` is the range in which a good value is usually found, for a search that is told no other. ``resumes``
    marks a trainer's option that takes a checkpoint folder to go on from: the error of a run that stopped names it.
    ``replaced_by`` names the hook by which another plugin decides what this option decides: setting the option beside
    such a plugin is refused.
    """

    help: str
    _: KW_ONLY
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    search: tuple[float, float] | None = None
    resumes: bool = False
    replaced_by: str | None = None

    def __iter__(self) -> Iterator[BaseMetadata]:
        """Yield the range as constraints of annotated-types, which pydantic and the check of options read."""
        return iter(Interval(ge=self.ge, gt=self.gt, le=self.le, lt=self.lt))
