"""The classification head of a checkpoint: replaced by a new one, or kept, with its outputs in the task's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from textclf_core.encoder.heads import problem_type
from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task


def label_names(encoder: Encoder) -> tuple[str, ...]:
    """Return the checkpoint's label names, in the order of its outputs."""
    id2label: Any = encoder.model.config.id2label
    return tuple(id2label[id] for id in range(len(id2label)))


def replace_head(model: PreTrainedModel) -> None:
    """Give the model a new head, initialised from torch's global generator."""
    untrained = type(model)(model.config)
    for name, module in untrained.named_children():
        if name != model.base_model_prefix:
            setattr(model, name, module)
    model.train(mode=False)  # as after from_pretrained


def match_head(encoder: Encoder, task: Task) -> None:
    """Put the outputs of the checkpoint's own head in the order of the task's labels, which must have the same names.

    Raises:
        UsageError: the head has other labels, or was trained for another kind of task.
    """
    model, wanted = encoder.model, problem_type(task)
    names = label_names(encoder)
    by_name = {_folded(name): id for id, name in enumerate(names)}
    order = [by_name.get(_folded(name), -1) for name in task.label_names]
    if sorted(order) != list(range(len(names))):
        raise UsageError(
            f"head=keep: the labels of {encoder.checkpoint} aren't those of the data: it has {', '.join(names)}; the "
            f"data have {', '.join(task.label_names)}. Name the data's labels as the checkpoint does, or use head=new."
        )
    came = model.config.problem_type
    if came is not None and came != wanted:
        raise UsageError(
            f"head=keep: the head of {encoder.checkpoint} was trained for {came}, but the data are for {wanted}. Use "
            "head=new."
        )
    order_outputs(encoder, order, task)


def order_outputs(encoder: Encoder, order: Sequence[int], task: Task) -> None:
    """Permute the weights of the last layer, so that output ``i``, the former ``order[i]``, is the task's label ``i``.

    Raises:
        UsageError: the model doesn't end in a linear layer with as many outputs.
    """
    model: Any = encoder.model
    body = set(model.base_model.modules())
    layers = [one for one in model.modules() if isinstance(one, nn.Linear) and one not in body]
    if not layers or layers[-1].out_features != len(order):
        raise UsageError(
            f"{encoder.checkpoint}: the last layer of a {type(model).__name__} isn't a linear layer with "
            f"{len(order)} outputs, so textclf can't reorder its labels."
        )
    with torch.no_grad():
        for parameter in layers[-1].parameters():
            parameter.copy_(parameter[list(order)].clone())
    model.config.id2label = dict(enumerate(task.label_names))
    model.config.label2id = {name: id for id, name in enumerate(task.label_names)}
    model.config.problem_type = problem_type(task)


def _folded(name: str) -> str:
    return name.strip().casefold()
