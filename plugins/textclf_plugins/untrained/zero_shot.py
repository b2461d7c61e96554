"""Classification by descriptions of the labels, without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class LabelTexts:
    """The sentence that describes each label."""

    template: Annotated[str, Option("A sentence in which {} stands for the label's description.")] = "This text is {}."
    descriptions: Annotated[
        tuple[str, ...],
        Option("Descriptions of labels: neg=a negative film review,pos=a positive one. Default: the label's name."),
    ] = ()

    def __post_init__(self) -> None:
        if self.template.count("{}") != 1:
            raise ValueError(f"template {self.template!r} needs {{}} once, as the place of the label's description")

    def of(self, label_names: Sequence[str]) -> tuple[str, ...]:
        """Return the sentence for each label.

        Raises:
            UsageError: a description has an unknown label.
        """
        described = dict(zip(label_names, label_names, strict=True))
        for given in self.descriptions:
            # A label's name may contain a `=` itself.
            name = next((name for name in label_names if given.startswith(f"{name}=")), given.partition("=")[0])
            if name not in described:
                raise UsageError(
                    f"descriptions={given}: the data have no label {name!r}.{did_you_mean(name, label_names)} "
                    f"Expected one of {', '.join(label_names)}, =, and its description."
                )
            described[name] = given[len(name) + 1 :]
        return tuple(self.template.replace("{}", described[name]) for name in label_names)


@dataclass(frozen=True, kw_only=True)
class ZeroShot(LabelTexts, Tokenization):
    """Without training: a model of natural language inference scores whether a text entails each label's sentence.

    The probabilities are the softmax of the entailment logits over the labels (Yin et al., 2019, "Benchmarking
    Zero-shot Text Classification"). Each text is scored once per label.
    """

    checkpoint: Annotated[
        str,
        Option("A checkpoint for natural language inference: a name on the hub, owner/name@revision, or a folder."),
    ]
    entailment: Annotated[
        str | None, Option("The checkpoint's label for entailment, if its name doesn't begin with \"entail\".")
    ] = None

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels and multi-label tasks."""
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task, workspace: Workspace, progress: Progress) -> Classifier:
        """Load the checkpoint; there is nothing to train."""
        from textclf_plugins.untrained.entailment import entailment_classifier

        return entailment_classifier(self, data["train"], task, workspace, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, workspace: Workspace) -> Classifier:
        """Load the model and the labels' sentences."""
        from textclf_plugins.untrained.entailment import EntailmentClassifier

        return EntailmentClassifier.load(directory, task, workspace.device)


@dataclass(frozen=True, kw_only=True)
class ZeroShotEmbeddings(LabelTexts, Tokenization):
    """Without training: the label whose sentence has the embedding nearest to the text's, by cosine similarity.

    Embeddings are the mean-pooled output of the model plugin's body; sentence encoders (minilm) are intended for that.
    The probabilities are the softmax of 20 times the cosine similarities, the scale in sentence-transformers' training.
    """

    needs: ClassVar[Needs] = Needs(model="headless")

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels and multi-label tasks."""
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the whole body."""
        encoder.freeze(body=True)

    @hookimpl
    def textclf_train(self, encoder: Encoder, task: Task, workspace: Workspace, progress: Progress) -> Classifier:
        """Embed the labels' sentences."""
        from textclf_plugins.untrained.nearest_label import nearest_label_classifier

        return nearest_label_classifier(self, encoder, task, workspace, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, workspace: Workspace) -> Classifier:
        """Load the body and the labels' vectors."""
        from textclf_plugins.embeddings.classifier import EmbeddingClassifier

        return EmbeddingClassifier.load(directory, task, workspace.device)
