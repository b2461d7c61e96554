"""Data sets of the Hugging Face hub, or saved to disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import DataError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.datasets.shared_options import (
    EmptyTexts,
    GroupColumn,
    LabelBins,
    LabelSeparator,
    LabelSpelling,
    TimeColumn,
    check_label_separator,
)

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class HfDataset:
    """A data set from the Hugging Face hub, or from a folder written by save_to_disk; its code isn't run.

    If the hub can't be reached, an earlier download is used.
    """

    id: Annotated[str, Option("The data set's name on the hub (owner/name), or the saved folder.")]
    config: Annotated[str | None, Option("The data set's configuration, if it has several.")] = None
    revision: Annotated[str | None, Option("A branch, tag or commit. Default: the newest.")] = None
    text: Annotated[
        str | tuple[str, ...] | None,
        Option("The column of texts, or several, separated by commas. Default: inferred from the columns' names."),
    ] = None
    label: Annotated[
        str | tuple[str, ...] | None,
        Option(
            "The column of labels, or several columns of zeros and ones, one per label, separated by commas. Default: "
            "inferred from the columns' names."
        ),
    ] = None
    group: GroupColumn = None
    time: TimeColumn = None
    names: Annotated[
        tuple[str, ...], Option("The names of labels that are integers from 0, or positions in a vector of 0 and 1.")
    ] = ()
    label_separator: LabelSeparator = None
    labels: LabelSpelling = None
    bins: LabelBins = ()
    empty: EmptyTexts = "keep"

    def __post_init__(self) -> None:
        check_label_separator(self.label_separator)

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the splits, except those without labels."""
        from textclf_core.data import from_memory
        from textclf_core.data.label_spelling import label_separator

        loaded = self._load()
        source = next(iter(loaded.values())).info.description
        return from_memory(
            self._with_labels(loaded),
            text=self.text,
            label=self.label,
            names=self.names,
            labels=self.labels,
            bins=self.bins,
            label_separator=label_separator(self.label_separator),
            empty=self.empty,
            group=self.group,
            time=self.time,
            source=source,
            read_by_plugin=True,
        )

    def _load(self) -> DatasetDict:
        folder = Path(self.id).expanduser()
        if folder.is_dir():
            return self._from_folder(folder)
        from textclf_core.system.hub import cached_dataset, hub_dataset, why_unreachable

        unreachable = why_unreachable()
        if unreachable is None:
            return hub_dataset(self.id, self.config, self.revision)
        try:
            data = cached_dataset(self.id, self.config, self.revision)
        except DataError as error:
            raise DataError(
                f"hf-dataset: {self.id!r} is no local folder, the hub can't be asked ({unreachable}), and {error}. "
                "Without a network: hf-dataset:id=FOLDER with a folder that save_to_disk wrote, or files:path=FILE"
            ) from None
        logger.info("hf-dataset: the hub can't be asked (%s); using the cache", unreachable)
        return data

    def _from_folder(self, folder: Path) -> DatasetDict:
        from datasets import Dataset, DatasetDict, load_from_disk

        if not (folder / "dataset_dict.json").is_file() and not (folder / "state.json").is_file():
            raise DataError(
                f"hf-dataset: the folder {folder} wasn't written by save_to_disk; for a folder of CSV, JSON or Parquet "
                f"files use files:path={folder}"
            )
        loaded = load_from_disk(folder)
        data = DatasetDict(train=loaded) if isinstance(loaded, Dataset) else loaded
        for split in data.values():
            split.info.description = f"the saved data set {folder}"
        return data

    def _with_labels(self, data: DatasetDict) -> DatasetDict:
        """Return the splits except those in which no row has a label; of test, such rows are counted later."""
        from datasets import DatasetDict

        unlabelled = [name for name, split in data.items() if name not in ("train", "test") and self._has_none(split)]
        for name in unlabelled:
            logger.info("hf-dataset: the split %r is left out: none of its rows has a label", name)
        return DatasetDict({name: split for name, split in data.items() if name not in unlabelled})

    def _has_none(self, split: Dataset) -> bool:
        from datasets import ClassLabel

        name = self.label or "label"
        return isinstance(split.features.get(name), ClassLabel) and set(split[name][:]) <= {-1, None}
