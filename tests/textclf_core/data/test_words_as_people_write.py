"""Words and their labels in the forms that people have them: tables of words, spans of characters, numbers as tags."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict

from textclf_core.data import from_memory, prepare
from textclf_core.errors import DataError
from textclf_plugins.datasets.conll import Conll
from textclf_plugins.datasets.files import Files
from textclf_plugins.datasets.hf_dataset import HfDataset

Read = Callable[..., DatasetDict]
WORDS = [["Ada", "moved", "to", "New", "York", "."], ["Omar", "stayed"]]
TAGS = [["B-PER", "O", "O", "B-LOC", "I-LOC", "O"], ["B-PER", "O"]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file and reads it by the plugin ``files``."""

    def write_and_read(name: str, content: str, **options: Any) -> DatasetDict:
        (tmp_path / name).write_text(content)
        return Files(path=str(tmp_path / name), **options).textclf_load_data()

    return write_and_read


def rows(data: DatasetDict) -> tuple[list[list[str]], list[list[str]]]:
    split = data["train"]
    names = split.features["label"].feature.names
    return split["tokens"][:], [[names[tag] for tag in row] for row in split["label"][:]]


def json_lines(*of_rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in of_rows)


@pytest.mark.parametrize("numbered", ["each word", "the first word"])
def test_a_table_of_words_has_a_column_for_the_sequence(numbered: str, read: Read) -> None:
    lines = ["Sentence #,Word,POS,Tag"]
    for number, (words, tags) in enumerate(zip(WORDS, TAGS, strict=True)):
        for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
            lines.append(f"{number if numbered == 'each word' or not place else ''},{word},X,{tag}")
    content = "\n".join(lines)
    assert rows(read("a.csv", content, sequence="Sentence #")) == (WORDS, TAGS)
    assert rows(read("a.csv", content, sequence="Sentence #", text="Word", label="Tag")) == (WORDS, TAGS)


def test_numbers_as_tags_need_names_in_a_table_too(read: Read) -> None:
    content = "id,word,tag\n1,Ada,1\n1,moved,0\n2,Omar,1\n2,.,-100\n"
    with pytest.raises(DataError, match=r"a\.csv, line 2: the tags are numbers"):
        read("a.csv", content, sequence="id")
    data = read("a.csv", content, sequence="id", names=("O", "B-PER"))
    assert data["train"].features["label"].feature.names == ["O", "B-PER"]
    assert data["train"]["label"][:] == [[1, 0], [1, -100]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("id,word,tag\n1,a,O\n2,b,O\n1,c,O\n", {}, r"line 4: the sequence '1' \(column 'id'\) begins again"),
        ("id,word,tag\n1,a,O\n1,b,\n", {}, r"line 2: a word has no tag"),
        ("nr,word,tag\n1,a,O\n", {}, r"no column 'id' \(sequence=id\); the columns are: nr, word, tag"),
        ("id,a,b\n1,a,O\n", {}, r"set text=COLUMN; the columns are: id, a, b"),
        ("id,a,b\n1,a,O\n", {"text": "a", "label": "c"}, r"no column 'c' \(label=c\)"),
    ],
)
def test_a_table_that_is_none_of_words(content: str, options: dict[str, str], message: str, read: Read) -> None:
    with pytest.raises(DataError, match=message):
        read("a.csv", content, sequence="id", **options)


SPANS = [
    {"text": "Ada moved to New York .", "label": [[0, 3, "PER"], [13, 21, "LOC"]]},
    {"text": "Omar stayed", "label": [[0, 4, "PER"]]},
]
OBJECTS = [
    {"text": row["text"], "label": [{"start": start, "end": end, "label": kind} for start, end, kind in row["label"]]}
    for row in SPANS
]


@pytest.mark.parametrize("given", [SPANS, OBJECTS])
def test_spans_of_characters_are_tags_of_words(given: list[dict[str, Any]], read: Read) -> None:
    assert rows(read("a.jsonl", json_lines(*given))) == (WORDS, TAGS)
    assert rows(from_memory(given)) == (WORDS, TAGS)
    assert rows(from_memory(pd.DataFrame(given))) == (WORDS, TAGS)


def test_spans_in_parquet_are_tags_of_words(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(OBJECTS).rename_columns(["body", "found"]), tmp_path / "a.parquet")
    data = Files(path=str(tmp_path / "a.parquet"), text="body", label="found").textclf_load_data()
    assert rows(data) == (WORDS, TAGS)


def test_spans_that_dont_fit_the_words_are_counted(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    content = json_lines(
        {"text": "Ada went to York.", "entities": [[0, 3, "PER"], [12, 16, "LOC"], [12, 17, "ORG"], [3, 4, "LOC"]]}
    )
    assert rows(read("a.jsonl", content)) == ([["Ada", "went", "to", "York."]], [["B-PER", "O", "O", "B-LOC"]])
    assert "1 of 4 spans don't begin and end with a word, so they are widened to whole words" in caplog.text
    assert "2 of 4 spans overlap others or hold no word, so they are dropped" in caplog.text


@pytest.mark.parametrize("span", [[0, 99, "PER"], [2, 2, "PER"], [-1, 2, "PER"], [0, 3], "PER"])
def test_a_span_that_is_none_is_refused_with_its_row(span: object, read: Read) -> None:
    content = json_lines(SPANS[0], {"text": "Omar stayed", "label": [[0, 4, "PER"], span]})
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: .* isn't a span of the text"):
        read("a.jsonl", content)


def test_names_are_for_tags_that_are_numbers(read: Read) -> None:
    content = json_lines({"tokens": ["Ada", "moved"], "tags": ["B-PER", "O"]})
    with pytest.raises(DataError, match=r"line 1: the tag 'B-PER' .* isn't one of names=O,B-LOC"):
        read("a.jsonl", content, names=("O", "B-LOC"))
    assert rows(read("a.jsonl", content, names=("O", "B-PER")))[1] == [["B-PER", "O"]]


def test_a_tag_beyond_the_names_is_refused(read: Read) -> None:
    content = json_lines({"tokens": ["Ada", "moved"], "tags": [2, 0]})
    with pytest.raises(DataError, match=r"the tag 2 .* has no name; names= has names for 0 to 1"):
        read("a.jsonl", content, names=("O", "B-PER"))


def test_numbers_in_a_saved_data_set_get_names(tmp_path: Path) -> None:
    given = Dataset.from_dict({"tokens": WORDS, "ner_tags": [[1, 0, 0, 2, 3, 0], [1, -100]]})
    given.save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"the tags are numbers \(column 'ner_tags'\); name them"):
        HfDataset(id=str(tmp_path / "saved")).textclf_load_data()
    names = ("O", "B-PER", "B-LOC", "I-LOC")
    data = HfDataset(id=str(tmp_path / "saved"), names=names).textclf_load_data()
    assert data["train"].features["label"].feature.names == list(names)
    assert data["train"]["label"][:] == [[1, 0, 0, 2, 3, 0], [1, -100]]


def test_lists_written_as_text_are_words_and_tags(read: Read) -> None:
    frame = pd.DataFrame({"tokens": map(str, WORDS), "ner_tags": map(str, TAGS)})
    data = read("a.csv", frame.to_csv(index=False))
    assert rows(data) == (WORDS, TAGS)
    assert data.read_from == {"text": ("tokens",), "label": ("ner_tags",)}
    numbers = frame.assign(ner_tags=["[1, 0, 0, 2, 3, 0]", "[1 0]"])
    assert rows(read("b.csv", numbers.to_csv(index=False), names=("O", "B-PER", "B-LOC", "I-LOC"))) == (WORDS, TAGS)


def test_a_tag_per_word_in_one_string_is_no_class(read: Read) -> None:
    lines = [f"{' '.join(words)},{' '.join(tags)}\n" for words, tags in zip(WORDS, TAGS, strict=True)]
    with pytest.raises(
        DataError, match=r"each label has a tag for every word of its text .*, such as 'B-PER O O B-LOC"
    ):
        read("a.csv", "text,label\n" + "".join(lines))
    assert len(read("a.csv", "text,label\n" + "".join(lines), labels="exact")["train"]) == 2


def test_the_tag_minus_100_among_names_is_no_label(read: Read) -> None:
    data = read(
        "a.jsonl", json_lines({"tokens": ["Ada", "left"], "tags": ["B-PER", "-100"]}, {"tokens": ["x"], "tags": ["O"]})
    )
    assert (data["train"].features["label"].feature.names, data["train"]["label"][:]) == (
        ["O", "B-PER"],
        [[1, -100], [0]],
    )
    assert data.changes == [
        f"{data['train'].info.description}: 1 of 3 words have the tag -100 (column 'tags'), so they are ignored in "
        "training and scores"
    ]


@pytest.mark.parametrize("tags", [None, [[-100, -100], [-100]], [None, None]])
def test_rows_of_test_without_tags_are_left_out_and_counted(tags: Any) -> None:
    test = [{"tokens": words} for words in (["Ada", "left"], ["Omar"])]
    if tags is not None:
        test = [row | {"tags": of_row} for row, of_row in zip(test, tags, strict=True)]
    train = [{"tokens": words, "tags": of_words} for words, of_words in zip(WORDS, TAGS, strict=True)]
    data = from_memory({"train": train, "test": test})
    assert (list(data), data.unlabelled) == (["train"], 2)


@pytest.mark.parametrize("columns", ["sentence,word", "text"])
def test_a_test_split_without_the_column_of_tags_is_left_out(columns: str, tmp_path: Path) -> None:
    if columns == "text":
        files, options = {"train": '{"text": "Ada left", "label": [[0, 3, "PER"]]}\n', "test": '{"text": "Ada"}\n'}, {}
        suffix = "jsonl"
    else:
        files = {"train": "sentence,word,tag\n1,Ada,B-PER\n1,left,O\n", "test": "sentence,word\n1,Ada\n1,left\n"}
        options, suffix = {"sequence": "sentence"}, "csv"
    for name, content in files.items():
        (tmp_path / f"{name}.{suffix}").write_text(content)
    data = Files(path=str(tmp_path), **options).textclf_load_data()
    assert (list(data), data.unlabelled) == (["train"], 1)


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("b-per", "such as 'b-per' look like"),
        ("PER-B", "such as 'PER-B' look like"),
        ("U-PER", "such as 'U-PER' look like"),
        ("NOUN", "aren't entity tags"),
    ],
)
def test_tags_without_entities_are_reported(
    tag: str, message: str, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="textclf")
    read("a.jsonl", json_lines({"tokens": ["Ada", "left"], "tags": [tag, "o" if tag == "b-per" else "O"]}))
    assert message in caplog.text


def test_what_words_lost_is_in_the_record(read: Read) -> None:
    data = read("a.jsonl", json_lines({"text": "Ada left", "label": [[0, 2, "PER"], [1, 3, "PER"]]}))
    assert [change.partition(": ")[2].partition(",")[0] for change in data.changes] == [
        "1 of 2 spans don't begin and end with a word",
        "1 of 2 spans overlap others or hold no word",
    ]


def test_a_row_with_fewer_tags_than_words_is_named_with_its_file(read: Read) -> None:
    data = read(
        "a.jsonl", json_lines({"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}, {"tokens": ["x"], "tags": []})
    )
    with pytest.raises(DataError, match=r"train \(.*a\.jsonl\): 1 rows have more or fewer labels .* first is row 2"):
        prepare(data, 0)


def test_tags_that_differ_in_their_spelling_are_reported_and_folded(
    read: Read, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = {"tokens": ["Ada", "left", "Bo"], "tags": ["B-PER", "O", "B-Per"]}
    content = json_lines(first, {"tokens": ["Al"], "tags": ["B-PER"]})
    assert read("a.jsonl", content)["train"].features["label"].feature.names == ["O", "B-PER", "B-Per"]
    assert "'B-PER' (2), 'B-Per' (1)" in caplog.text
    assert read("a.jsonl", content, labels="folded")["train"]["label"][:] == [[1, 0, 1], [1]]
    caplog.clear()
    (tmp_path / "a.conll").write_text("Ada B-PER\nleft O\nBo B-Per\n\nAl B-PER\n")
    Conll(path=str(tmp_path / "a.conll")).textclf_load_data()
    assert "'B-PER' (2), 'B-Per' (1)" in caplog.text
    data = Conll(path=str(tmp_path / "a.conll"), labels="folded").textclf_load_data()
    assert data["train"]["label"][:] == [[1, 0, 1], [1]]
    assert any("1 labels were replaced" in change for change in data.changes)


def test_rows_and_words_that_are_empty_are_reported(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="textclf")
    content = json_lines({"tokens": ["Ada", ""], "tags": ["B-PER", "O"]}, {"tokens": [], "tags": []})
    assert len(read("a.jsonl", content)["train"]) == 2
    assert "1 words are empty (column 'tokens')" in caplog.text
    assert "1 rows have no word, kept (empty=drop drops them)" in caplog.text
    dropped = read("a.jsonl", content, empty="drop")
    assert len(dropped["train"]) == 1
    assert any("1 rows without a word are dropped" in change for change in dropped.changes)


@pytest.mark.parametrize("option", [{"bins": (0.5,)}, {"label_separator": "pipe"}])
def test_options_for_labels_of_texts_are_refused(option: dict[str, Any], read: Read) -> None:
    with pytest.raises(DataError, match=f"{next(iter(option))}= is for labels of whole texts"):
        read("a.jsonl", json_lines({"tokens": ["Ada"], "tags": ["O"]}), **option)


def test_a_table_of_words_is_no_table_of_texts(read: Read) -> None:
    content = "sentence,word,tag\n1,Ada,B-PER\n1,left,O\n"
    with pytest.raises(DataError, match=r"each text is a word with the tag of an entity .* \(sequence=\)"):
        read("a.csv", content, text="word", label="tag")
    assert len(read("a.csv", content, sequence="sentence")["train"]) == 1


def test_tags_beside_texts_and_words_are_those_of_the_words(read: Read) -> None:
    content = json_lines({"text": "Ada left", "tokens": ["Ada", "left"], "tags": ["B-PER", "O"]})
    assert rows(read("a.jsonl", content, label="tags")) == ([["Ada", "left"]], [["B-PER", "O"]])


def test_words_beside_a_label_of_the_text_are_dropped(read: Read) -> None:
    data = read("a.jsonl", json_lines(*({"text": one, "tokens": [one], "label": one} for one in "ab")))
    assert data["train"].column_names == ["text", "label"]
    assert any("the column 'tokens' is dropped" in change for change in data.changes)


@pytest.mark.parametrize(
    "cells", [["[[0, 3, 'PER']]", "[]"], ["[(0, 3, 'PER')]", ""], ['[{"start": 0, "end": 3, "label": "PER"}]', "[]"]]
)
def test_spans_written_as_text_are_spans(cells: list[str], read: Read) -> None:
    frame = pd.DataFrame({"text": ["Ada left", "no"], "label": cells})
    assert rows(read("a.csv", frame.to_csv(index=False))) == ([["Ada", "left"], ["no"]], [["B-PER", "O"], ["O"]])


def test_spans_may_be_named_as_offsets(read: Read) -> None:
    span = {"label": "PER", "start_offset": 0, "end_offset": 3}
    assert rows(read("a.jsonl", json_lines({"text": "Ada left", "entities": [span]}))) == (
        [["Ada", "left"]],
        [["B-PER", "O"]],
    )


@pytest.mark.parametrize("separator", [None, "comma"])
def test_tags_beside_texts_that_arent_split_are_no_labels_of_the_texts(separator: str | None, read: Read) -> None:
    given = [(" ".join(words), tags) for words, tags in zip(WORDS, TAGS, strict=True)]
    content = json_lines(*({"text": text, "label": ",".join(tags) if separator else tags} for text, tags in given))
    with pytest.raises(DataError, match=r"has a tag for every word of its text .*such as .*B-PER"):
        read("a.jsonl", content)
    with pytest.raises(DataError, match=r"has a tag for every word of its text .*such as .*B-PER"):
        read("a.jsonl", content, label_separator=separator)
    assert len(read("a.jsonl", content, labels="exact")["train"]) == 2


@pytest.mark.parametrize(("content", "odd"), [("word tag\n", "'tag'"), ("", "'_'")])
def test_tags_of_which_only_some_are_those_of_entities_are_reported(
    content: str, odd: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.conll").write_text(content + f"Ada B-PER\nleft {'O' if content else '_'}\n\nOmar B-PER\n")
    Conll(path=str(tmp_path / "a.conll")).textclf_load_data()
    assert f"some tags are those of entities (such as 'B-PER'), but not all ({odd}), so there is no" in caplog.text


def test_a_column_with_one_value_for_each_sequence_is_kept(read: Read) -> None:
    content = "id,word,tag,doc,pos\n1,Ada,B-PER,a,X\n1,left,O,a,Y\n2,Omar,B-PER,b,X\n"
    data = read("a.csv", content, sequence="id", group="doc")
    assert data["train"]["doc"][:] == ["a", "b"]
    assert data["train"].column_names == ["tokens", "label", "doc"]
    assert any("the columns pos are dropped" in change for change in data.changes)


def test_columns_beside_spans_are_kept(read: Read) -> None:
    content = json_lines(*({**row, "author": author} for row, author in zip(SPANS, "ab", strict=True)))
    data = read("a.jsonl", content, group="author")
    assert (rows(data), data["train"]["author"][:]) == ((WORDS, TAGS), ["a", "b"])


def test_texts_are_no_words_of_a_sequence(read: Read) -> None:
    content = "id,text,label\n1,a good film,x\n1,a bad film,y\n"
    with pytest.raises(DataError, match="has texts of several words, but with sequence=id each row is a word"):
        read("a.csv", content, sequence="id")


def test_a_sequence_of_several_texts_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match="sequence=id is for one column of words, but text= names several"):
        read("a.csv", "id,w,v,tag\n1,a,b,O\n", sequence="id", text=("w", "v"), label="tag")
