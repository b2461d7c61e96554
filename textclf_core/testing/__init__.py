"""Helpers for the tests of plugins: checks of a plugin by name, and tiny models and data that need no network.

>>> encoder = tiny_encoder(family="bert", blocks=2)
>>> data = tiny_data(rows=64)
>>> checks = plugin_checks(FreezeFirstN, n=4)
"""

from textclf_core.testing.checks import Check, plugin_checks, unchecked_hooks
from textclf_core.testing.tiny import (
    LABELS,
    MAX_LENGTH,
    TAGS,
    TOPICS,
    tiny_data,
    tiny_encoder,
    tiny_tokenizer,
    tiny_topics,
    tiny_words,
)

__all__ = [
    "LABELS",
    "MAX_LENGTH",
    "TAGS",
    "TOPICS",
    "Check",
    "plugin_checks",
    "tiny_data",
    "tiny_encoder",
    "tiny_tokenizer",
    "tiny_topics",
    "tiny_words",
    "unchecked_hooks",
]
