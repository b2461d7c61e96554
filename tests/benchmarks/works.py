"""The lines of the table of speeds: what each side does, and how much faster ours is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
BOOK_RATE = 2e-5
SEEDS = 3


@dataclass(frozen=True)
class Work:
    """One line.

    Attributes:
        name: what ``--only`` calls it.
        title: what the table calls it.
        goal: how many times faster than the peer ours is to be; ``None`` where it is measured alone.
        ours: the job of ``ours.py``; whoever runs it adds the model, the data and the seed.
        peers: the jobs of ``peer.py``, likewise.
        peers_are: ``choices``, of which the fastest counts, or ``parts``, which come one after another.
        each_part: for how many of ours each part stands. The peer is then timed in the first repeat alone.
        cache: ``cold`` or ``warm``: whether the same run went before and left its frozen prefix.
        trained: whether both sides start from a model that is trained beforehand.
        note: what stands below the table.
    """

    name: str
    title: str
    goal: float | None
    ours: dict[str, Any]
    peers: tuple[dict[str, Any], ...]
    peers_are: Literal["choices", "parts"] = "choices"
    each_part: int = 1
    cache: Literal["cold", "warm"] = "cold"
    trained: bool = False
    note: str = ""


def _training(*plugins: str) -> dict[str, Any]:
    return {"do": "train", "plugins": plugins}


def _trainer(freeze: str | int, epochs: int = 1, learning_rate: float = BOOK_RATE) -> dict[str, Any]:
    return {"do": "train", "freeze": freeze, "epochs": epochs, "learning_rate": learning_rate}


def _evaluation(name: str, title: str, goal: float | None, **ours: str) -> Work:
    peers = tuple({"do": "evaluate", "batch_size": size} for size in (8, 64))
    note = "Trainer.evaluate in fp32, of batch size 8 (its default) or 64, whichever is faster; both sides get tokens."
    return Work(name, title, goal, {"do": "evaluate", **ours}, peers, trained=True, note=note)


_MULTIPLIED = (
    f"Trainer is timed once per distinct configuration, and its times are multiplied by the {SEEDS} seeds; F1 is the "
    "best configuration's."
)
_RATES = ",".join(f"{rate:g}" for rate in LEARNING_RATES)

WORKS = (
    Work("full", "full, 1 epoch", 1.7, _training("full"), (_trainer("nothing"),)),
    Work("first-4", "first 4 of 6 frozen, 1 epoch", 2.3, _training("freeze-first-n:n=4"), (_trainer(4),)),
    Work(
        "first-4-epochs-3",
        "first 4 of 6 frozen, 3 epochs",
        3.5,
        _training("freeze-first-n:n=4", "finetune:epochs=3"),
        (_trainer(4, epochs=3),),
    ),
    Work("head-only", "head only, 1 epoch", 2.8, _training("head-only"), (_trainer("body"),)),
    Work(
        "head-only-epochs-3",
        "head only, 3 epochs",
        8,
        _training("head-only", "finetune:epochs=3"),
        (_trainer("body", epochs=3),),
    ),
    Work(
        "head-only-warm",
        "head only, 1 epoch, warm cache",
        100,
        _training("head-only"),
        (_trainer("body"),),
        cache="warm",
    ),
    Work(
        "sweep",
        f"sweep n=0..6 x {SEEDS} seeds, 1 epoch",
        2.3,
        {"do": "compare", "tries": ["freeze-first-n:n=0..6"], "seeds": SEEDS},
        tuple(_trainer(blocks) for blocks in range(7)),
        peers_are="parts",
        each_part=SEEDS,
        note=_MULTIPLIED,
    ),
    Work(
        "head-grid",
        f"head only, {SEEDS} seeds x {len(LEARNING_RATES)} learning rates",
        60,
        {"do": "compare", "tries": [f"head-only + finetune:learning_rate={_RATES}"], "seeds": SEEDS},
        tuple(_trainer("body", learning_rate=rate) for rate in LEARNING_RATES),
        peers_are="parts",
        each_part=SEEDS,
        note=_MULTIPLIED,
    ),
    _evaluation("evaluation", "evaluation of test, fp32", 2.2),
    _evaluation("evaluation-onnx", "evaluation of test, fp32, onnx", 2.2, engine="onnx"),
    _evaluation("evaluation-int8", "evaluation of test, int8, onnx", None, engine="onnx-int8"),
    Work(
        "prediction",
        "texts of test to labels, fp32",
        None,
        {"do": "predict"},
        tuple({"do": "predict", "batch_size": size} for size in (1, 8, 32, 128)),
        trained=True,
        note="transformers.pipeline, of batch size 1, 8, 32 or 128, whichever is fastest; both sides get texts.",
    ),
)

OVERHEAD = "overhead"
OVERHEAD_GOAL = 0.05
