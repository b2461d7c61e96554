"""What training computes in, and steps that are looked at late, as on a GPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from trained import encoder_with_a_nan, same_bits, train

from textclf_core.cache import RowStore
from textclf_core.errors import RunError, UsageError
from textclf_core.testing import tiny_data
from textclf_core.training import precision
from textclf_core.training.frozen_prefix import PrefixRows
from textclf_core.training.precision import training_dtype
from textclf_core.training.step_results import StepResults
from textclf_plugins.training import finetune_loop
from textclf_plugins.training.finetune import Finetune

CPU = torch.device("cpu")


def test_a_cpu_trains_in_float32_by_default() -> None:
    assert training_dtype("auto", CPU) == torch.float32


def test_bfloat16_is_refused_where_the_cpu_lacks_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: False)
    with pytest.raises(UsageError, match=r"^precision=bfloat16: the device 'cpu' has no bfloat16\. Use float32"):
        train(Finetune(precision="bfloat16"), tmp_path)


def test_bfloat16_trains_to_scores_near_those_of_float32(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)  # where it hasn't, torch emulates it
    rows = tiny_data(rows=32)["test"]
    scores = [
        train(Finetune(precision=name, learning_rate=1e-3), tmp_path / name, data=tiny_data(rows=32)).classifier.scores(
            rows
        )
        for name in ("float32", "bfloat16")
    ]
    assert not np.array_equal(*scores)
    np.testing.assert_allclose(*scores, atol=0.03)


def test_steps_that_are_looked_at_late_train_to_the_same_bits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    soon = train(Finetune(epochs=2), tmp_path / "soon")
    monkeypatch.setattr(finetune_loop, "StepResults", partial(StepResults, unseen=3))
    late = train(Finetune(epochs=2), tmp_path / "late")
    assert same_bits(soon.parameters, late.parameters)
    assert soon.history == late.history


def test_a_loss_that_is_seen_late_to_be_nan_has_changed_no_weight(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(finetune_loop, "StepResults", partial(StepResults, unseen=3))
    encoder, untouched = encoder_with_a_nan(), encoder_with_a_nan()
    with pytest.raises(RunError, match=r"^the loss became nan at step 1 \(epoch 1\)"):
        train(Finetune(), tmp_path, encoder=encoder)
    for parameter, before in zip(encoder.model.parameters(), untouched.model.parameters(), strict=True):
        torch.testing.assert_close(parameter, before, rtol=0, atol=0, equal_nan=True)


def test_rows_held_on_the_device_are_those_of_the_disk(tmp_path: Path) -> None:
    store, rng = RowStore(tmp_path / "store", width=4), np.random.default_rng(0)
    keys = [bytes([number]) * 16 for number in range(5)]
    with store.writer() as writer:
        for key, tokens in zip(keys, (3, 1, 5, 2, 4), strict=True):
            writer.write([key], rng.normal(size=(1, tokens, 4)).astype(np.float32))
    held, read = (PrefixRows(store, keys, CPU, boundary=1, only_first_token=False, held=held) for held in (True, False))
    for indices in ([0], [1, 3], [4, 2, 0]):
        assert torch.equal(held.hidden(indices), read.hidden(indices))
