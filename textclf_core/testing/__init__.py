"""Helpers for the tests of plugins: a check of a whole plugin, and tiny models and data that need no network.

>>> encoder = tiny_encoder(family="bert", blocks=2)
>>> data = tiny_data(rows=64)
>>> check_plugin(FreezeFirstN, n=4)
"""

from textclf_core.testing.checks import check_plugin
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
    "check_plugin",
    "tiny_data",
    "tiny_encoder",
    "tiny_tokenizer",
    "tiny_topics",
    "tiny_words",
]
