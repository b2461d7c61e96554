"""Freezing by the strategies before training, and the hashes that prove frozen parameters unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.errors import UsageError, some_of
from textclf_core.plugins.calling import call
from textclf_core.training.parameter_check import BuiltHashes, ParameterHashes

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.plugins import ActivePlugins


def freeze(plugins: ActivePlugins, encoder: Encoder) -> ParameterHashes:
    """Let the strategies freeze parameters; return the hashes of all parameters as they were before.

    Raises:
        UsageError: a strategy doesn't support the model, or what is frozen already.
        RunError: the whole classification head is frozen.
    """
    built = BuiltHashes(encoder)
    given = encoder.frozen_names()
    try:
        call(plugins, "textclf_freeze", encoder=encoder)
    except UsageError as error:
        for note in _who_freezes(plugins, encoder, given):
            error.add_note(note)
        raise
    return ParameterHashes(encoder, built)


def _who_freezes(plugins: ActivePlugins, encoder: Encoder, given: tuple[str, ...]) -> list[str]:
    """Return notes on which plugins froze parameters, for the error of a strategy that can't know it."""
    notes = []
    if given:
        makers = [plugin.name for plugin in (*plugins.of_role("model"), *plugins.implementing("textclf_adapt"))]
        notes.append(f"Frozen before any strategy froze: {some_of(given)}; the model comes from {', '.join(makers)}.")
    strategies = [plugin.name for plugin in plugins.implementing("textclf_freeze")]
    if len(strategies) > 1 and len(encoder.frozen_names()) > len(given):
        notes.append(f"The strategies that freeze are {', '.join(strategies)}.")
    return notes
