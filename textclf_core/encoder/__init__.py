"""A Hugging Face model with its tokenizer, divided into embeddings, numbered blocks, pooler and head."""

from textclf_core.encoder.encoder import Encoder
from textclf_core.encoder.parts import BlockIndexError

__all__ = ["BlockIndexError", "Encoder"]
