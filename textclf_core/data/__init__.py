"""Labelled texts: reading, finding the text and label columns, checking and splitting."""

from textclf_core.data.drawing import with_own_sample, with_train_size
from textclf_core.data.infer_columns import TEXT, labelled
from textclf_core.data.marked_columns import mark_columns
from textclf_core.data.memory import from_memory
from textclf_core.data.prepared import PreparedData, prepare, task_of
from textclf_core.data.reading import iter_rows, read_file
from textclf_core.data.row_counts import rows_sha256
from textclf_core.data.source import Source

__all__ = [
    "TEXT",
    "PreparedData",
    "Source",
    "from_memory",
    "iter_rows",
    "labelled",
    "mark_columns",
    "prepare",
    "read_file",
    "rows_sha256",
    "task_of",
    "with_own_sample",
    "with_train_size",
]
