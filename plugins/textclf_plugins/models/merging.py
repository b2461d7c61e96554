"""Merging an adapter of the library peft into the model that it adapts."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import UsageError, some_of
from textclf_plugins.models.checkpoint_folder import ADAPTER_CONFIG

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def base_of(folder: Path) -> tuple[str, str | None]:
    """Return the name and the revision of the model that an adapter adapts.

    Raises:
        UsageError: the adapter names none, or can't be merged here.
    """
    settings = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    base = settings.get("base_model_name_or_path")
    if not base:
        raise UsageError(f"{folder} is an adapter, but its {ADAPTER_CONFIG} names no model that it adapts.")
    if find_spec("peft") is None:
        raise UsageError(
            f"{folder} is an adapter to the model {base}, and merging it into that model needs peft: "
            'pip install "textclf-core[lora]".'
        )
    return base, settings.get("revision")


def merge_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Merge an adapter into the body of its model; the model's own head stays, and all parameters are trainable.

    Where tokens were added with the adapter, the embeddings grow to those that it has.

    Raises:
        UsageError: the adapter can't be merged, or belongs to another model.
    """
    from peft import PeftConfig, get_peft_model, set_peft_model_state_dict
    from peft.utils import load_peft_weights

    config = PeftConfig.from_pretrained(str(folder))
    if config.is_prompt_learning:
        raise UsageError(f"{folder} is an adapter of the type {config.peft_type}, which can't be merged into a model.")
    config.inference_mode = True
    weights: dict[str, Tensor] = load_peft_weights(str(folder), device="cpu")
    head = {name: module for name, module in model.named_children() if name != model.base_model_prefix}
    # An adapter to a body alone (feature extraction) names its parameters without the body's prefix.
    prefix = f"base_model.model.{model.base_model_prefix}."
    whole = any(name.startswith(prefix) for name in weights)
    target: Any = model if whole else model.base_model
    if not whole:
        config.task_type = None
    _resize_embeddings(target, weights)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a head for other labels isn't loaded
            adapted = get_peft_model(target, config)
            result: Any = set_peft_model_state_dict(adapted, weights, ignore_mismatched_sizes=True)
    except (ValueError, RuntimeError, KeyError) as error:
        raise UsageError(f"the adapter {folder} doesn't fit the model {model.name_or_path}: {error}") from error
    unknown = [
        name
        for name in result.unexpected_keys
        # peft saves embeddings that were trained and resized twice.
        if not _of_head(name, head) and name.replace(".modules_to_save.", ".") not in weights
    ]
    own = (adapted.base_model.prefix, ".modules_to_save.", ".token_adapter.")
    lacking = [name for name in result.missing_keys if any(part in name for part in own) and not _of_head(name, head)]
    if unknown or lacking:
        fault = f"unknown there: {some_of(unknown)}" if unknown else f"missing: {some_of(lacking)}"
        raise UsageError(f"the parameters of the adapter {folder} don't fit the model {model.name_or_path} ({fault}).")
    adapted.merge_and_unload()
    for name, module in head.items():
        setattr(model, name, module)
    model.requires_grad_(True)
    model.train(mode=False)


def _resize_embeddings(model: PreTrainedModel, weights: Mapping[str, Tensor]) -> None:
    """Give the model as many token embeddings as the adapter has, if it has some."""
    embeddings: Any = model.get_input_embeddings()
    [name] = [name for name, module in model.named_modules() if module is embeddings]
    saved = weights.get(f"base_model.model.{name}.weight")
    if saved is not None and len(saved) != embeddings.num_embeddings:
        model.resize_token_embeddings(len(saved), mean_resizing=False)


def _of_head(name: str, head: dict[str, Any]) -> bool:
    return any(f".{part}." in name for part in head)
