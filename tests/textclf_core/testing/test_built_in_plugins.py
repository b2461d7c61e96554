"""The built-in plugins pass the checks that textclf offers to authors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from textclf_core.plugins import Catalogue
from textclf_core.testing import Check, plugin_checks, tiny_data, tiny_encoder

CATALOGUE = Catalogue.discover()
NAMES = [entry.name for entry in CATALOGUE.entries if entry.distribution == "textclf-core"]
NO_HUB = "it needs the model hub"
UNTRAINED = "it doesn't train"
OF_A_CHECKPOINT = dict.fromkeys(
    ("learns_one_label", "learns_several_labels", "learns_words", "gives_probabilities", "same_by_seed",
     "scores_rows_by_themselves", "is_saved_and_loaded", "writes_no_pickle", "leaves_the_frozen_frozen",
     "leaves_the_data_alone"),
    "it needs a checkpoint whose labels are the data's; its own tests make one",
)  # fmt: skip
OF_A_HUB = dict.fromkeys(
    ("gives_logits_of_each_task", "names_the_labels", "has_parts_that_strategies_find", "starts_trainable",
     "head_depends_on_the_seed_alone", "is_saved_and_loaded"),
    NO_HUB,
)  # fmt: skip
OF_A_CLUSTER = dict.fromkeys(
    ("runs_every_cell", "runs_as_many_as_workers", "reports_jobs_that_die", "waits_while_nothing_is_given_out",
     "ends_its_processes"),
    "each would start a cluster; its own test does",
)  # fmt: skip
SKIPPED: dict[str, dict[str, str]] = {
    "bert-base-cased": OF_A_HUB,
    "ray": OF_A_CLUSTER,
    "majority": {"learns_one_label": UNTRAINED, "learns_several_labels": UNTRAINED, "learns_words": UNTRAINED},
    "task-specific": OF_A_CHECKPOINT,
    "zero-shot": OF_A_CHECKPOINT,
    "zero-shot-embeddings": {"learns_one_label": UNTRAINED, "learns_several_labels": UNTRAINED},
}
SLOW = {"finetune", "hf-trainer", "setfit", "embedding-logreg", "minilm", "continued-pretraining", "lora", "mlflow",
        "zero-shot-embeddings", "wandb", "tensorboard", "rotten-tomatoes", "onnx", "onnx-int8", "slurm"}  # fmt: skip


ONE_OF_EACH_ROLE = ("files", "hf-model", "full", "tfidf-logreg", "threshold", "f1", "tensorboard")
"""The plugins with the checks that start a process; the list of plugins is tested to import little at all."""


def options_of() -> dict[str, dict[str, object]]:
    """Return the options with which each plugin is checked."""
    folder = Path(mkdtemp(prefix="textclf-checks-"))
    encoder = tiny_encoder()
    encoder.model.save_pretrained(folder / "model")
    encoder.tokenizer.save_pretrained(folder / "model")
    tiny_data(16).save_to_disk(folder / "saved")
    for name, split in tiny_data(16).items():
        split.to_csv(folder / "reviews" / f"{name}.csv")
    sequences = "".join(f"Ada{number} B-PER\nslept O\n\n" for number in range(24))
    (folder / "train.conll").write_text(sequences, encoding="utf-8")
    return {
        "conll": {"train": str(folder / "train.conll")},
        "continued-pretraining": {"epochs": 1, "batch_size": 8},
        "embedding-logreg": {"c": 10.0},
        "files": {"path": str(folder / "reviews")},
        "freeze-pattern": {"pattern": "attention"},
        "hf-dataset": {"id": str(folder / "saved")},
        "hf-model": {"checkpoint": str(folder / "model")},
        "mlflow": {"uri": f"sqlite:///{folder / 'runs.db'}"},
        "rotten-tomatoes": {"source": "package"},
        "setfit": {"iterations": 4, "epochs": 1, "batch_size": 8, "learning_rate": 3e-3},
        "slurm": {"cluster": "local"},
        "task-specific": {"checkpoint": "owner/name"},
        "tensorboard": {"folder": str(folder / "events")},
        "wandb": {"mode": "offline", "folder": str(folder / "wandb")},
        "zero-shot": {"checkpoint": "owner/name"},
    }


def checks() -> Iterator[object]:
    options = options_of()
    for name in NAMES:
        skip = SKIPPED.get(name, {})
        for check in plugin_checks(CATALOGUE.get(name).cls, skip=skip, **options.get(name, {})):
            of_a_process = check.name in ("imports_little", "leaves_standard_output_alone")
            if of_a_process and name not in ONE_OF_EACH_ROLE:
                continue
            slow = name in SLOW or of_a_process
            yield pytest.param(check, id=f"{name}-{check.name}", marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("check", checks())
def test_a_built_in_plugin_passes(check: Check) -> None:
    check()
