"""Freeze the parameters whose names match a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class FreezePattern:
    r"""Freeze the parameters whose names match a regular expression.

    For example, pattern=attention freezes every parameter with "attention" in its name, and
    pattern=LayerNorm\.(weight|bias)$ the layer norms of a BERT.
    """

    pattern: Annotated[str, Option("The regular expression, searched anywhere in each parameter's name.")]

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern={self.pattern} is no regular expression: {error}.") from error

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the matching parameters.

        Raises:
            UsageError: no name matches; the message lists similar names.
        """
        names = [name for name, _ in encoder.model.named_parameters()]
        matching = [name for name in names if re.search(self.pattern, name)]
        if not matching:
            near = "\n  ".join(_nearest(self.pattern, names))
            raise UsageError(
                f"freeze-pattern: pattern={self.pattern} matches none of the {len(names)} parameter names of "
                f"{encoder.checkpoint}. Similar names:\n  {near}"
            )
        encoder.freeze(names=matching)


def _nearest(pattern: str, names: list[str], count: int = 5) -> list[str]:
    """Return the names with the longest common substrings with the pattern, in the model's order."""

    def shared(name: str) -> int:
        return SequenceMatcher(None, pattern, name, autojunk=False).find_longest_match().size

    nearest = set(sorted(names, key=shared, reverse=True)[:count])
    return [name for name in names if name in nearest]
