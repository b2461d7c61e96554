"""Plugins that replace a part of the training steps: called, recorded, resumed, refused where they can't be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import DatasetDict

from textclf_core import ComparisonResult, Run, RunError, UsageError
from textclf_core.testing import tiny_topics, tiny_words

FileOf = Callable[[str], Path]

LOSSES = """
from typing import Annotated

from textclf_core import Option
from torch.nn.functional import cross_entropy

@dataclass(frozen=True, kw_only=True)
class Mine:
    '''Cross-entropy, times a factor.'''

    factor: Annotated[float, Option("The factor.")] = 1.0

    @hookimpl
    def textclf_loss(self, logits, labels):
        return BODY

@dataclass(frozen=True, kw_only=True)
class Other(Mine):
    '''The same.'''
"""
PER_ROW = "self.factor * cross_entropy(logits, labels, reduction='none')"


def losses(body: str = PER_ROW) -> str:
    return LOSSES.replace("BODY", body)


def numbers_of(run: Run) -> tuple[object, ...]:
    """What two runs that computed the same have in common."""
    return run.predictions()["scores"].to_pylist(), run.record.cost.train_flops


@pytest.mark.parametrize("trainer", ["finetune", "hf-trainer"])
def test_a_loss_of_ones_own_trains_as_the_same_loss_of_the_trainer(
    trainer: str, run: Callable[..., Run], noting_file: FileOf
) -> None:
    file = noting_file(losses())
    mine = run(f"{trainer}:learning_rate=1e-3,micro_batch_size=3", "mine", file=file, output="mine")
    plain = run(f"{trainer}:learning_rate=1e-3,micro_batch_size=3", output="plain")
    assert numbers_of(mine) == numbers_of(plain)
    assert [plugin.name for plugin in mine.record.plugins if plugin.options.get("factor") == 1.0] == ["mine"]


@pytest.mark.parametrize(
    ("body", "came"),
    [
        ("cross_entropy(logits, labels)", r"shape \(\) for labels of shape \(\d+,\)"),
        ("PER.detach()", "isn't computed from the logits"),
        ("0.5", "0.5"),
        ("PER / 0 * 0", "the loss became nan .* changed by: mine:factor=1.0"),
    ],
)
def test_a_loss_that_is_none_is_refused_with_the_plugins_name(
    body: str, came: str, run: Callable[..., Run], noting_file: FileOf
) -> None:
    with pytest.raises(RunError, match=f"(?s)({came}.*mine|mine.*{came}|{came})"):
        run("mine", file=noting_file(losses(body.replace("PER", PER_ROW))))


def test_what_cannot_go_together_is_refused_by_name_before_training(
    run: Callable[..., Run], noting_file: FileOf
) -> None:
    file = noting_file(losses())
    with pytest.raises(UsageError, match="'mine' and 'other' both decide the loss"):
        run("mine", "other", file=file)
    with pytest.raises(UsageError, match=r"'finetune' has focal_gamma=2.0, but 'mine' decides this"):
        run("mine", "finetune:focal_gamma=2", file=file)
    with pytest.raises(UsageError, match="'mine' is a strategy, but the trainer 'embedding-logreg' decides itself"):
        run("mine", "embedding-logreg", file=file)


def test_cells_with_a_replaced_part_are_trained_one_by_one_which_is_logged(
    compare: Callable[..., ComparisonResult], noting_file: FileOf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="textclf")
    result = compare("head-only + mine", seeds=2, file=noting_file(losses()))
    assert result.failed == {}
    assert "head-only + mine: its 2 runs are trained one by one, since mine replaces a part" in caplog.text


def test_a_run_resumes_with_the_same_loss_alone(run: Callable[..., Run], noting_file: FileOf) -> None:
    file = noting_file(losses())
    whole = run("mine:factor=2", "finetune:epochs=2,learning_rate=1e-3", file=file, output="whole")
    checkpoint = whole.directory / "checkpoints" / "epoch-1"
    again = run("mine:factor=2", f"finetune:epochs=2,learning_rate=1e-3,resume={checkpoint}", file=file, output="again")
    assert again.predictions()["scores"].to_pylist() == whole.predictions()["scores"].to_pylist()
    with pytest.raises(UsageError, match=r"the plugins of the steps was mine:factor=2.0, now mine:factor=1.0"):
        run("mine", f"finetune:epochs=2,learning_rate=1e-3,resume={checkpoint}", file=file, output="other")


NONSENSE = {
    "rows without the label": (
        "training_rows(self, train)",
        "return train.remove_columns('label')",
        "aren't .*: label",
    ),
    "no rows": ("training_rows(self, train)", "return train.select([])", "no rows"),
    "a list of rows": ("training_rows(self, train)", "return list(train)", "list"),
    "fewer rows later": (
        "training_rows(self, train, epoch)",
        "return train.select(range(60 - epoch))",
        "58 rows for epoch 2, but 59 for epoch 1",
    ),
    "a label that there isn't": (
        "training_rows(self, train)",
        "from datasets import Dataset; return Dataset.from_dict({**train[:], 'label': [-1] * len(train)}, "
        "features=train.features)",
        "label ids from -1 to -1, but there are 2 labels",
    ),
    "half of the parameters": (
        "optimizer(self, groups)",
        "import torch; return torch.optim.SGD(groups[:1], lr=1)",
        r"SGD of \d+ parameters that aren't",
    ),
    "groups of its own": (
        "optimizer(self, groups)",
        "import torch; return torch.optim.SGD([one for group in groups for one in group['params']], lr=1)",
        "lack their 'factor'",
    ),
    "a word for a rate": ("schedule(self, step)", "return 'high'", "str"),
    "a rate that is no number": ("schedule(self, step)", "return float('nan')", "nan"),
    "a gradient": ("gradient(self, step)", "return 1.0", "float"),
    "a broken gradient": (
        "gradient(self, encoder)",
        "next(one for one in encoder.model.parameters() if one.grad is not None).grad.fill_(float('nan'))",
        "the norm of the gradient became nan .* changed by: mine",
    ),
    "one loss for a batch": (
        "gradient(self, step)",
        "step.add_gradients(lambda forward, labels: forward(0).sum())",
        r"must be a tensor of shape \(\d+,\).* not one of shape \(\)",
    ),
}


@pytest.mark.parametrize(("hook", "body", "came"), NONSENSE.values(), ids=NONSENSE)
def test_what_makes_no_sense_is_refused_with_the_plugins_name(
    hook: str, body: str, came: str, run: Callable[..., Run], noting_file: FileOf
) -> None:
    file = noting_file(f"""
@dataclass(frozen=True)
class Mine:
    '''Make no sense.'''

    @hookimpl
    def textclf_{hook}:
        {body}
""")
    with pytest.raises(RunError, match=came) as error:
        run("mine", "finetune:epochs=2", file=file)
    assert "mine" in str(error.value)


STEPS = (
    losses()
    + """
@dataclass(frozen=True)
class Again:
    '''Add the gradient of the loss of other dropout masks.'''

    @hookimpl
    def textclf_gradient(self, step):
        step.add_gradients(lambda forward, labels: note(*forward(1).shape, *labels.shape) or FORWARD)
"""
)


@pytest.mark.parametrize(
    ("made", "loss", "dimensions"),
    [
        (tiny_words, "cross_entropy(LOGITS, labels, reduction='none')", 3),
        (tiny_topics, "binary_cross_entropy_with_logits(LOGITS, labels.float(), reduction='none')", 4),
    ],
)
def test_words_and_several_labels_have_losses_in_the_shape_of_their_labels(
    made: Callable[[int], DatasetDict],
    loss: str,
    dimensions: int,
    tiny_checkpoint: Path,
    run: Callable[..., Run],
    noting_file: FileOf,
    log: Callable[[], list[str]],
) -> None:
    source = losses(loss.replace("LOGITS", "logits")) + STEPS.replace(losses(), "")
    source = source.replace("import cross_entropy", "import binary_cross_entropy_with_logits, cross_entropy")
    file = noting_file(source.replace("FORWARD", loss.replace("LOGITS", "forward(1)")))
    model = f"hf-model:checkpoint={tiny_checkpoint}"
    for trained, strategies in (("mine", ["mine", "again"]), ("plain", ["full"])):
        options = "finetune:learning_rate=1e-3,micro_batch_size=3"
        done = run(*strategies, options, file=file, beside=[model], data=made(24), output=trained)
        assert done.record.cost.train_flops
    assert log()
    assert all(len(line.split()) == dimensions for line in log())
