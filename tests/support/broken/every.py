"""Plugins that break what every plugin promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from broken import broken
from textclf_core import Encoder, Option, hookimpl


@dataclass(frozen=True, kw_only=True)
class GoodStrategy:
    """Freeze the first blocks."""

    blocks: Annotated[int, Option("How many.", ge=1)] = 1

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        encoder.freeze(blocks=range(self.blocks))


@broken("hooks_fit", "Did you mean 'textclf_freeze'?")
@dataclass(frozen=True)
class UnknownHook:
    """A hook that isn't there."""

    @hookimpl
    def textclf_freez(self, encoder: Encoder) -> None: ...


@broken("hooks_fit", "It passes encoder")
@dataclass(frozen=True)
class UnknownArgument:
    """An argument that isn't passed."""

    @hookimpl
    def textclf_freeze(self, model: object) -> None: ...


@broken("hooks_fit", "is a wrapper")
@dataclass(frozen=True)
class Wraps:
    """A wrapper."""

    @hookimpl(wrapper=True)
    def textclf_freeze(self, encoder: Encoder) -> Any:
        yield


@broken("hooks_fit", "lacks @hookimpl")
@dataclass(frozen=True)
class Unmarked:
    """A method that is named like a hook."""

    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("fields_are_options", "mark it with @dataclass(frozen=True, kw_only=True)")
class NoDataclass:
    """A class."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("fields_are_options", "write first: Annotated[TYPE, Option(...)]")
@dataclass(frozen=True)
class NoAnnotation:
    """A name that can't be set."""

    first = 1

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("fields_are_options", "can't be written on a command line")
@dataclass(frozen=True)
class WrongType:
    """An option that nobody can type."""

    weights: Annotated[dict[str, float], Option("The weights.")] = None  # type: ignore[assignment]

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("has_help", "it has no docstring")
@dataclass(frozen=True)
class NoDocstring:
    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("has_help", "option 'first' has no help")
@dataclass(frozen=True)
class NoHelp:
    """An option without help."""

    first: int = 0

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("options_come_back", "compute what follows from them in a property")
@dataclass(frozen=True)
class ChangesItsOptions:
    """An option that is another one after each reading."""

    first: Annotated[int, Option("The first block.")] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", self.first + 1)

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...


@broken("leaves_standard_output_alone", 'logging.getLogger("textclf")')
@dataclass(frozen=True)
class PrintsInAHook:
    """Freeze the embeddings, and print it."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        encoder.freeze(embeddings=True)
        print("frozen")
