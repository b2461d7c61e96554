"""What the strategies freeze before training, and the hashes by which it is proved that it stayed as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.errors import UsageError, some_of
from textclf_core.plugins.calling import call
from textclf_core.training.parameter_check import BuiltHashes, ParameterHashes

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.plugins import ActivePlugins


def freeze(plugins: ActivePlugins, encoder: Encoder) -> ParameterHashes:
    """Let the strategies say which parameters train; return the hashes that all had as they were built and adapted.

    Raises:
        UsageError: a strategy does not support the model, or with what is frozen already.
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
    """Return who froze what, for a strategy that knows only that it is frozen."""
    notes = []
    if given:
        makers = [plugin.name for plugin in (*plugins.of_role("model"), *plugins.implementing("textclf_adapt"))]
        notes.append(f"Frozen before any strategy froze: {some_of(given)}; the model comes from {', '.join(makers)}.")
    strategies = [plugin.name for plugin in plugins.implementing("textclf_freeze")]
    if len(strategies) > 1 and len(encoder.frozen_names()) > len(given):
        notes.append(f"The strategies that freeze are {', '.join(strategies)}.")
    return notes
