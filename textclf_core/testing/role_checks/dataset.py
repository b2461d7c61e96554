"""Checks of datasets."""

from __future__ import annotations

from collections.abc import Iterator

from textclf_core.data import prepare
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, seed_everything


@check_of("textclf_load_data")
def data_can_be_used(subject: Subject) -> Iterator[str]:
    """The splits, columns and labels are as the hook's page describes them."""
    prepare(subject.call("textclf_load_data", data_seed=0), 0)
    yield from ()


@check_of("textclf_load_data")
def describes_its_source(subject: Subject) -> Iterator[str]:
    """Every split says where its rows come from, which is recorded."""
    for name, split in subject.call("textclf_load_data", data_seed=0).items():
        if not split.info.description:
            yield f"the split {name!r} doesn't describe the source of its rows; set its info.description."


@check_of("textclf_load_data")
def same_rows_by_data_seed(subject: Subject) -> Iterator[str]:
    """The same data seed gives the same rows in the same order."""
    seed_everything(0)
    first = subject.call("textclf_load_data", data_seed=0)
    seed_everything(1)
    again = subject.call("textclf_load_data", data_seed=0)
    for name, split in first.items():
        if name not in again or split[:] != again[name][:]:
            yield (
                f"the split {name!r} had other rows when it was loaded again with the same data_seed; sort what you "
                "read, and draw with a generator that you make from data_seed."
            )


@check_of("textclf_load_data")
def splits_share_no_rows(subject: Subject) -> Iterator[str]:
    """No more than half of the rows of validation or test are in train."""
    data = subject.call("textclf_load_data", data_seed=0)
    rows = {name: {repr(row) for row in split} for name, split in data.items()}
    for name in ("validation", "test"):
        if name in rows and len(rows[name] & rows.get("train", set())) > len(rows[name]) / 2:
            yield (
                f"more than half of the rows of {name} are in train too, so scores would say nothing; leave {name} "
                "out to have one held out from train."
            )


@check_of("textclf_load_data")
def leaves_generators_alone(subject: Subject) -> Iterator[str]:
    """Loading draws from no global random generator, and seeds none."""
    import random

    import numpy as np

    seed_everything(0)
    before = random.getstate(), repr(np.random.get_state())
    subject.call("textclf_load_data", data_seed=0)
    if (random.getstate(), repr(np.random.get_state())) != before:
        yield "it changed the state of a global generator; use random.Random(data_seed) or default_rng(data_seed)."
