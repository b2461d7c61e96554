"""The optimizer of heads that train jointly is torch's, for each cell."""

from __future__ import annotations

import pytest
import torch

from textclf_plugins.training.stacked_heads import StackedAdamW

RATES = (1e-3, 1e-2, 0.1)
WEIGHT_DECAYS = (0.0, 0.01, 0.3)
SHAPES = {"weight": (4, 3), "bias": (4,)}


@pytest.mark.parametrize("clip", [1.0, 0.25])
def test_each_cell_gets_what_torch_gives_it_alone(clip: float) -> None:
    """Three cells of other rates and weight decays, twenty steps at falling rates; the bias doesn't decay."""
    generator = torch.Generator().manual_seed(0)
    start = {name: torch.randn(3, *shape, generator=generator) for name, shape in SHAPES.items()}
    gradients = [
        {name: torch.randn(3, *shape, generator=generator) for name, shape in SHAPES.items()} for _ in range(20)
    ]
    stacked = {name: values.clone() for name, values in start.items()}
    together = StackedAdamW(stacked, torch.tensor(WEIGHT_DECAYS), decaying={"weight"})
    for step, given in enumerate(gradients):
        together.step(given, torch.full((3,), clip), torch.tensor(RATES) / (1 + step))
    for cell, (rate, decay) in enumerate(zip(RATES, WEIGHT_DECAYS, strict=True)):
        alone = {name: values[cell].clone().requires_grad_() for name, values in start.items()}
        optimizer = torch.optim.AdamW(
            [{"params": [alone["weight"]], "weight_decay": decay}, {"params": [alone["bias"]], "weight_decay": 0.0}]
        )
        for step, given in enumerate(gradients):
            for group in optimizer.param_groups:
                group["lr"] = rate / (1 + step)
            for name, values in alone.items():
                values.grad = clip * given[name][cell]
            optimizer.step()
        for name, values in alone.items():
            torch.testing.assert_close(stacked[name][cell], values.detach(), rtol=1e-5, atol=1e-6)
