"""How long dropout takes on a CPU: torch's, and ours keyed by seed, step and module.

    OMP_NUM_THREADS=1 python tests/benchmarks/dropout_times.py

prints milliseconds, the least of 30 repeats: of one mask at MiniLM's shapes (16 rows of 32 tokens), then of a forward
and a backward pass of a whole MiniLM.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from textclf_core.encoder.dropout import DropoutMasks, KeyedDropout
from textclf_core.plugins import Catalogue, activate
from textclf_core.types.task import Task

RATE = 0.1
SHAPES = {
    "hidden states": (16, 32, 384),
    "attention": (16, 12, 32, 32),
    "the first token's hidden states": (16, 1, 384),
    "the first token's attention": (16, 12, 1, 32),
}


def main() -> None:
    """Measure and print the table."""
    print(f"{'':<36}{'torch':>10}{'keyed':>10}")
    for what, shape in SHAPES.items():
        values = torch.randn(shape)
        masks = DropoutMasks(0, 1)
        ours = _least(lambda values=values, masks=masks: values * masks.draw("a", values.shape, RATE))
        theirs = _least(lambda values=values: torch.nn.functional.dropout(values, RATE, training=True))
        print(f"{what:<36}{theirs:10.3f}{ours:10.3f}")
    task = Task(("negative", "positive"))
    model = activate(["minilm"], Catalogue.discover()).hook.textclf_build_model(task=task, seed=0).model.train()
    ids, dropout = torch.randint(1000, 30000, (16, 32)), KeyedDropout(model, seed=0)

    def step(context: Callable[[], AbstractContextManager[None]]) -> None:
        with context():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        logits.sum().backward()

    times = [_least(lambda context=context: step(context)) for context in (nullcontext, lambda: dropout.drawing(1))]
    print(f"{'a forward and a backward pass':<36}{times[0]:10.1f}{times[1]:10.1f}")


def _least(measured: Callable[[], object]) -> float:
    """Return the least milliseconds of 30 calls, after one to warm up."""
    seconds = []
    for _ in range(31):
        began = time.perf_counter()
        measured()
        seconds.append(time.perf_counter() - began)
    return 1000 * min(seconds[1:])


if __name__ == "__main__":
    main()
