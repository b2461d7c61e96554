"""Converting users' tables into one or more text columns and the column ``label``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Dataset, Features, List, Value
from datasets.fingerprint import generate_random_fingerprint

from textclf_core.data.character_spans import with_tags
from textclf_core.data.columns import holds, is_list, label_name
from textclf_core.data.guessed_columns import (
    LABEL_TYPES,
    Columns,
    column_names,
    columns_of,
    is_string,
    label_beside,
    raise_faults,
    text_and_label,
)
from textclf_core.data.in_python import Form
from textclf_core.data.label_columns import with_label_lists
from textclf_core.data.label_dicts import with_labels_of_dicts
from textclf_core.data.label_forms import with_lists, with_lists_of_words
from textclf_core.data.label_sets import label_lists
from textclf_core.data.label_spelling import Labels, Rows, settled_declared, settled_labels
from textclf_core.data.signs_of_origin import report_answers, report_damaged
from textclf_core.data.source import Changes, ReadSplits, Source
from textclf_core.data.tagged_words import WORDS, tagged
from textclf_core.data.unlabelled import without_unlabelled
from textclf_core.data.word_tables import with_sequences
from textclf_core.errors import DataError, shortened
from textclf_core.tasks.entities import scheme_of
from textclf_core.types.indicators import UnknownLabel, unknown_id

logger = logging.getLogger("textclf")

TEXT = Value("string", id="text")
"""The feature that marks a column as one of several texts; unmarked string columns aren't texts then."""

_ROWS_OF_TAGS = 100

_LABEL = "string, integer or boolean"

SPLIT_OF_NAME = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout", "hold-out", "hold_out", "held-out", "heldout"), "test"),
}
"""The split that a lower-case name stands for; the name is a file's name without its suffix, or a key of a dict."""


def labelled(
    sources: Mapping[str, Source],
    *,
    text: Columns = None,
    label: Columns = None,
    label_separator: str | None = None,
    empty: Literal["keep", "drop"] = "keep",
    labels: Labels | None = None,
    bins: Sequence[float] = (),
    names: Sequence[str] = (),
    sequence: str | None = None,
) -> ReadSplits:
    """Return the splits with the columns ``text`` (string) and ``label`` (``ClassLabel``), followed by other columns.

    Several text columns keep their names, come first in the given order, and are marked as texts (:data:`TEXT`). If
    the labels are lists, or ``label_separator`` separates them, or each label has a column, a text may have several:
    ``label`` is then a list of ``ClassLabel``; so if the labels are dicts, unless each text has exactly one. If the
    texts are lists of words, each word gets a label, as :func:`~textclf_core.data.tagged_words.tagged` describes; so if
    the labels are spans of characters (:func:`~textclf_core.data.character_spans.with_tags`), or if each row is a word
    of a ``sequence``.

    Label names: a ``ClassLabel`` keeps its names; integers become "0", "1"... in ascending order, booleans "false" and
    "true"; strings are sorted. All splits have the same names. If it is unknown whether a text has one of several
    labels, its list has :func:`~textclf_core.types.indicators.unknown_id` of that label.

    Rows of ``test`` without a label (the value is missing, blank or -1, or there is no such column) are left out and
    counted; other splits must not have such rows.

    Args:
        sources: the splits by name; columns are inferred from ``train``, or from the first split.
        text: the text column, or several as a sequence or a comma-separated string; inferred and logged if not given.
        label: the label column; inferred and logged if not given. Several columns, given like text columns, hold 0 or 1
            each, for the label that the column is named after.
        label_separator: the separator of several labels in one string.
        empty: whether rows with an empty or missing text are kept or dropped; their number is logged in both cases.
        labels: see :func:`~textclf_core.data.label_spelling.settled_labels`.
        bins: the edges of the classes into which numbers are divided; see there.
        names: the labels' names in the order of their ids, for labels that are whole numbers from 0 or vectors of zeros
            and ones.
        sequence: the column that tells sequences apart in a table with one word per row; see
            :func:`~textclf_core.data.word_tables.with_sequences`.

    Raises:
        DataError: lists all faults, each with file and row: a column doesn't exist, a text isn't a string, a row has no
            label, the labels aren't classes.
    """
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise DataError(f"names= has {twice!r} twice; each label needs a name of its own")
    first = sources.get("train") or next(iter(sources.values()))
    for source in sources.values():
        report_answers(source)
    given = column_names(text, first.data.column_names)
    of_labels = column_names(label, first.data.column_names)
    label = of_labels[0] if of_labels else None
    unlabelled = 0
    changes = Changes()
    if len(of_labels) > 1:
        raise_faults([f"the text and a label can't both be the column {name!r}" for name in given if name in of_labels])
        if label_separator is not None:
            raise DataError(
                f"label_separator={label_separator} is for labels in one column, but label= names several columns."
            )
        if labels is not None:
            raise DataError(f"labels={labels} is for labels in one column, but label= names several columns.")
        sources, unlabelled = without_unlabelled(sources, of_labels)
        sources, label = with_label_lists(sources, of_labels)
        first = sources.get("train") or next(iter(sources.values()))
    if len(given) <= 1:
        one = given[0] if given else None
        if sequence is not None:
            sources, one, label = with_sequences(sources, sequence, one, label, changes)
        elif (of_spans := with_tags(sources, one, label, changes)) is not None:
            sources, one, label = of_spans
        sources = with_lists_of_words(sources, one, label, changes)
        if (of_words := tagged(sources, one, label, names, changes, labels, empty)) is not None:
            if bins or label_separator:
                option = "bins" if bins else "label_separator"
                raise DataError(f"{first.where}: {option}= is for labels of whole texts, but each word has a tag here")
            return of_words
        one, label = text_and_label(first, one, label)
        texts_in = {one: "text"}
    else:
        if sequence is not None:
            raise DataError(f"sequence={sequence} is for one column of words, but text= names several columns.")
        label = label_beside(first, given, label)
        texts_in = dict(zip(given, given, strict=True))
    declared = len(of_labels) <= 1 and bool(_declared_names(first.data.features.get(label)))
    if len(of_labels) <= 1:
        sources = with_labels_of_dicts(sources, label, changes, labels)
        sources, unlabelled = without_unlabelled(sources, (label,))
    faults: list[str] = []
    for source in sources.values():
        missing = [name for name in (*texts_in, label) if name not in source.data.column_names]
        faults += [f"{source.where}: there is no column {name!r}{columns_of(source)}" for name in missing]
    raise_faults(faults)

    texts = {
        name: {into: _texts(source, column, faults) for column, into in texts_in.items()}
        for name, source in sources.items()
    }
    separated = label_separator is not None
    if separated and any(isinstance(source.data.features[label], ClassLabel) for source in sources.values()):
        raise DataError(
            f"{first.where} (column {label!r}): label_separator= is for labels in one string, but each text has one "
            "label with a name here; leave it out"
        )
    sources = with_lists(sources, label, changes, names, separated=separated, exact=labels == "exact")
    first = sources.get("train") or next(iter(sources.values()))
    several = separated or is_list(first.data.features[label])
    found: dict[str, Rows] = {
        name: label_lists(source, label, label_separator, faults) if several else _labels(source, label, faults)
        for name, source in sources.items()
    }
    raise_faults(faults)
    if separated and not any(len(row) > 1 for of_split in found.values() for row in of_split):
        logger.warning(
            "%s: no row has several labels: %r isn't between labels in the column %r (label_separator=)",
            first.where,
            label_separator,
            label,
        )
    if labels != "exact":
        name = "train" if "train" in sources else next(iter(sources))
        _refuse_tags(first, label, next(iter(texts[name].values())), found[name] if several else None)
    names_of_feature = _declared_names(first.data.features[label])
    form: Form = "list" if several else "name"
    if not names_of_feature:
        found = settled_labels(found, first, label, changes, labels=labels, bins=bins, form=form)
    elif bins:
        raise DataError(f"{first.where} (column {label!r}): bins= is for numbers, but the labels have names already")
    elif declared:
        found, names_of_feature = settled_declared(found, names_of_feature, first, label, changes, labels, form)

    distinct = {id(row): row for split in found.values() for row in split}  # equal rows share one list, in most data
    label_names = _label_names(names_of_feature, distinct.values())
    id_of = {name: id for id, name in enumerate(label_names)}
    of_one = ClassLabel(names=label_names)
    ids_of = {key: sorted({_id(value, id_of) for value in row}) for key, row in distinct.items()}
    if several and len(label_names) > 1 and all(len(row) == 1 for row in distinct.values()):
        logger.info(
            "%s: each text has exactly one label (column %r), in a form by which a text may have several; give the "
            "name alone if each text has one",
            first.where,
            label,
        )
    splits = {}
    for name, source in sources.items():
        ids = [ids_of[id(row)] for row in found[name]]
        split = _with_columns(
            source, (*texts_in, label), texts[name], ids, List(of_one) if several else of_one, changes
        )
        splits[name] = _without_empty(split, tuple(texts[name]), source, empty, changes)
    read_from = {"text": tuple(texts_in), "label": of_labels or (label,)}
    return ReadSplits(splits, read_from=read_from, changes=changes.sentences, unlabelled=unlabelled)


def _texts(source: Source, column: str, faults: list[str]) -> pa.ChunkedArray:
    feature = source.data.features[column]
    if fault := source.odd_fault(column, "expected text", of_texts=True):
        faults.append(fault)
        return pa.chunked_array([[]], pa.string())
    if not is_string(feature):
        what = feature.dtype if isinstance(feature, Value) else type(feature).__name__
        faults.append(f"{source.where}: the column {column!r} holds {what}, not text; text= chooses another column")
        return pa.chunked_array([[]], pa.string())
    texts = source.column(column).cast(pa.string()).fill_null("")
    report_damaged(texts, source, column)
    return texts


def _labels(source: Source, column: str, faults: list[str]) -> list[list[str]]:
    """Return the name of every row's label, in a list of one, and add rows without a label to ``faults``."""
    feature = source.data.features[column]
    if fault := source.odd_fault(column, f"expected a {_LABEL}"):
        faults.append(fault)
        return []
    if not isinstance(feature, Value | ClassLabel):
        wanted = f"expected one {_LABEL} per row, as in the other splits"
        faults.append(f"{source.where}: the column {column!r} holds {type(feature).__name__}; {wanted}")
        return []
    # Rows with equal labels share one list, since there are many rows and few labels.
    encoded = source.column(column).combine_chunks().dictionary_encode("encode")
    values: Sequence[Any] = encoded.dictionary.to_pylist()
    if feature.dtype in ("float16", "float32"):  # 0.1, and not 0.10000000149011612
        shortest = np.dtype(feature.dtype).type
        values = [value if value is None else float(str(shortest(value))) for value in values]
    if isinstance(feature, ClassLabel):
        found = [None if value is None or value < 0 else [feature.names[value]] for value in values]
    elif feature.dtype.startswith(LABEL_TYPES):
        found = [None if (name := label_name(value)) is None else [name] for value in values]
    else:
        faults.append(f"{source.where}: the column {column!r} holds {feature.dtype}; expected one {_LABEL} per row")
        return []
    rows = [found[index] for index in encoded.indices.to_pylist()]
    missing = [index for index, row in enumerate(rows) if row is None]
    if missing:
        more = f", and {len(missing) - 1} more rows" if len(missing) > 1 else ""
        faults.append(
            f"{source.where}, {source.place(missing[0])}{more}: there is no label (column {column!r}); remove the row, "
            "or label it"
        )
    return [row for row in rows if row is not None]


def _refuse_tags(source: Source, column: str, texts: pa.ChunkedArray, lists: Rows | None) -> None:
    """Refuse labels that are the tags of all words of a text, in one string or a list.

    Args:
        source: the split.
        column: the label column.
        texts: the texts.
        lists: the labels of each row, if a text may have several.

    Raises:
        DataError: names the column.
    """
    sample = texts.slice(0, _ROWS_OF_TAGS).to_pylist()
    if lists is not None:
        of_rows = [[*row] for row in lists[:_ROWS_OF_TAGS]]
        if _are_tags_of_words(of_rows, sample):
            raise DataError(
                f"{source.where}: each list of labels has a tag for every word of its text (column {column!r}), such "
                f"as {shortened(of_rows[0])}; for named entities, the texts must be lists of words too: a column "
                'such as "tokens" in JSON lines' + ("" if source.in_memory else ". labels=exact reads them as labels")
            )
        return
    if not is_string(source.data.features[column]):
        return
    if scheme_of({*source.distinct(column)} - {None}) and all(len(text.split()) <= 1 for text in sample):
        rows = "name the column that tells sentences apart (sequence=)"
        if source.format is None:
            rows = "group the rows into lists, as frame.groupby(SEQUENCE)[[WORD, TAG]].agg(list) of pandas does"
        option = "" if source.in_memory else "; labels=exact makes each word a text of its own"
        raise DataError(
            f"{source.where}: each text is a word with the tag of an entity (column {column!r}); {rows}{option}"
        )
    tags = [re.split(r"[\s,]+", str(label).strip()) for label in source.data[column][:_ROWS_OF_TAGS]]
    if _are_tags_of_words(tags, sample):
        raise DataError(
            f"{source.where}: each label has a tag for every word of its text (column {column!r}), such as "
            f"{shortened(' '.join(tags[0]))}; for named entities, the texts and the tags must be lists: columns "
            'such as "tokens" and "tags" in JSON lines'
            + ("" if source.in_memory else ". labels=exact makes each sequence of tags a class")
        )


def _are_tags_of_words(tags: Sequence[Sequence[Any]], texts: Sequence[str]) -> bool:
    """Return whether each text has as many tags of entities as words."""
    words = [len(text.split()) for text in texts]
    one_each = any(len(row) > 1 for row in tags) and [*map(len, tags)] == words
    return bool(one_each and scheme_of(tag for row in tags for tag in row if isinstance(tag, str)))


def _declared_names(feature: object) -> list[str]:
    """Return the names of a ``ClassLabel``; none for other labels."""
    feature = feature.feature if is_list(feature) else feature  # type: ignore[attr-defined]
    return list(feature.names) if isinstance(feature, ClassLabel) else []


def _label_names(declared: Sequence[str], labels: Iterable[Sequence[Any]]) -> list[str]:
    """Return all label names: those of train's ``ClassLabel``, then integers in ascending order or sorted texts."""
    found = {name for row in labels for name in row if isinstance(name, str)}.difference(declared)
    whole = all(name.removeprefix("-").isdecimal() and str(int(name)) == name for name in found)
    return [*declared, *(sorted(found, key=int) if whole else sorted(found))]


def _id(label: str | UnknownLabel, id_of: Mapping[str, int]) -> int:
    return id_of[label] if isinstance(label, str) else unknown_id(id_of[label.name])


def _with_columns(
    source: Source,
    read: Sequence[str],
    texts: Mapping[str, pa.ChunkedArray],
    ids: Sequence[Sequence[int]],
    of_label: ClassLabel | List,
    changes: Changes,
) -> Dataset:
    others = [name for name in source.data.column_names if name not in read]
    words = [name for name in others if name == WORDS and holds(source.data.features[name], Value)]  # another task's
    hidden = [name for name in others if name in (*texts, "label", *words)]
    if hidden:
        named = " and ".join(map(repr, hidden))
        changes.add("%s: the column %s is dropped, since its name is reserved", source.where, named)
    table = source.data.with_format("arrow")[:]
    one = isinstance(of_label, ClassLabel)
    columns: dict[str, Any] = dict(texts)
    columns["label"] = pa.array([row[0] for row in ids], pa.int64()) if one else pa.array(ids, pa.list_(pa.int64()))
    features: dict[str, Any] = {name: TEXT if len(texts) > 1 else Value("string") for name in texts}
    features["label"] = of_label
    for name in others:
        if name not in hidden:
            columns[name], features[name] = table[name], source.data.features[name]
    table = pa.table(columns).cast(Features(features).arrow_schema)
    data = Dataset(table, fingerprint=generate_random_fingerprint())  # by default a hash, from a copy of all rows
    data.info.description = source.where
    return data


def _without_empty(
    data: Dataset, texts: Sequence[str], source: Source, empty: Literal["keep", "drop"], changes: Changes
) -> Dataset:
    columns = [data.data.column(name) for name in texts]
    blank = [pc.or_(pc.equal(pc.binary_length(one), 0), pc.utf8_is_space(one)).to_numpy() for one in columns]
    is_empty = np.logical_and.reduce(blank)
    count = int(is_empty.sum())
    if not count:
        return data
    first = int(is_empty.argmax())
    kept = "kept" if source.in_memory else "kept (empty=drop drops them)"
    done = "dropped (empty=drop)" if empty == "drop" else kept
    what = "1 text is empty" if count == 1 else f"{count} texts are empty"
    log = changes.add if empty == "drop" else logger.info
    log("%s: %s (the first: %s), %s", source.where, what, source.place(first), done)
    return data.select(np.flatnonzero(~is_empty)) if empty == "drop" else data
