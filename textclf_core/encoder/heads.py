"""The head that a task asks for."""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from textclf_core.task import Task


def model_class(task: Task) -> Any:
    """Return the class of transformers that puts the task's head on a body: ``from_pretrained``, ``from_config``."""
    return AutoModelForTokenClassification if task.kind == "tokens" else AutoModelForSequenceClassification
