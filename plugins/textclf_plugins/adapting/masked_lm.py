"""The training loop of ``continued-pretraining``, and the cache of its result."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from textclf_core.encoder.computation import UnknownComputationError, config_facts, tensor_sha256
from textclf_core.errors import RunError
from textclf_core.training.batching import LengthGroupedBatches, batches_by_length, tokens_at_once
from textclf_core.training.flops import EncoderFlops, count_flops
from textclf_core.training.parameters import decay_groups
from textclf_core.training.schedule import linear_schedule
from textclf_plugins.adapting.corpus import Corpus, read_corpus
from textclf_plugins.adapting.masking import IGNORED, Masking

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.record import Fact
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.adapting.continued_pretraining import ContinuedPretraining

logger = logging.getLogger("textclf")

# Part of the cache key; raise it with any change of the code that changes weights or perplexities.
_VERSION = 2
_WEIGHTS = "body.safetensors"
_FACTS = "perplexity.json"
_MAX_GRAD_NORM = 1.0
_PILOT_STEPS = 4


def adapt(
    options: ContinuedPretraining,
    encoder: Encoder,
    train: Dataset,
    task: Task,
    workspace: Workspace,
    progress: Progress,
) -> dict[str, Fact]:
    """Train the encoder's body on the texts of ``train``, and return the facts for the record.

    Raises:
        DataError: there are too few texts, or the file of further texts can't be read.
        RunError: the loss isn't finite.
        UsageError: the model supports no masked language modelling, or the tokenizer has no mask token.
    """
    masking = Masking(encoder.tokenizer, options.masking, options.probability)
    with workspace.meter.time("adapt/tokenize"):
        corpus = read_corpus(options, encoder, train, task, pilot=workspace.pilot)
    # Forked so that later random numbers of the run don't depend on whether the model came from the cache.
    with torch.random.fork_rng(devices=[encoder.model.device] if encoder.model.device.type == "cuda" else []):
        torch.manual_seed(options.seed)
        masked = encoder.with_head("masked-lm")
        work = _Pretraining(options, masked, corpus, masking, workspace, progress)
        about = (
            f"{encoder.checkpoint} after {work.steps} steps of masked language modelling on {len(corpus.train)} texts"
        )
        made: list[Path] = []

        def make(folder: Path) -> None:
            made.append(folder)
            (folder / _FACTS).write_text(json.dumps(work.run()), encoding="utf-8")
            if options.train == "all":
                save_file(_body(encoder), folder / _WEIGHTS)

        with _shared(options, masked, corpus, masking, workspace, make, about) as folder:
            perplexity: dict[str, Fact] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            if options.train == "all":
                _load(encoder, load_file(folder / _WEIGHTS))
    if masked.fresh_head:
        logger.info(
            "continued-pretraining: %s has no head for masked language modelling, so it got an untrained one",
            encoder.checkpoint,
        )
    if not made:
        logger.info("continued-pretraining: reusing the adapted model of an earlier run")
    return {
        "texts": len(corpus.train),
        "extra_texts": corpus.extra,
        "held_out_texts": len(corpus.held_out),
        "steps": work.steps,
        "trained": "head and body" if options.train == "all" else "head",
        "head": "untrained" if masked.fresh_head else "of the checkpoint",
        **perplexity,
        "from_cache": not made,
    }


@dataclass(frozen=True)
class _Pretraining:
    options: ContinuedPretraining
    masked: Encoder
    corpus: Corpus
    masking: Masking
    workspace: Workspace
    progress: Progress

    @property
    def batches(self) -> LengthGroupedBatches:
        lengths = [len(ids) for ids in self.corpus.train["input_ids"]]
        return LengthGroupedBatches(lengths, self.options.batch_size, self.options.seed)

    @property
    def steps(self) -> int:
        """Optimizer steps of a full run."""
        return self.options.steps or self.options.epochs * -(-self.corpus.whole // self.options.batch_size)

    def run(self) -> dict[str, float]:
        """Train, and return the perplexity on the held-out texts before and after."""
        model = self.masked.model
        try:
            if self.options.train == "head":
                self.masked.freeze(body=True)
            before = self.perplexity()
            self._train()
            after = self.perplexity()
        finally:
            model.requires_grad_(True)
        return {"perplexity_before": before, "perplexity_after": after}

    def perplexity(self) -> float:
        """Return exp of the mean cross-entropy of the masked tokens of the held-out texts, the same ones each time."""
        masked, rows, started = self.masked, self.corpus.held_out, time.perf_counter()
        generator = torch.Generator().manual_seed(self.options.seed)
        loss, count = 0.0, 0
        masked.model.train(False)
        with self.workspace.meter.time("adapt/perplexity"), torch.inference_mode():
            lengths = [len(ids) for ids in rows["input_ids"]]
            for indices in batches_by_length(lengths, tokens_at_once(masked.model.device.type)):
                batch, labels = self.masking(masked.collate(rows.__getitems__(indices)), generator)
                chosen = labels != IGNORED
                logits = _chosen_logits(masked.model, batch, chosen)
                loss += cross_entropy(logits.float(), labels[chosen], reduction="sum").item()
                count += int(chosen.sum())
        if self.workspace.pilot:
            share = self.corpus.whole / len(self.corpus.train) - 1
            self.workspace.meter.skip((time.perf_counter() - started) * share)
        return math.exp(min(loss / max(count, 1), 700.0))

    def _train(self) -> None:
        options, masked, train = self.options, self.masked, self.corpus.train
        model, meter = masked.model, self.workspace.meter
        flops = _Flops.of(masked)
        batches = self.batches
        generator = torch.Generator().manual_seed(options.seed)
        optimizer = torch.optim.AdamW(decay_groups(model, options.weight_decay), lr=options.learning_rate, fused=True)
        warmup_steps = math.ceil(options.warmup * self.steps)
        steps = min(self.steps, _PILOT_STEPS) if self.workspace.pilot else self.steps
        started = time.perf_counter()
        with masked.frozen_in_eval(), self.progress.bar("masked-lm", steps) as bar:
            model.train()
            for step, indices in zip(range(1, steps + 1), _endlessly(batches), strict=False):
                with meter.time("adapt/steps"):
                    rate = options.learning_rate * linear_schedule(step, warmup_steps, self.steps)
                    for group in optimizer.param_groups:
                        group["lr"] = rate
                    batch, labels = self.masking(masked.collate(train.__getitems__(indices)), generator)
                    chosen = labels != IGNORED
                    meter.adapt_flops += flops.step(labels, int(chosen.sum()))
                    if not chosen.any():  # possible with a few short texts
                        continue
                    loss = cross_entropy(_chosen_logits(model, batch, chosen).float(), labels[chosen])
                    if not math.isfinite(loss.item()):
                        raise RunError(
                            f"continued-pretraining: the loss became {loss.item()} at step {step}. A lower "
                            f"learning_rate (now {options.learning_rate:g}) or more warmup usually helps."
                        )
                    loss.backward()  # type: ignore[no-untyped-call]
                    nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRAD_NORM)
                    optimizer.step()
                    optimizer.zero_grad(set_to_none=True)
                bar.advance(note=f"loss {loss.item():.3f}")
        if steps < self.steps:
            meter.skip((time.perf_counter() - started) / steps * (self.steps - steps))


def _endlessly(batches: LengthGroupedBatches) -> Iterator[list[int]]:
    epoch = 0
    while True:
        yield from batches.epoch(epoch)
        epoch += 1


def _chosen_logits(model: PreTrainedModel, batch: dict[str, Tensor], chosen: Tensor) -> Tensor:
    """Return the logits of the chosen tokens, float, shape (chosen, vocabulary).

    The head treats tokens independently and its output layer is as large as the vocabulary, so to save time and
    memory it gets only the chosen tokens.
    """
    with _head_sees(model, lambda hidden: hidden[chosen].unsqueeze(0)):
        logits: Tensor = model(**batch).logits[0]
    return logits


@contextmanager
def _head_sees(model: PreTrainedModel, choose: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Apply ``choose`` to the body's output, float, shape (rows, tokens, width), before the head gets it."""

    def replace(_: nn.Module, arguments: tuple[Any, ...], output: Any) -> Any:
        output.last_hidden_state = choose(output.last_hidden_state)
        return output

    handle = model.base_model.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


@dataclass(frozen=True)
class _Flops:
    """FLOPs of a step: of the body for the whole batch, and of the head for each chosen token."""

    body: EncoderFlops
    head_of_a_token: float

    @classmethod
    def of(cls, masked: Encoder) -> _Flops:
        whole = count_flops(masked)
        with _head_sees(masked.model, lambda hidden: hidden[:, :0]):
            body = count_flops(masked)
        of_a_token = whole.forward.b - body.forward.b + whole.backward.b - body.backward.b
        return cls(body, of_a_token)

    def step(self, batch: Tensor, chosen: int) -> float:
        rows, length = batch.shape
        return self.body.train_step(rows, length) + chosen * self.head_of_a_token


def _body(encoder: Encoder) -> dict[str, Tensor]:
    return {name: values.detach().cpu().contiguous() for name, values in encoder.model.base_model.named_parameters()}


def _load(encoder: Encoder, weights: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in encoder.model.base_model.named_parameters():
            parameter.copy_(weights[name])


@contextmanager
def _shared(
    options: ContinuedPretraining,
    masked: Encoder,
    corpus: Corpus,
    masking: Masking,
    workspace: Workspace,
    make: Callable[[Path], None],
    about: str,
) -> Iterator[Path]:
    """Yield the folder that ``make`` filled, in this run or an earlier one.

    Where the model's computation can't be identified, nothing is cached and the folder is a temporary one.
    """
    try:
        key = _key(options, masked, corpus, masking, workspace)
    except UnknownComputationError as why:
        logger.info("continued-pretraining: the adapted model isn't cached for other runs. %s", why)
        with TemporaryDirectory() as folder:
            make(Path(folder))
            yield Path(folder)
        return
    with workspace.reuse(key, make, about) as shared:
        yield shared


def _key(
    options: ContinuedPretraining, masked: Encoder, corpus: Corpus, masking: Masking, workspace: Workspace
) -> dict[str, object]:
    """Return everything that could change the adapted weights; token ids represent texts, tokenizer and lengths."""
    model = masked.model
    settings = {
        name: value
        for name, value in asdict(options).items()
        if name not in ("extra", "epochs", "max_length", "truncation")
    }
    parameters = sorted(model.named_parameters())
    return {
        "options": settings,
        "what": "continued-pretraining",
        "version": _VERSION,
        "weights": tensor_sha256(values for _, values in parameters),
        "names": [name for name, _ in parameters],
        "computation": masked.computation_digests(None, whole=True),
        "adapted": [one.sha256 for one in masked.origin],
        "config": config_facts(model.config),
        "train": _rows_digest(corpus.train),
        "held out": _rows_digest(corpus.held_out),
        "vocabulary": masking.digest,
        "whole": corpus.whole,
        "attention": model.config._attn_implementation,
        "pilot": workspace.pilot,
    }


def _rows_digest(rows: Dataset) -> str:
    return hashlib.sha256(json.dumps(rows[:], sort_keys=True).encode()).hexdigest()
