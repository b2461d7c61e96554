"""The label whose sentence is nearest to the text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset

from textclf_core.training.frozen_prefix import cached_prefix
from textclf_core.types.task import Task
from textclf_plugins.embeddings.classifier import Embedder, EmbeddingClassifier
from textclf_plugins.logistic import LinearHead

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.untrained.zero_shot import ZeroShotEmbeddings

# The scale of sentence_transformers.losses.MultipleNegativesRankingLoss.
_SCALE = 20.0


def nearest_label_classifier(
    options: ZeroShotEmbeddings, body: Encoder, task: Task, workspace: Workspace, progress: Progress
) -> EmbeddingClassifier:
    """Return a linear head whose weights are the embeddings of the labels' sentences."""
    meter = workspace.meter
    embedder = Embedder(body, "mean", normalize=True, tokenization=options, progress=progress, meter=meter)
    sentences = Dataset.from_dict({"text": list(options.of(task.label_names))})
    vectors = embedder.vectors(embedder.tokenize(sentences, Task(task.label_names)))
    meter.trained(examples=0, non_padding_tokens=0, padded_tokens=0, flops=0.0)
    prefix = cached_prefix(body, workspace.cache, meter, progress, embedder.pooling)
    head = LinearHead(_SCALE * vectors.astype(np.float64), np.zeros(task.num_labels), task)
    return EmbeddingClassifier(dataclasses.replace(embedder, prefix=prefix), head, task)
