"""A Hugging Face model and its tokenizer, seen as embeddings, numbered blocks, pooler and head."""

from textclf_core.encoder.encoder import BlockIndexError, Encoder

__all__ = ["BlockIndexError", "Encoder"]
