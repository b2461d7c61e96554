"""Fitting a logistic regression on embeddings, with its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.training.frozen_prefix import cached_prefix
from textclf_core.types.meter import STEPS
from textclf_plugins.embeddings.classifier import Embedder, EmbeddingClassifier
from textclf_plugins.logistic import fit_logistic

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.meter import Meter
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.embeddings.logreg import EmbeddingLogreg


def fit_on_embeddings(
    options: EmbeddingLogreg,
    body: Encoder,
    data: DatasetDict,
    task: Task,
    workspace: Workspace,
    progress: Progress,
) -> EmbeddingClassifier:
    """Fit a logistic regression on the embeddings of a frozen body, which are cached."""
    meter = workspace.meter
    prefix = cached_prefix(body, workspace.cache, meter, progress, options.pooling)
    embedder = Embedder(body, options.pooling, options.normalize, options, progress, prefix, meter)
    classifier = fit_head("embedding-logreg", embedder, data["train"], data["validation"], task, options.c, meter)
    meter.trained(
        examples=len(data["train"]),
        non_padding_tokens=(tokens := sum(map(len, embedder.tokenize(data["train"], task)["input_ids"]))),
        padded_tokens=tokens,
        flops=0.0,  # counted where they are computed
    )
    return classifier


def fit_head(
    name: str,
    embedder: Embedder,
    train: Dataset,
    validation: Dataset,
    task: Task,
    c: float | None,
    meter: Meter,
) -> EmbeddingClassifier:
    """Fit a logistic regression on the embeddings of train; see :func:`~textclf_plugins.logistic.fit_logistic`."""
    with meter.time("train/tokenize"):
        rows, validation_rows = embedder.tokenize(train, task), embedder.tokenize(validation, task)
    features = embedder.vectors(rows, training=True)
    with meter.time("train/validate"):
        validation_features = embedder.vectors(validation_rows) if c is None else None
    with meter.time(STEPS):
        fitted = fit_logistic(name, features, train["label"], validation_features, validation["label"], task, c)
    numbers = fitted.head.weights.size + fitted.head.intercept.size
    # Per iteration: a product with the weights for the logits, and one for the gradient.
    meter.flops += 4.0 * features.shape[0] * fitted.head.weights.size * fitted.iterations
    meter.holds(trainable=numbers, total=numbers)
    return EmbeddingClassifier(embedder, fitted.head, task)
