"""A trained checkpoint, with its outputs in the order of the data's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_plugins.models.checkpoints import load_trained
from textclf_plugins.models.classification_head import label_names, order_outputs
from textclf_plugins.untrained.label_names import match_labels

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.tokenization import Tokenization
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.untrained.task_specific import TaskSpecific


def task_specific(
    options: TaskSpecific, train: Dataset, task: Task, workspace: Workspace, progress: Progress
) -> EncoderClassifier:
    """Load the checkpoint and put its outputs in the order of the task's labels.

    Raises:
        UsageError: the checkpoint can't be loaded, isn't trained, or its labels can't be matched with the task's.
    """
    encoder = load_trained(options.checkpoint)
    names = label_names(encoder)
    order = match_labels(names, task.label_names, options.labels, options.checkpoint)
    order_outputs(encoder, order, task)
    return untrained(encoder, task, encoder.with_length(options, train, task), workspace, progress)


def untrained(
    encoder: Encoder, task: Task, tokenization: Tokenization, workspace: Workspace, progress: Progress
) -> EncoderClassifier:
    """Return the classifier of a model that isn't trained further, on the run's device, and set its cost."""
    encoder.model.requires_grad_(False)
    encoder.model.to(workspace.device)  # type: ignore[arg-type]  # the decorator around it hides its signature
    meter = workspace.meter
    meter.trained(examples=0, non_padding_tokens=0, padded_tokens=0, flops=0.0)
    meter.holds(trainable=0, total=encoder.num_parameters())
    return EncoderClassifier(encoder, task, tokenization, progress, meter=meter)
