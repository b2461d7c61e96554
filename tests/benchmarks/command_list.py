"""The commands of ``thirty_commands.py``; ``command_data.py`` writes the models and texts that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

TINY = "hf-model:checkpoint=tiny"
REVIEWS = (TINY, "files:path=reviews")
TOPIC = (TINY, "files:path=topics")
OPINIONS = (TINY, "conll:path=opinions")
MINILM = ("minilm", "files:path=reviews")
FINETUNE = "finetune:batch_size=8,learning_rate=3e-3"
_PLACES = ("--output", "{own}/runs", "--device", "cpu")


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: its name for ``--only``.
        arguments: the arguments of ``textclf``. ``{own}`` is its folder, with ``runs`` for runs and ``output`` for
            other files.
        after: the command that runs before it, whose run is ``{run}``.
        warm: whether it uses that command's cache, instead of an empty one.
    """

    name: str
    arguments: tuple[str, ...]
    after: str | None = None
    warm: bool = False


def _run(name: str, *plugins: str, more: Sequence[str] = (), after: str | None = None, warm: bool = False) -> Command:
    return Command(name, ("run", *_each("--plugin", plugins), *more, *_PLACES), after, warm)


def _compare(name: str, plugins: Sequence[str], tries: Sequence[str], *more: str) -> Command:
    return Command(name, ("compare", *_each("--plugin", plugins), *_each("--try", tries), *more, *_PLACES))


def _predict(name: str, after: str, texts: str, answers: str = "answers.csv", engine: str = "torch") -> Command:
    where = ("--input", texts, "--text", "text", "--output", f"{{own}}/output/{answers}")
    return Command(name, ("predict", "{run}", *where, "--engine", engine, "--device", "cpu"), after)


def _each(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)


COMMANDS = (
    _run("full", *REVIEWS, "full", f"{FINETUNE},epochs=3,warmup=0.1,keep=best"),
    _predict("predict", "full", "reviews/test.csv"),
    _predict("predict-onnx", "full", "reviews/test.csv", engine="onnx"),
    _predict("predict-onnx-int8", "full", "reviews/test.csv", engine="onnx-int8"),
    Command("export", ("export", "{run}", "{own}/output/model"), after="full"),
    _run(
        "resumed",
        *REVIEWS,
        "full",
        f"{FINETUNE},epochs=3,warmup=0.1,keep=best,resume={{run}}/checkpoints/epoch-2",
        after="full",
    ),
    _run("head-only", *REVIEWS, "head-only", f"{FINETUNE},epochs=4"),
    _run("replaced-steps", *REVIEWS, "augment", "adversarial", "adafactor", "cosine", f"{FINETUNE},epochs=2"),
    _run("freeze-first-n", *REVIEWS, "freeze-first-n:n=2", f"{FINETUNE},epochs=3"),
    _run(
        "deeper-prefix",
        *REVIEWS,
        "freeze-first-n:n=3",
        f"{FINETUNE},epochs=2",
        more=("--seed", "1"),
        after="freeze-first-n",
        warm=True,
    ),
    _compare(
        "frozen-parts",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        (
            "freeze-last-n:n=2",
            "freeze-embeddings",
            "freeze-pattern:pattern=attention",
            "bitfit",
            "layernorm-only",
            "discriminative-lr:groups=2",
            "layerwise-lr-decay + freeze-first-n:n=1",
            f"early-stopping:patience=1 + {FINETUNE},epochs=6,keep=best",
        ),
        *("--seeds", "1", "--no-baselines"),
    ),
    _run("gradual-unfreeze", *REVIEWS, "gradual-unfreeze:blocks=2", f"{FINETUNE},epochs=4"),
    _run(
        "linear-probe-then-finetune",
        *REVIEWS,
        "linear-probe-then-finetune:probe_epochs=2",
        "freeze-first-n:n=1",
        f"{FINETUNE},epochs=2",
    ),
    _run("freeze-auto", *REVIEWS, "freeze-auto:intervals=3", f"{FINETUNE},epochs=3"),
    _run("lora", *REVIEWS, "lora:r=4,dropout=0.1", "freeze-first-n:n=1", f"{FINETUNE},epochs=2"),
    _compare(
        "continued-pretraining",
        (*REVIEWS, "continued-pretraining:epochs=2,masking=whole-word"),
        (f"head-only + {FINETUNE},epochs=2", "embedding-logreg"),
        *("--seeds", "2", "--no-baselines"),
    ),
    _compare(
        "trainers",
        REVIEWS,
        (
            "freeze-first-n:n=1 + hf-trainer:batch_size=8,learning_rate=3e-3,epochs=2",
            "embedding-logreg",
            "embedding-logreg:pooling=first-token,normalize=false",
            "setfit:shots=8,iterations=2,learning_rate=1e-3",
            "zero-shot-embeddings:template=a {} picture",
            "zero-shot:checkpoint=inference,template=a {} picture",
            "task-specific:checkpoint=classifier",
        ),
        *("--seeds", "1"),
    ),
    _run(
        "weighted",
        TINY,
        "files:path=verdicts,text=review,label=verdict",
        "full",
        f"{FINETUNE},epochs=2,micro_batch_size=3,class_weights=balanced,focal_gamma=2,label_smoothing=0.1",
        "mcc",
        "precision-recall",
    ),
    _run(
        "two-columns",
        TINY,
        "files:path=columns,text=title,body,label=label",
        "full",
        f"{FINETUNE},epochs=2,max_length=9,truncation=tail",
    ),
    _run(
        "three-columns",
        TINY,
        "files:path=columns,text=title,body,closing,label=label",
        "freeze-first-n:n=2",
        f"{FINETUNE},epochs=2,max_length=p50,truncation=head+tail,micro_batch_size=3",
    ),
    _run(
        "held-out",
        TINY,
        "files:path=reviews/train.csv",
        "freeze-first-n:n=1",
        f"{FINETUNE},epochs=2",
        "calibration",
        "threshold:abstain_below=0.6",
        more=("--seed", "3", "--data-seed", "1"),
    ),
    _run("several-labels", *TOPIC, "full", f"{FINETUNE},epochs=3,class_weights=balanced", "threshold"),
    _compare(
        "several-labels-compared",
        TOPIC,
        (
            f"head-only + {FINETUNE},epochs=3 + calibration",
            "embedding-logreg + threshold:recall=0.9",
            "tfidf-logreg + threshold",
        ),
        *("--seeds", "2"),
    ),
    _run("words", *OPINIONS, "full", f"{FINETUNE},epochs=3"),
    _predict("predict-words", "words", "opinions/texts.jsonl", "answers.jsonl"),
    _compare(
        "words-compared",
        (*OPINIONS, f"{FINETUNE},epochs=2,max_length=12"),
        ("head-only", "freeze-first-n:n=2"),
        *("--seeds", "2"),
    ),
    _compare(
        "joint-heads",
        (*REVIEWS, "threshold"),
        (f"head-only + {FINETUNE},3e-2,epochs=3,keep=best", "freeze-first-n:n=4"),
        *("--seeds", "3", "--no-baselines"),
    ),
    _compare(
        "train-sizes",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        ("head-only", "freeze-first-n:n=3"),
        *("--seeds", "2", "--train-size", "8/class,50%,100%", "--no-baselines"),
    ),
    _compare(
        "tuned",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        ("head-only", "freeze-first-n:n=3"),
        *("--seeds", "2", "--tune", "learning_rate=1e-4..1e-1", "--trials", "3", "--no-baselines"),
    ),
    _run("minilm", *MINILM, "full", "finetune:batch_size=16,learning_rate=1e-4,checkpoints=0"),
    _compare(
        "minilm-compared",
        (*MINILM, "finetune:batch_size=16,checkpoints=0"),
        (
            "head-only + finetune:epochs=3,learning_rate=1e-3,1e-2",
            "freeze-first-n:n=4 + finetune:learning_rate=1e-4,epochs=2",
            "zero-shot-embeddings:template=This is a {} review.",
        ),
        *("--seeds", "2", "--no-baselines"),
    ),
)
BY_NAME = {command.name: command for command in COMMANDS}


def chains(names: Sequence[str]) -> list[list[Command]]:
    """Return lists of commands to run in order: the named ones, and those that must run before them."""
    wanted = {*names, *(first for name in names if (first := BY_NAME[name].after))}
    starts = [command for command in COMMANDS if command.name in wanted and command.after is None]
    return [
        [start, *(command for command in COMMANDS if command.name in wanted and command.after == start.name)]
        for start in starts
    ]
