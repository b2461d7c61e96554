"""Which columns of a table are the texts and the labels, by their names and types."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from datasets import Value

from textclf_core.data.separated import INDEX
from textclf_core.data.source import Source
from textclf_core.errors import DataError, UsageError, did_you_mean, shortened, some_of

logger = logging.getLogger("textclf")

Columns = str | Sequence[str] | None
"""The name of a column, or of several."""

# Column names of the stored predictions. A single text column is renamed, so it can't clash with them.
TAKEN = ("split", "id", "label", "prediction", "scores", "spans", "unknown_labels")

TEXT_NAMES = ("text", "sentence", "review", "content", "body", "comment", "message", "document", "tweet", "utterance")
LABEL_NAMES = (
    *("label", "labels", "class", "category", "sentiment", "target", "stars", "rating", "intent", "topic", "cats"),
)
"""Usual names of text and label columns, in lower case."""

_FAST_TEXT = "__label__"
_ROWS_SEEN = 20

LABEL_TYPES = ("string", "large_string", "int", "uint", "bool", "float", "null")
"""The beginnings of the types that a label column may have."""


def column_names(given: Columns, columns: Sequence[str]) -> tuple[str, ...]:
    """Return column names that are given as a sequence or as a comma-separated string.

    A string that is itself the name of a column stands for that column, even if it contains commas.

    Raises:
        UsageError: they are neither.
    """
    if given is None:
        return ()
    if isinstance(given, str):
        given = [given] if given in columns else [name.strip() for name in given.split(",")]
    names = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f"the name of a column, or several, must be a text or a list of texts, not {shortened(given)}")
    return names


def label_beside(source: Source, texts: Sequence[str], label: str | None) -> str:
    """Return the label column of data with several text columns, inferred if it isn't given.

    Raises:
        DataError: lists all faults: a column doesn't exist, is named twice or has a reserved name.
    """
    columns = source.data.column_names
    faults = []
    for name in dict.fromkeys(texts):
        if name not in columns:
            faults.append(f"{source.where}: there is no column {name!r} (text={','.join(texts)}){columns_of(source)}.")
            faults[-1] += did_you_mean(name, columns)
        if texts.count(name) > 1:
            faults.append(f"{source.where}: the text column {name!r} is named twice (text={','.join(texts)})")
        if name in TAKEN:
            faults.append(
                f"{source.where}: one of several text columns can't be named {name!r}, which is a column of the "
                "predictions; rename it"
            )
    raise_faults(faults)
    if label is None:
        others = [name for name in columns if name not in texts and name != INDEX]
        label = _guess(others, LABEL_NAMES) or (others[0] if len(others) == 1 else None)
        if label is None:
            raise DataError(
                f"{source.where}: can't infer which column is the label{columns_of(source)}. Set label=COLUMN"
            )
        if label != "label":
            logger.info("%s: the labels are taken from the column %r (label= chooses another)", source.where, label)
    elif label not in columns:
        hint = did_you_mean(label, columns)
        raise DataError(f"{source.where}: there is no column {label!r} (label={label}){columns_of(source)}.{hint}")
    elif label in texts:
        raise DataError(f"the text and the label can't both be the column {label!r}")
    return label


def text_and_label(source: Source, text: str | None, label: str | None) -> tuple[str, str]:
    """Return the names of the text and the label column, inferring those that aren't given."""
    features = source.data.features
    faults = []
    for option, given in (("text", text), ("label", label)):
        if given is not None and given not in features:
            faults.append(
                f"{source.where}: there is no column {given!r} ({option}={given}){columns_of(source)}."
                f"{did_you_mean(given, features)}"
            )
    if text is not None and text == label:
        faults.append(f"the text and the label can't both be the column {text!r}")
    raise_faults(faults)

    guessed_text, guessed_label = text, label
    if text is None:
        strings = [name for name in features if is_string(features[name]) and name != label]
        guessed_text = _guess(strings, TEXT_NAMES)
    if label is None:
        others = [name for name in features if name not in (guessed_text, INDEX)]
        guessed_label = _guess(others, LABEL_NAMES)
        if guessed_label is None and guessed_text is not None and len(others) == 1:
            guessed_label = others[0]
    if guessed_text is None and guessed_label is not None:
        strings = [name for name in features if is_string(features[name]) and name not in (guessed_label, INDEX)]
        guessed_text = strings[0] if len(strings) == 1 else None
    if guessed_text is None:  # an error names the type of its values
        guessed_text = _guess([name for name in features if name != guessed_label], TEXT_NAMES)
    if guessed_text is None or guessed_label is None:
        unknown = [name for name, column in (("text", guessed_text), ("label", guessed_label)) if column is None]
        raise DataError(
            f"{source.where}: can't infer which column is the {' and which is the '.join(unknown)}"
            f"{columns_of(source)}. Set {' and '.join(f'{name}=COLUMN' for name in unknown)}"
            f"{_hint(source, guessed_text)}"
        )
    if (text is None and guessed_text != "text") or (label is None and guessed_label != "label"):
        logger.info(
            "%s: the texts are taken from the column %r, the labels from %r (text= and label= choose others)",
            source.where,
            guessed_text,
            guessed_label,
        )
    return guessed_text, guessed_label


def _hint(source: Source, text: str | None) -> str:
    """Return advice for columns that can't be inferred."""
    names = source.data.column_names
    if names[0].lstrip().startswith(_FAST_TEXT) or (names == ["text"] and _is_fast_text(source)):
        return f". {_FAST_TEXT}... are the labels of fastText; write them into a column of their own"
    if names == ["text"] and source.format == "text":
        return ". A .txt file has a text per line; if it has other columns, name it .csv or .tsv"
    if source.format not in ("csv", "tsv"):
        return _columns_hint(source, text)
    if len(names) == 1:
        return ". If other columns follow in the header, set separator="
    return _header_hint(source) or _columns_hint(source, text)


def _is_fast_text(source: Source) -> bool:
    return all((text or "").lstrip().startswith(_FAST_TEXT) for text in source.data["text"][:_ROWS_SEEN])


def _columns_hint(source: Source, text: str | None) -> str:
    """Return advice if several columns hold a 0 or 1 each."""
    usual = {"0", "1", "0.0", "1.0", "true", "false", "none"}
    of_labels = [
        name
        for name, feature in source.data.features.items()
        if isinstance(feature, Value)
        and feature.dtype.startswith(LABEL_TYPES)
        and name != text
        and {str(value).lower() for value in source.distinct(name)} <= usual
    ]
    if text is None or len(of_labels) < 2:
        return ""
    return f". If each of these columns stands for a label: label={','.join(of_labels)}"


def _header_hint(source: Source) -> str:
    """Return advice if the header looks like data, because a column has its own name among its values."""
    values = {name: source.data[name][:] for name, feature in source.data.features.items() if is_string(feature)}
    if not any(name in of_column for name, of_column in values.items()):
        return ""
    text = max(values, key=lambda name: sum(map(len, values[name])))
    different = {name: len(set(of_column)) for name, of_column in values.items() if name != text}
    label = min(different, key=lambda name: (different[name] < 2, different[name]))
    names = ["text" if name == text else "label" if name == label else f"c{n}" for n, name in enumerate(values, 1)]
    return f". The first row looks like data: if there is no header, add header=none,columns={','.join(names)}"


def _guess(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the column with the first of the usual names, or else the only column with any of them."""
    likely = [column for column in columns if column.lower() in usual]
    exact = [column for column in likely if column.lower() == usual[0]]
    return (exact or likely)[0] if len(exact) == 1 or len(likely) == 1 else None


def is_string(feature: object) -> bool:
    """Return whether a feature holds texts, or nothing."""
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string", "string_view", "null")


def columns_of(source: Source) -> str:
    """Return the end of an error that lists the columns of a split."""
    return f"; the columns are: {some_of(source.data.column_names, 20) or 'none'}"


def raise_faults(faults: Sequence[str]) -> None:
    """Raise a ``DataError`` with all faults, if there are any."""
    if faults:
        raise DataError("\n".join(faults))
