"""Tiny random checkpoints of families that textclf doesn't split, on disk."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from textclf_core.testing import tiny_tokenizer

_USUAL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
    "type_vocab_size": 2,
}
_DECODER = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
_T5 = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
_BART = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
}

SETTINGS: dict[str, dict[str, Any]] = {
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64},
    "roformer": {**_USUAL, "embedding_size": 16},
    "convbert": {**_USUAL, "embedding_size": 16, "head_ratio": 1, "conv_kernel_size": 3},
    "rembert": {**_USUAL, "input_embedding_size": 16},
    "eurobert": {**_USUAL, "num_key_value_heads": 2},
    "t5": _T5,
    "bart": _BART,
    "mbart": _BART,
    "deberta": {**_USUAL, "relative_attention": True},
    "camembert": _USUAL,
    "ernie": _USUAL,
    "megatron-bert": _USUAL,
    "fnet": {**_USUAL, "use_tpu_fourier_optimizations": False},
    "gpt2": _DECODER,
    "longformer": {**_USUAL, "attention_window": 16},
}
"""The settings that make a model of a family tiny."""


def save_family(folder: Path, family: str, labels: tuple[str, ...] = ("negative", "positive"), **config: Any) -> Path:
    """Write a random classifier of a family, with the tiny tokenizer, and return the folder.

    Its weights are of a size that gives scores which differ from row to row.
    """
    tokenizer = tiny_tokenizer()
    ends = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "decoder_start_token_id": tokenizer.sep_token_id,
        "id2label": dict(enumerate(labels)),
        "label2id": {name: id for id, name in enumerate(labels)},
    }
    settings = AutoConfig.for_model(
        family, **{"vocab_size": len(tokenizer), **ends, "initializer_range": 0.4, **SETTINGS[family], **config}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(settings)
    accepted = inspect.signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in accepted]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
