"""Class weights, label smoothing and focal loss: the numbers, and that every trainer means the same by them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from trained import TASK, largest_difference, train

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.plugins.options import build_plugin
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.loss import Loss, class_weights
from textclf_core.types.task import NO_LABEL, Task
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-3.0, 4.0, 1.0], [0.0, 0.0, 0.0]])
LABELS = torch.tensor([0, 2, 1, 1])
THREE = Task(("a", "b", "c"))
ALL = {"class_weights": (1.0, 3.0), "label_smoothing": 0.1, "focal_gamma": 2.0}


def loss_of(labels: torch.Tensor = LABELS, **options: Any) -> Loss:
    return Loss.of(Finetune(**options), THREE, labels.tolist(), torch.device("cpu"))


def balanced(loss: Loss) -> torch.Tensor:
    weights = class_weights("balanced", loss.task, loss.class_counts)
    assert weights is not None
    return weights


# The numbers


def test_by_default_it_is_torchs_cross_entropy() -> None:
    assert loss_of()(LOGITS, LABELS) == cross_entropy(LOGITS, LABELS, reduction="none").sum()


def test_smoothed_labels_are_torchs() -> None:
    wanted = cross_entropy(LOGITS, LABELS, reduction="sum", label_smoothing=0.2)
    assert loss_of(label_smoothing=0.2)(LOGITS, LABELS) == wanted


def test_class_weights_are_torchs_scaled_to_a_mean_of_1_over_train() -> None:
    # Of the four rows of train, labels 0, 1 and 2 have one, two and one: 1 + 2 * 2 + 5 is 10.
    wanted = cross_entropy(LOGITS, LABELS, torch.tensor([1.0, 2.0, 5.0]) * 4 / 10, reduction="sum")
    assert loss_of(class_weights=(1, 2, 5))(LOGITS, LABELS) == pytest.approx(wanted.item())


def test_balanced_weights_make_the_labels_count_alike() -> None:
    weights = balanced(loss_of())
    # n / (K n_c), as scikit-learn has them.
    assert weights.tolist() == pytest.approx([4 / 3, 4 / 6, 4 / 3])


def several(labels: torch.Tensor, **options: Any) -> Loss:
    task = Task(THREE.label_names, kind="multi-label")
    return Loss.of(Finetune(**options), task, labels, torch.device("cpu"))


SETS = torch.tensor([[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 1, 1]])


def test_of_several_labels_it_is_torchs_binary_cross_entropy() -> None:
    wanted = binary_cross_entropy_with_logits(LOGITS, SETS.float(), reduction="sum")
    assert several(SETS)(LOGITS, SETS) == pytest.approx(wanted.item())
    smoothed = binary_cross_entropy_with_logits(LOGITS, SETS * 0.8 + 0.1, reduction="sum")
    assert several(SETS, label_smoothing=0.2)(LOGITS, SETS) == pytest.approx(smoothed.item())


def test_of_several_labels_a_weight_is_torchs_weight_of_having_it_scaled_to_a_mean_of_1() -> None:
    given = torch.tensor([1.0, 3.0, 5.0])
    # Of the four rows, two, one and three have the labels: the others weigh 1 each.
    scale = 4 / (given * torch.tensor([2, 1, 3]) + torch.tensor([2, 3, 1]))
    wanted = binary_cross_entropy_with_logits(LOGITS, SETS.float(), pos_weight=given, reduction="none") * scale
    assert several(SETS, class_weights=(1, 3, 5))(LOGITS, SETS) == pytest.approx(wanted.sum().item())


def test_balanced_weights_of_several_labels_make_having_one_and_not_having_it_count_alike() -> None:
    weights = balanced(several(SETS))
    having = SETS.sum(dim=0)
    assert (weights[:, 1] * having).tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert (weights[:, 0] * (4 - having)).tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_the_focus_of_several_labels_is_that_of_a_sigmoid() -> None:
    p = torch.sigmoid(LOGITS)
    of_truth = torch.where(SETS == 1, p, 1 - p)
    wanted = -((1 - of_truth) ** 2 * of_truth.log()).sum()
    assert several(SETS, focal_gamma=2)(LOGITS, SETS) == pytest.approx(wanted.item(), rel=1e-5)


def test_a_label_absent_from_train_does_not_change_the_balance() -> None:
    weights = balanced(loss_of(torch.tensor([0, 0, 0, 1])))
    assert weights[:2].tolist() == pytest.approx([4 / 6, 4 / 2])


def test_focal_loss_is_that_of_the_paper() -> None:
    # Lin et al. 2017, equation 4: -(1 - p)^g log p, here for the probability of the label.
    probabilities = [math.exp(2.0) / (math.exp(2.0) + math.exp(-1.0) + math.exp(0.5)), 1 / 3]
    wanted = sum(-((1 - p) ** 2) * math.log(p) for p in probabilities)
    assert loss_of(focal_gamma=2)(LOGITS[[0, 3]], LABELS[[0, 3]]).item() == pytest.approx(wanted)


def test_a_little_focus_is_nearly_torchs_loss_whatever_goes_with_it() -> None:
    options = {"class_weights": (1, 2, 5), "label_smoothing": 0.1}
    plain, focal = (loss_of(focal_gamma=gamma, **options)(LOGITS, LABELS) for gamma in (0, 1e-6))
    assert focal.item() == pytest.approx(plain.item(), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_rows_that_are_wholly_right_have_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200.0, -200.0]], requires_grad=True)
    loss_of(focal_gamma=gamma)(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


# The trainers


@pytest.mark.parametrize("trainer", [Finetune, HfTrainer])
def test_the_gradient_does_not_depend_on_how_the_batch_is_split(trainer: type, tmp_path: Path) -> None:
    data = tiny_data(rows=8)
    data["train"] = data["train"].select([0, 1, 2, 3, 4, 6])  # four of one label and two of the other
    whole, cut = (
        train(
            trainer(batch_size=8, micro_batch_size=size, max_grad_norm=1e9, **ALL),
            tmp_path / str(size),
            encoder=tiny_encoder(dropout=0.0),
            data=data,
        )
        for size in (None, 4)
    )
    assert largest_difference(whole.first_gradient, cut.first_gradient) < 1e-7
    assert whole.history[0]["loss"] == pytest.approx(cut.history[0]["loss"])


def test_the_loss_of_a_step_and_of_validation_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    encoder, data = tiny_encoder(dropout=0.0), tiny_data(rows=8)
    rows = encoder.tokenize(data["train"], TASK, Finetune())
    with torch.no_grad():
        logits = encoder.logits(encoder.collate(list(rows)))
    options = Finetune(batch_size=8, learning_rate=1e-12, **ALL)
    wanted = Loss.of(options, TASK, rows["label"][:], logits.device)(logits, torch.tensor(rows["label"][:])) / 8
    run = train(
        options, tmp_path, encoder=encoder, data=type(data)({"train": data["train"], "validation": data["train"]})
    )
    step, epoch = run.history
    assert step["loss"] == pytest.approx(wanted.item(), abs=1e-5)
    assert epoch["validation_loss"] == pytest.approx(wanted.item(), abs=1e-5)


def test_both_trainers_end_in_the_same_parameters(tmp_path: Path) -> None:
    ours, theirs = (
        train(
            trainer(epochs=2, micro_batch_size=5, **ALL),
            tmp_path / trainer.__name__,
            encoder=tiny_encoder(dropout=0.0),
            data=tiny_data(rows=40),
        )
        for trainer in (Finetune, HfTrainer)
    )
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_heads_that_are_trained_jointly_have_it_too(tiny_checkpoint: Path, tmp_path: Path) -> None:
    asked = "class_weights=1,3,label_smoothing=0.1,focal_gamma=2"
    plugins, data = [f"hf-model:checkpoint={tiny_checkpoint}", "head-only"], tiny_data(24)
    together = textclf_core.compare(
        [f"head-only + finetune:learning_rate=1e-3,{asked}"],
        plugins=plugins[:1],
        seeds=2,
        data=data,
        baselines=False,
        output=tmp_path / "together",
        quiet=True,
    )
    alone = textclf_core.run(
        [*plugins, f"finetune:learning_rate=1e-3,{asked}"], data=data, output=tmp_path / "alone", quiet=True
    )
    one, other = (np.array(run.predictions()["scores"].to_pylist()) for run in (together.runs[0], alone))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_weights_help_a_rare_label_to_be_found(tmp_path: Path) -> None:
    data = tiny_data(rows=160)
    rare = [row for row, label in enumerate(data["train"]["label"]) if label == 0 or row % 20 == 1]
    data["train"] = data["train"].select(rare)

    def predicted_positive(**options: Any) -> float:
        trainer = Finetune(learning_rate=1e-3, epochs=2, batch_size=8, **options)
        run = train(trainer, tmp_path / str(len(options)), data=data)
        return float(run.classifier.scores(data["test"])[:, 1].mean())

    assert predicted_positive(class_weights="balanced") > predicted_positive() + 0.05


# Options


@pytest.mark.parametrize(
    ("written", "weights"), [("balanced", "balanced"), ("1,3", (1.0, 3.0)), ("none", None), ((1, 3), (1.0, 3.0))]
)
def test_class_weights_can_be_typed(written: object, weights: object) -> None:
    assert build_plugin("finetune", Finetune, {"class_weights": written}).class_weights == weights


@pytest.mark.parametrize("written", ["even", "1,x", "0,1", "-1,2"])
def test_what_is_no_weight_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match=r"^finetune: .*class_weights"):
        build_plugin("finetune", Finetune, {"class_weights": written})


def test_too_few_weights_are_refused_with_the_labels_in_their_order(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"class_weights has 3 numbers, but .* 2 labels, .*: negative, positive\."):
        train(Finetune(class_weights=(1, 2, 3)), tmp_path)


# Unknown labels

UNKNOWN_AT = torch.tensor([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
TRUE = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 0, 0]])


def masked() -> torch.Tensor:
    return TRUE.masked_fill(UNKNOWN_AT, NO_LABEL)


def test_an_unknown_label_has_no_part_in_binary_cross_entropy() -> None:
    wanted = binary_cross_entropy_with_logits(LOGITS[~UNKNOWN_AT], TRUE[~UNKNOWN_AT].float(), reduction="sum")
    assert several(masked())(LOGITS, masked()) == pytest.approx(wanted.item())


def test_class_weights_are_balanced_over_the_known_labels() -> None:
    loss = several(masked(), class_weights="balanced")
    weights = class_weights("balanced", loss.task, loss.class_counts)
    assert weights is not None
    # Of the first label, two of three known rows have it: n / (K n_c) is 3 / 2 for "no", and 3 / 4 for "yes".
    assert weights[0].tolist() == pytest.approx([3 / 2, 3 / 4])


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"class_weights": "balanced", "label_smoothing": 0.1, "focal_gamma": 2.0}]
)
@pytest.mark.parametrize("noise", [-30.0, 0.0, 1e4])
def test_no_logit_of_an_unknown_label_changes_a_bit_of_loss_or_gradient(options: dict[str, Any], noise: float) -> None:
    loss = several(masked(), **options)
    results = []
    for logits in (LOGITS.clone(), LOGITS.masked_fill(UNKNOWN_AT, noise)):
        logits.requires_grad_()
        value = loss(logits, masked())
        value.backward()
        assert logits.grad is not None
        assert (logits.grad[UNKNOWN_AT] == 0).all()
        assert (logits.grad[~UNKNOWN_AT] != 0).all()
        results.append((value.item(), logits.grad[~UNKNOWN_AT].tolist()))
    assert results[0] == results[1]
