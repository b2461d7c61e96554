"""Broken datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from broken import broken
from textclf_core import hookimpl

if TYPE_CHECKING:
    from datasets import DatasetDict


def reviews(seed: int = 0) -> DatasetDict:
    from textclf_core.testing import tiny_data

    return tiny_data(16, seed)


@broken("data_can_be_used", "needs a column 'label'")
@dataclass(frozen=True)
class NoLabels:
    """Reviews without labels."""

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        return reviews().remove_columns("label")


@broken("data_can_be_used", "must return a DatasetDict")
@dataclass(frozen=True)
class OneSplit:
    """One split alone."""

    @hookimpl
    def textclf_load_data(self) -> Any:
        return reviews()["train"]


@broken("data_can_be_used", "failed at")
@dataclass(frozen=True)
class Raises:
    """A bug."""

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        return reviews()["training"]


@broken("describes_its_source", "set its info.description")
@dataclass(frozen=True)
class OfUnknownOrigin:
    """Reviews of unknown origin."""

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        data = reviews()
        data["test"].info.description = ""
        return data


@broken("same_rows_by_data_seed", "a generator that you make from data_seed")
@dataclass(frozen=True)
class OtherRowsEachTime:
    """Other reviews each time."""

    loads: ClassVar[list[int]] = []

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        self.loads.append(0)
        return reviews(len(self.loads))


@broken("same_rows_by_data_seed", "sort what you read")
@dataclass(frozen=True)
class DrawsFromAGlobalGenerator:
    """Reviews in an order of chance."""

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        import random

        return reviews(random.randrange(1000))


@broken("splits_share_no_rows", "leave test out to have one held out")
@dataclass(frozen=True)
class TestInTrain:
    """Test is a part of train."""

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        data = reviews()
        data["test"] = data["train"].select(range(8))
        return data


@broken("leaves_generators_alone", "use random.Random(data_seed)")
@dataclass(frozen=True)
class SeedsAGlobalGenerator:
    """Seed for everybody."""

    @hookimpl
    def textclf_load_data(self, data_seed: int) -> DatasetDict:
        import random

        random.seed(data_seed + 17)
        return reviews(random.randrange(1000))
