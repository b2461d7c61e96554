"""Checks of strategies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, TinyTask, copies, differing, seed_everything
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.phases import ParameterGroup, Phase

BLOCKS = 12


def _first(subject: Subject) -> TinyTask:
    return next(subject.tasks())


def _adapted(subject: Subject, encoder: Encoder, tiny: TinyTask) -> Encoder:
    if "textclf_adapt" in subject.hooks:
        from textclf_core.types.progress import Progress

        seed_everything(0)
        subject.call(
            "textclf_adapt",
            encoder=encoder,
            data=tiny.data,
            task=tiny.task,
            seed=0,
            workspace=subject.workspace(),
            progress=Progress(quiet=True),
        )
    return encoder


def _frozen(subject: Subject, blocks: int = BLOCKS) -> Encoder:
    """Return an encoder, adapted and frozen by the plugin."""
    tiny = _first(subject)
    encoder = _adapted(subject, subject.encoder(tiny, blocks=blocks), tiny)
    if "textclf_freeze" in subject.hooks:
        subject.call("textclf_freeze", encoder=encoder)
    return encoder


def _phases(subject: Subject, encoder: Encoder) -> Sequence[Phase]:
    if "textclf_plan" not in subject.hooks:
        return ()
    return subject.call("textclf_plan", encoder=encoder, recipe=Recipe(epochs=3)) or ()


def _groups(subject: Subject, encoder: Encoder) -> Sequence[ParameterGroup]:
    if "textclf_parameter_groups" not in subject.hooks:
        return ()
    return subject.call("textclf_parameter_groups", encoder=encoder, recipe=Recipe(epochs=3)) or ()


@check_of("textclf_freeze", "textclf_plan")
def head_trains(subject: Subject) -> Iterator[str]:
    """The head stays trainable, also in each phase that is planned for three epochs."""
    encoder = _frozen(subject)
    trainable = set(encoder.trainable_names())
    if not any(encoder.part_of(name) == "head" for name in trainable):
        yield "it froze the head, which starts with random weights and must be trained; freeze parts of the body."
        return
    for number, phase in enumerate(_phases(subject, encoder), start=1):
        if not any(encoder.part_of(name) == "head" for name in trainable - {*phase.freeze}):
            yield f"phase {number} of its plan freezes the head, which starts with random weights; leave it out."


@check_of("textclf_freeze")
def only_freezes_more(subject: Subject) -> Iterator[str]:
    """What another strategy froze before stays frozen."""
    encoder = subject.encoder(_first(subject), blocks=BLOCKS)
    encoder.freeze(embeddings=True, blocks=range(BLOCKS))
    before = set(encoder.frozen_names())
    with suppress(UsageError):  # it may refuse what leaves it nothing to do
        subject.call("textclf_freeze", encoder=encoder)
    if thawed := sorted(before - set(encoder.frozen_names())):
        yield (
            f"it made {thawed[0]} trainable again, which another strategy had frozen; all parameters are trainable at "
            "first, so call encoder.freeze(...) alone."
        )


@check_of("textclf_freeze")
def freezes_the_same_each_time(subject: Subject) -> Iterator[str]:
    """What is frozen depends on the options and the model alone."""
    first = _frozen(subject).frozen_names()
    seed_everything(1)
    if _frozen(subject).frozen_names() != first:
        yield "it froze other parameters of the same model at a second call; draw nothing, or take a seed as an option."


@check_of("textclf_freeze", "textclf_plan", "textclf_parameter_groups")
def leaves_weights_alone(subject: Subject) -> Iterator[str]:
    """Freezing and planning change no weight."""
    encoder = subject.encoder(_first(subject), blocks=BLOCKS)
    before = copies(encoder, [name for name, _ in encoder.model.named_parameters()])
    if "textclf_freeze" in subject.hooks:
        subject.call("textclf_freeze", encoder=encoder)
    _phases(subject, encoder), _groups(subject, encoder)
    if changed := differing(encoder, before):
        yield f"it changed the weights of {changed[0]}; weights are changed in textclf_adapt, which is recorded."


@check_of("textclf_plan", "textclf_parameter_groups")
def names_parameters_that_exist(subject: Subject) -> Iterator[str]:
    """Phases and groups name parameters of the model, and no parameter is in two groups."""
    encoder = _frozen(subject)
    known = {name for name, _ in encoder.model.named_parameters()}
    groups = _groups(subject, encoder)
    named = [name for part in _phases(subject, encoder) for name in part.freeze]
    named += [name for group in groups for name in group.names]
    for name in named:
        if name not in known:
            yield f"the model has no parameter {name!r}, which it names; take names from encoder.trainable_names()."
            break
    grouped = [name for group in groups for name in group.names]
    if twice := sorted({name for name in grouped if grouped.count(name) > 1}):
        yield f"the parameter {twice[0]!r} is in two groups; each may have one learning rate."


@check_of("textclf_freeze", "textclf_plan", "textclf_parameter_groups")
def works_with_shallow_models(subject: Subject) -> Iterator[str]:
    """It works on a model with two blocks, or says with a UsageError why not."""
    with suppress(UsageError):
        encoder = _frozen(subject, blocks=2)
        _phases(subject, encoder), _groups(subject, encoder)
    yield from ()


@check_of("textclf_interval_finished", "textclf_epoch_finished")
def decides_between_epochs(subject: Subject) -> Iterator[str]:
    """What it freezes between epochs are parameters of the model, and the same for the same history."""
    from textclf_core.types.phases import FinishedEpoch

    encoder = _frozen(subject, blocks=2)
    known = {name for name, _ in encoder.model.named_parameters()}
    epochs = [
        FinishedEpoch(
            number=number, last_phase=True, train_loss=1 / number, validation_loss=0.7, validation_accuracy=0.5
        )
        for number in range(1, 5)
    ]
    norms = [dict.fromkeys(range(1 + encoder.num_blocks), 1.0) for _ in epochs]
    for hook, arguments in (
        ("textclf_interval_finished", {"gradient_norms": norms}),
        ("textclf_epoch_finished", {"epochs": epochs}),
    ):
        if hook not in subject.hooks:
            continue
        first, again = (subject.call(hook, encoder=encoder, **arguments) for _ in range(2))
        if first != again:
            yield f"{hook} decides otherwise at a second call; keep no state: a resumed run passes all epochs again."
        for result in first:
            for name in result if hook == "textclf_interval_finished" else result.freeze:
                if name not in known:
                    yield f"{hook}: the model has no parameter {name!r}; take names from encoder.trainable_names()."


@check_of("textclf_adapt")
def adapting_leaves_all_trainable(subject: Subject) -> Iterator[str]:
    """After adapting, every parameter is trainable; what trains is decided in ``textclf_freeze``."""
    tiny = _first(subject)
    if frozen := _adapted(subject, subject.encoder(tiny), tiny).frozen_names():
        yield f"it left {frozen[0]} frozen; freeze in textclf_freeze, which is checked and recorded."


@check_of("textclf_adapt")
def adapting_depends_on_the_seed_alone(subject: Subject) -> Iterator[str]:
    """Adapting the same model twice with one seed gives the same weights."""
    tiny = _first(subject)
    encoder = _adapted(subject, subject.encoder(tiny), tiny)
    weights = copies(encoder, [name for name, _ in encoder.model.named_parameters()])
    if changed := differing(_adapted(subject, subject.encoder(tiny), tiny), weights):
        yield f"{changed[0]} differs after a second time with the same seed; draw from the seeded generators alone."


@check_of("textclf_adapt")
def agrees_with_the_cache(subject: Subject) -> Iterator[str]:
    """The adapted model computes the same with the hidden states of a cached prefix as without."""
    import torch

    from textclf_core.types.tokenization import Tokenization

    tiny = _first(subject)
    encoder = _adapted(subject, subject.encoder(tiny), tiny)
    encoder.model.train(False)
    batch = encoder.collate(list(encoder.tokenize(tiny.validation, tiny.task, Tokenization()))[:8])
    with torch.no_grad():
        whole = encoder.logits(batch)
        for boundary in range(encoder.num_blocks + 1):
            if encoder.check_split(boundary):
                continue
            split = encoder.run_from(encoder.run_prefix(batch, boundary), batch, boundary)
            if not torch.allclose(split, whole, atol=1e-5):
                yield (
                    f"its logits from the hidden states at boundary {boundary} differ from those without the cache "
                    f"by {(split - whole).abs().max():.2g}; change modules inside blocks, whose output must depend on "
                    "their input alone."
                )
                return


@check_of("textclf_adapt")
def leaves_a_plain_model(subject: Subject) -> Iterator[str]:
    """After ``textclf_training_finished`` the model has the parameters that its family has."""
    tiny = _first(subject)
    encoder = subject.encoder(tiny)
    before = [name for name, _ in encoder.model.named_parameters()]
    _adapted(subject, encoder, tiny)
    if "textclf_training_finished" in subject.hooks:
        subject.call("textclf_training_finished", encoder=encoder, workspace=subject.workspace())
    if other := sorted({name for name, _ in encoder.model.named_parameters()} ^ set(before)):
        yield (
            f"after training the model has other parameters than before, such as {other[0]}, so no other program loads "
            "it; merge what was added in textclf_training_finished."
        )
