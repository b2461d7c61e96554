"""The check that a saved classifier equals the trained one: it is loaded as by ``textclf predict``, and compared."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclf_core.encoder.tokenizing_classifier import Tokenizing
from textclf_core.errors import RunError, TextclfError, some_of
from textclf_core.inference.store import SavedClassifier
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.options import build_plugin
from textclf_core.records.predictions import check_scores
from textclf_core.system.hub import quiet, without_bars
from textclf_core.system.memory import page_out, trim_heap
from textclf_core.tasks.decisions import decisions_from
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.parameter_check import sha256_of
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor

    from textclf_core.types.classifier import Classifier, Scores
    from textclf_core.types.postprocessing import PostprocessingStep
    from textclf_core.types.task import Task

ROWS = 32
"""The number of validation rows whose scores are compared."""

TOLERANCE = 1e-4
"""The largest allowed difference of a probability, whose last bits depend on the other rows of a batch."""

# The number of parameter values compared at once.
_AT_ONCE = 2**20


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained classifier, with which a saved one is compared.

    Attributes:
        classifier: the classifier that the trainer returned.
        scores: its scores of validation.
        validation: the rows.
        steps: the postprocessing of its scores.
        task: the labels.
        frozen: the SHA-256 of each frozen parameter before training, by name.
    """

    classifier: Classifier
    scores: Scores
    validation: Dataset
    steps: tuple[PostprocessingStep, ...]
    task: Task
    frozen: Mapping[str, str] = field(default_factory=dict)


def check_saved(trained: Trained, plugins: ActivePlugins, workspace: Workspace) -> None:
    """Load the classifier that a run saved, with the run's plugins, and compare it with the trained one.

    Its parameters must equal those of the trained one bit for bit, and its frozen parameters those before training
    (compared by hash if code outside the core ran since they were last hashed). It must score 32 rows of validation as
    before, and its postprocessing must give the same results. A classifier without an encoder is compared by its scores
    only. The random generators, the number of threads and transformers' progress bars aren't changed, and nothing stays
    in memory.

    Args:
        trained: the trained classifier.
        plugins: the plugins of the run.
        workspace: the run's workspace; its directory has the saved classifier.

    Raises:
        RunError: the saved classifier can't be loaded, or differs; the error names the plugins involved.
    """
    if isinstance(trained.classifier, Tokenizing):
        # Frozen weights can be read again from their file, so that two models need little more memory than one.
        page_out(one for one in trained.classifier.encoder.model.parameters() if not one.requires_grad)
    trim_heap()
    with _undisturbed(workspace.device):
        _check_saved(trained, plugins, workspace)
    trim_heap()


def _check_saved(trained: Trained, plugins: ActivePlugins, workspace: Workspace) -> None:
    saved = SavedClassifier.find(workspace.directory)
    rows = np.unique(np.linspace(0, len(trained.validation) - 1, ROWS).astype(int)).tolist()
    validation, before = trained.validation.select(rows), _scores_of(rows, trained.scores)
    try:
        loading = _as_predict_builds_them(plugins, saved)
        place = Workspace(workspace.directory, workspace.device, cache=workspace.cache)
        loaded = saved.load_classifier(loading, place)
        others_ran = bool(plugins.implementing("textclf_training_finished"))
        hashed = others_ran or not isinstance(trained.classifier, EncoderClassifier)
        _check_parameters(trained, loaded, hashed=hashed)
        scores = loaded.scores(validation)
        check_scores(scores, validation, trained.task, "validation")
    except TextclfError as error:
        raise RunError(f"{_complaint(plugins, saved)}: {error}") from error
    except Exception as error:
        raise RunError(f"{_complaint(plugins, saved)}: {type(error).__name__}: {error}") from error
    if (distance := _distance(before, scores)) > TOLERANCE:
        raise RunError(
            f"{_complaint(plugins, saved)}: its scores of {len(rows)} rows of validation differ by up to "
            f"{distance:.2g} from those of the trained model; at most {TOLERANCE:g} is allowed. The trainer's "
            "classifier must save, and its textclf_load_classifier must load, everything that affects the scores."
        )
    del loaded
    _check_steps(trained, saved, loading, before)


def _check_steps(trained: Trained, saved: SavedClassifier, loading: ActivePlugins, scores: Scores) -> None:
    """Compare the results of the saved and the fitted postprocessing for the trained classifier's scores."""
    steps: list[PostprocessingStep] = []
    for name in saved.postprocessors:
        complaint = f"{name}: the saved postprocessing, loaded as by `textclf predict`, differs from the fitted one"
        try:
            steps.append(saved.load_step(loading, name))
            found = decisions_from(scores, steps, trained.task)
        except TextclfError as error:
            raise RunError(f"{complaint}: {error}") from error
        except Exception as error:
            raise RunError(f"{complaint}: {type(error).__name__}: {error}") from error
        wanted = decisions_from(scores, trained.steps[: len(steps)], trained.task)
        distance = _distance(wanted.scores, found.scores)
        if distance > TOLERANCE or not np.array_equal(np.asarray(wanted.labels), np.asarray(found.labels)):
            raise RunError(
                f"{complaint}: the scores of {len(scores)} rows of validation differ by up to {distance:.2g}, or other "
                "labels are chosen. It must save and load everything that affects them."
            )


def _as_predict_builds_them(plugins: ActivePlugins, saved: SavedClassifier) -> ActivePlugins:
    """Return the plugins that load the saved classifier, with required options only, as ``textclf predict`` does."""
    loading = []
    for plugin in plugins:
        if plugin.name in (*saved.loaders, *saved.postprocessors):
            cls = type(plugin.instance)
            options = saved.options_for(plugin.name, cls)
            loading.append(replace(plugin, instance=build_plugin(plugin.name, cls, options)))
    return ActivePlugins(loading)


def _complaint(plugins: ActivePlugins, saved: SavedClassifier) -> str:
    makers = [f"the trainer {saved.trainer!r}", *(f"the model {plugin.name!r}" for plugin in plugins.of_role("model"))]
    makers += [f"{plugin.name!r}, which adapts it" for plugin in plugins.implementing("textclf_adapt")]
    return (
        "the saved model, loaded as by `textclf predict`, differs from the trained one (plugins involved: "
        f"{', '.join(makers)})"
    )


def _check_parameters(trained: Trained, loaded: Classifier, *, hashed: bool) -> None:
    """Compare the parameters of two classifiers with an encoder, releasing the memory of each after reading it.

    If the trained classifier doesn't expose its encoder, only the loaded one's frozen parameters are compared, by hash.

    Args:
        trained: the trained classifier.
        loaded: the loaded classifier.
        hashed: whether to hash the frozen parameters, since they may have changed after training.
    """
    if not isinstance(loaded, Tokenizing):
        return
    theirs = dict(loaded.encoder.model.named_parameters())
    shown = trained.classifier if isinstance(trained.classifier, Tokenizing) else None
    ours = dict(shown.encoder.model.named_parameters()) if shown else {}
    if missing := sorted(ours.keys() - theirs.keys()):
        raise RunError(f"parameters of the trained model are missing: {some_of(missing)}")
    differing = []
    for name, parameter in theirs.items():
        changed_since = hashed and name in trained.frozen and sha256_of(parameter) != trained.frozen[name]
        if changed_since or (name in ours and not _same(ours[name], parameter)):
            differing.append(name)
    if changed := [name for name in differing if name in trained.frozen]:
        raise RunError(f"frozen parameters differ from those before training: {some_of(changed)}")
    if differing:
        raise RunError(f"parameters have different values: {some_of(differing)}")


def _same(ours: Tensor, theirs: Tensor) -> bool:
    """Return whether two parameters are equal bit for bit, reading only a part of them into memory at a time."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    trains = ours.requires_grad
    ours, theirs = ours.detach().reshape(-1), theirs.detach().reshape(-1)
    for start in range(0, len(ours), _AT_ONCE):
        one, other = (flat[start : start + _AT_ONCE] for flat in (ours, theirs))
        if not torch.equal(one, other.to(one.device)):
            return False
        page_out([other] if trains else [one, other])
    return True


def _scores_of(rows: list[int], scores: Scores) -> Scores:
    return [scores[row] for row in rows] if isinstance(scores, list) else scores[rows]


def _distance(first: Scores, second: Scores) -> float:
    """Return the largest absolute difference between scores of the same shape."""
    pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = list(zip(first, second, strict=True))
    return max((float(np.abs(one - other).max(initial=0.0)) for one, other in pairs), default=0.0)


@contextmanager
def _undisturbed(device: str) -> Iterator[None]:
    """Restore random generators, threads and progress bars after the block; its log messages aren't the run's notes."""
    python, numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices), without_bars(), quiet("textclf"):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
