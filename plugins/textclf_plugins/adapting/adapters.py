"""Low-rank adapters in an encoder, by the library peft: adding, freezing, saving and merging them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from peft import LoraConfig, TaskType, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import nn

from textclf_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.record import Fact
    from textclf_plugins.adapting.lora import Lora

_ADAPTER = "default"
# The families' names of the layers that project queries and values; ModernBERT's projects queries, keys and values.
_QUERY_AND_VALUE = (
    "query",
    "value",
    "query_proj",
    "value_proj",
    "q_lin",
    "v_lin",
    "q",
    "v",
    "q_proj",
    "v_proj",
    "Wqkv",
)
# The parts that train besides the adapters; strategies on blocks leave them trainable.
_TRAINING_PARTS = ("head", "pooler")


def add_adapters(options: Lora, encoder: Encoder) -> dict[str, Fact]:
    """Add an adapter to each target layer of every block, initialised from torch's global generator.

    Raises:
        UsageError: a target matches no linear layer of the blocks, or these can't be identified.
    """
    encoder.require_blocks()
    names = _targets(options, encoder)
    config = LoraConfig(
        r=options.r,
        lora_alpha=options.alpha,  # type: ignore[arg-type]  # annotated as int, but any number works
        lora_dropout=options.dropout,
        target_modules=list(names),
    )
    inject_adapter_in_model(config, encoder.model, _ADAPTER)
    encoder.model.requires_grad_(True)
    return {"targets": ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in names)), "layers": len(names)}


def freeze_all_but_adapters(options: Lora, encoder: Encoder) -> None:
    """Freeze everything except the adapters, the pooler and the head, and remove adapters that are already frozen.

    On an encoder without adapters, the weights that would get one stay trainable.

    Raises:
        UsageError: no trainable block is left.
    """
    model = encoder.model
    adapters = _adapters(encoder)
    for name, layer in adapters.items():
        if not any(parameter.requires_grad for parameter in _own_parameters(layer).values()):
            _replace(model, name, layer.get_base_layer())
    training = {f"{name}.{own}" for name, layer in _adapters(encoder).items() for own in _own_parameters(layer)}
    if not adapters:
        training = {f"{name}.weight" for name in _targets(options, encoder)} & set(encoder.trainable_names())
    if not training:
        raise UsageError(
            "lora: the other strategies freeze every layer that would get an adapter, so nothing is left to adapt. "
            "Leave lora out, or freeze fewer blocks."
        )
    encoder.freeze(
        names=[
            name
            for name in encoder.trainable_names()
            if name not in training and encoder.part_of(name) not in _TRAINING_PARTS
        ]
    )


def save_adapters(encoder: Encoder, directory: Path) -> None:
    """Write the trained weights in the format of ``peft.PeftModel.from_pretrained(untrained_model, directory)``.

    The tensors go to ``adapter_model.safetensors``, the configuration to ``adapter_config.json``.
    """
    model = encoder.model
    config: LoraConfig = model.peft_config[_ADAPTER]  # type: ignore[assignment]
    adapters = _adapters(encoder)
    whole = [name for name, module in model.named_children() if name != model.base_model_prefix and _has_any(module)]
    whole += [f"{model.base_model_prefix}.pooler"] if _has_any(getattr(model.base_model, "pooler", None)) else []
    saved_config = dataclasses.replace(
        config,
        target_modules=sorted(adapters),
        modules_to_save=whole,
        task_type=TaskType.SEQ_CLS,
        base_model_name_or_path=encoder.checkpoint,
        inference_mode=True,
    )
    directory.mkdir()
    saved_config.save_pretrained(str(directory))
    tensors = {
        f"{name}.{own.replace(f'.{_ADAPTER}.', '.')}": parameter
        for name, layer in adapters.items()
        for own, parameter in _own_parameters(layer).items()
    }
    for name in whole:
        tensors |= {f"{name}.{own}": values for own, values in model.get_submodule(name).state_dict().items()}
    save_file(
        {f"base_model.model.{name}": values.detach().cpu().contiguous() for name, values in tensors.items()},
        directory / "adapter_model.safetensors",
    )


def merge_adapters(encoder: Encoder) -> None:
    """Merge each adapter into the weights of its layer, and remove the adapter."""
    for name, layer in _adapters(encoder).items():
        layer.merge()
        _replace(encoder.model, name, layer.get_base_layer())
    del encoder.model.peft_config


def _targets(options: Lora, encoder: Encoder) -> list[str]:
    """Return the names of the layers that get adapters, in the model's order."""
    linear = {
        name.replace(".base_layer", ""): None
        for name, module in encoder.model.named_modules()
        if isinstance(module, nn.Linear)
        and encoder.part_of(f"{name}.weight").startswith("block")
        and "lora_" not in name
    }
    ends = options.targets or _QUERY_AND_VALUE
    if ends == ("all",):
        return list(linear)
    for end in options.targets:
        if not any(_ends_with(name, end) for name in linear):
            known = list(dict.fromkeys(name.rpartition(".")[2] for name in linear))
            raise UsageError(
                f"lora: targets={end}: the name of no linear layer in the blocks of {encoder.checkpoint} ends in "
                f"{end}.{did_you_mean(end, known)} Expected one of: {', '.join(known)}."
            )
    found = [name for name in linear if any(_ends_with(name, end) for end in ends)]
    if not found:
        raise UsageError(
            f"lora: textclf doesn't know which layers of the family {encoder.family!r} project queries and values. "
            f"Name them with targets=; the linear layers of its first block are: {', '.join(list(linear)[:8])}."
        )
    return found


def _ends_with(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _adapters(encoder: Encoder) -> dict[str, LoraLayer]:
    """Return the layers with an adapter, by name."""
    return {name: module for name, module in encoder.model.named_modules() if isinstance(module, LoraLayer)}


def _own_parameters(layer: LoraLayer) -> dict[str, nn.Parameter]:
    """Return an adapter's parameters, without those of the adapted layer."""
    assert isinstance(layer, nn.Module)
    return {name: parameter for name, parameter in layer.named_parameters() if not name.startswith("base_layer.")}


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, module)


def _has_any(module: nn.Module | None) -> bool:
    return module is not None and any(True for _ in module.parameters())
