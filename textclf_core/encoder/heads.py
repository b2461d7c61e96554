"""Heads for the body of a model: those of the tasks, and the one for masked language modelling."""

from __future__ import annotations

from typing import Any

import transformers
from transformers import AutoModelForMaskedLM, PreTrainedModel

from textclf_core.errors import UsageError
from textclf_core.system.hub import model_places, quiet
from textclf_core.tasks import kind_of
from textclf_core.types.task import Task


def model_class(task: Task) -> Any:
    """Return the auto class of transformers whose models have the task's head."""
    return getattr(transformers, kind_of(task).auto_model)


def problem_type(task: Task) -> str | None:
    """Return ``problem_type`` of a model's configuration, by which pipelines turn logits into scores."""
    return kind_of(task).problem_type


def masked_lm(model: PreTrainedModel, revision: str | None) -> tuple[PreTrainedModel, bool]:
    """Return a model for masked language modelling around the body of ``model``, and whether its head is untrained.

    If the model was loaded from a checkpoint that has such a head, that head is used. The output layer shares the
    weights of the word embeddings in families that tie them.

    Raises:
        UsageError: transformers has no such head for a model of this family, or it has a decoder.
    """
    source = model.name_or_path
    if getattr(model.config, "is_encoder_decoder", False):
        raise UsageError(
            f"a model of the family {model.config.model_type!r} has a decoder, so it isn't trained by masked language "
            "modelling."
        )
    try:
        # The loading report would list the classifier's weights as unexpected, and the new head's as missing.
        with quiet("transformers.modeling_utils"):
            if source:
                masked, report = AutoModelForMaskedLM.from_pretrained(
                    source,
                    revision=revision or "main",
                    **model_places(local=True),
                    dtype=model.dtype,
                    output_loading_info=True,
                )
                missing = set(report["missing_keys"])
            else:
                masked = AutoModelForMaskedLM.from_config(model.config)  # type: ignore[no-untyped-call]
                missing = {name for name, _ in masked.named_parameters()}
    except ValueError as error:
        raise UsageError(
            f"transformers has no head for masked language modelling for the family {model.config.model_type!r}."
        ) from error
    setattr(masked, masked.base_model_prefix, model.base_model)
    masked.tie_weights()
    masked.to(model.device).train(model.training)
    fresh = any(not name.startswith(f"{masked.base_model_prefix}.") for name in missing)
    return masked, fresh
