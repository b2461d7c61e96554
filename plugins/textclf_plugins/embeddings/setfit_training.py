"""The training of the plugin ``setfit``, with the library setfit."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from accelerate.utils import patch_environment
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from textclf_core.data.sampling import TrainSize, sample_rows
from textclf_core.errors import RunError, UsageError
from textclf_core.training.flops import count_embedding_flops
from textclf_core.types.meter import STEPS
from textclf_plugins.embeddings.classifier import Embedder, EmbeddingClassifier
from textclf_plugins.embeddings.fit import fit_head
from textclf_plugins.embeddings.pairs import draw_pairs

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.meter import Meter
    from textclf_core.types.progress import Bar, Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.embeddings.setfit import SetFit

if find_spec("setfit") is None:
    raise UsageError('setfit: needs the library setfit: pip install "textclf-core[setfit]".')

import setfit
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.input_module import InputModule
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss
from setfit.model_card import ModelCardCallback
from transformers import PrinterCallback, ProgressCallback

logger = logging.getLogger("textclf")


def train_setfit(
    options: SetFit,
    body: Encoder,
    data: DatasetDict,
    task: Task,
    seed: int,
    data_seed: int,
    workspace: Workspace,
    progress: Progress,
) -> EmbeddingClassifier:
    """Fine-tune the trainable parameters of the body on pairs, and fit a logistic regression on its embeddings.

    Raises:
        DataError: a label has fewer examples than ``shots``.
        RunError: the loss of a step isn't finite.
        UsageError: the body is entirely frozen, or the library can't use the device.
    """
    if workspace.device not in ("cpu", "cuda", "cuda:0", "mps"):
        raise UsageError(
            f"setfit: the library chooses the GPU itself, so it can't train on {workspace.device!r}. Make only that "
            "GPU visible (CUDA_VISIBLE_DEVICES=1) and leave the device out."
        )
    if not body.trainable_names():
        raise UsageError(
            "setfit: fine-tunes the body, but the strategy freezes all of it. For a frozen body use the trainer "
            "embedding-logreg."
        )
    train, meter = data["train"], workspace.meter
    if options.shots is not None:
        size = TrainSize(per_class=options.shots)
        train = train.select(sample_rows(train["label"][:], size, data_seed, task.label_names))
        logger.info("setfit: training on %d examples of train, %d per label", len(train), options.shots)
    embedder = Embedder(body, "mean", options.normalize, options, progress, meter=meter)
    with meter.time("train/tokenize"):
        rows = embedder.tokenize(train, task)
    _train_body(options, embedder, rows, seed, workspace, progress)
    return fit_head("setfit", embedder, train, data["validation"], task, options.c, meter)


def _train_body(
    options: SetFit,
    embedder: Embedder,
    rows: Dataset,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> None:
    body = embedder.body
    labels = rows["label"][:]
    pairs = 2 * options.iterations * len(rows)
    workspace.add_facts(pairs=pairs)
    steps = options.epochs * math.ceil(pairs / options.batch_size)
    module = _Body(embedder, rows, workspace.meter)
    with _quiet_setfit(), _on_device(workspace.device), progress.bar("train", steps) as bar, body.frozen_in_eval():
        trainer = _Trainer(
            SentenceTransformer(modules=[module], device=workspace.device),
            setfit.TrainingArguments(
                output_dir=str(workspace.directory),
                batch_size=options.batch_size,
                num_epochs=options.epochs,
                num_iterations=options.iterations,
                body_learning_rate=options.learning_rate,
                l2_weight=options.weight_decay,
                warmup_proportion=options.warmup,
                seed=seed % 2**32,
                report_to="none",
                logging_strategy="no",
                save_strategy="no",
            ),
            bar,
        )
        # The library gets row numbers in place of texts; _Body looks the rows up.
        with workspace.meter.time(STEPS):
            trainer.train_embeddings([str(row) for row in range(len(rows))], labels)
    body.model.to(workspace.device)  # type: ignore[arg-type]  # the decorator around it hides its signature
    body.model.train(False)


@contextmanager
def _quiet_setfit() -> Iterator[None]:
    """Limit the library's logging to errors."""
    before = setfit.logging.get_verbosity()
    setfit.logging.set_verbosity_error()
    try:
        yield
    finally:
        setfit.logging.set_verbosity(before)


def _on_device(device: str) -> AbstractContextManager[Any]:
    """Keep the library on the CPU if the run is on the CPU; by default it uses a GPU if there is one."""
    return patch_environment(ACCELERATE_USE_CPU="true") if device == "cpu" else nullcontext()


class _Trainer(setfit.Trainer):  # type: ignore[misc]  # the library has no types
    """The library's trainer, with pairs drawn from the run's seed.

    The library's own pairs are shuffled with a constant seed and need memory quadratic in the examples. This trainer
    shows no progress bar of its own and writes no model card (which may ask the hub); a loss that isn't finite is an
    error.
    """

    def __init__(self, body: SentenceTransformer, arguments: setfit.TrainingArguments, bar: Bar) -> None:
        model = setfit.SetFitModel(model_body=body, model_head=LogisticRegression())
        super().__init__(model=model, args=arguments)
        for callback in (ProgressCallback, PrinterCallback, ModelCardCallback):
            self.st_trainer.remove_callback(callback)
        self.st_trainer.args.dataloader_pin_memory = False  # it warns where there is no GPU
        self.st_trainer.args._n_gpu = min(self.st_trainer.args.n_gpu, 1)
        self._bar = bar

    def get_dataset(
        self, x: Sequence[str], y: Sequence[int], args: setfit.TrainingArguments, max_pairs: int = -1
    ) -> tuple[Dataset, nn.Module]:
        """Return the pairs and the loss: the squared difference between their cosine and 1 or 0."""
        pairs = draw_pairs(y, args.num_iterations, args.seed)
        columns = {
            "sentence_1": [x[pair.first] for pair in pairs],
            "sentence_2": [x[pair.second] for pair in pairs],
            "label": [pair.same for pair in pairs],
        }
        return Dataset.from_dict(columns), CosineSimilarityLoss(self.model.model_body, loss_fct=_Loss(self._bar))


class _Loss(nn.MSELoss):
    """The mean squared error, which checks and shows the loss of each step."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Raises:
            RunError: it isn't finite.
        """
        loss = super().forward(input, target)
        value = loss.item()
        if not math.isfinite(value):
            raise RunError(f"the loss became {value} at step {self._bar.done + 1}. A lower learning_rate may help.")
        self._bar.advance(note=f"loss {value:.3f}")
        return loss


class _Body(InputModule):
    """The body of an encoder as a module of sentence-transformers, whose inputs are indices of tokenized rows."""

    def __init__(self, embedder: Embedder, rows: Dataset, meter: Meter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = embedder.body.model
        self.tokenizer = embedder.body.tokenizer
        self._encoder, self._pooling = embedder.body, embedder.pooling
        self._rows = rows.remove_columns("label")
        self._meter = meter
        self._flops = count_embedding_flops(embedder.body, embedder.pooling)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Tensor]:
        """Return the rows with these indices as a batch."""
        return self._encoder.collate(self._rows.__getitems__([int(number) for number in inputs]))

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the rows' vectors to ``features``, and count the cost of the vectors and their gradients."""
        batch: dict[str, Tensor] = {name: features[name] for name in self._rows.column_names if name in features}
        shape = batch["input_ids"].shape
        self._meter.trained(
            examples=shape[0],
            non_padding_tokens=int(batch["attention_mask"].sum()),
            padded_tokens=shape.numel(),
            flops=self._flops.train_step(*shape),
        )
        return {**features, "sentence_embedding": self._encoder.embed(batch, self._pooling)}

    def get_embedding_dimension(self) -> int:
        """Return the vectors' width."""
        return int(self.model.config.hidden_size)

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Refuse: the classifier saves the body."""
        raise NotImplementedError

    @classmethod
    def load(cls, *_: Any, **__: Any) -> _Body:
        """Refuse: the classifier loads the body."""
        raise NotImplementedError
