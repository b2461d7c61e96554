"""``conll``: words and tags in columns."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from datasets import DatasetDict

from textclf_core.data import prepare
from textclf_core.errors import DataError
from textclf_plugins.datasets.conll import Conll

BIO = "Ada B-person\nLovelace I-person\nwrote O\n\nParis B-place\nis O\nold O\n"


def written(folder: Path, **splits: str) -> Path:
    for name, text in splits.items():
        (folder / f"{name}.conll").write_text(text, encoding="utf-8")
    return folder


def tags_of(data: DatasetDict, split: str = "train") -> list[list[str]]:
    names = data[split].features["label"].feature.names
    return [[names[label] for label in row] for row in data[split]["label"]]


def test_a_folder_gives_its_splits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = written(tmp_path, train=BIO, dev=BIO, test="old O\n")
    with caplog.at_level(logging.INFO, "textclf"):
        data = Conll(path=str(folder)).textclf_load_data()
    assert list(data) == ["train", "validation", "test"]
    assert data["train"]["tokens"][:] == [["Ada", "Lovelace", "wrote"], ["Paris", "is", "old"]]
    assert data["train"].features["label"].feature.names == ["O", "B-person", "B-place", "I-person"]
    assert caplog.messages == ["conll: the tags are BIO"]


def test_the_task_is_one_of_tokens(tmp_path: Path) -> None:
    prepared = prepare(Conll(path=str(written(tmp_path, train=BIO, dev=BIO, test=BIO))).textclf_load_data(), 0)
    assert prepared.task.kind == "tokens"
    assert prepared.task.text_columns == ("tokens",)
    assert prepared.record.splits[0].label_counts == {"O": 3, "B-person": 1, "B-place": 1, "I-person": 1}


def test_iob1_becomes_bio_with_the_same_entities(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    iob1 = "Ada I-person\nLovelace I-person\nCharles B-person\nBabbage I-person\nwrote O\nParis I-place\n"
    with caplog.at_level(logging.INFO, "textclf"):
        data = Conll(train=str(written(tmp_path, train=iob1) / "train.conll")).textclf_load_data()
    assert tags_of(data) == [["B-person", "I-person", "B-person", "I-person", "O", "B-place"]]
    assert "conll: the tags are IOB1; they are converted to BIO, which describes the same entities" in caplog.messages


def test_bioes_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bioes = "Ada B-person\nLovelace E-person\nin O\nParis S-place\n"
    with caplog.at_level(logging.INFO, "textclf"):
        data = Conll(path=str(written(tmp_path, train=bioes))).textclf_load_data()
    assert tags_of(data) == [["B-person", "E-person", "O", "S-place"]]
    assert "conll: the tags are BIOES" in caplog.messages


def test_sequences_that_arent_valid_are_counted_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = BIO + "\nthe O\nLouvre I-place\n"
    with caplog.at_level(logging.INFO, "textclf"):
        data = Conll(path=str(written(tmp_path, train=broken))).textclf_load_data()
    assert tags_of(data)[-1] == ["O", "I-place"]
    assert "train (train.conll): 1 sequences of tags aren't valid BIO, the first in line 10" in caplog.text


def test_documents_and_comments_are_left_out_but_no_word(tmp_path: Path) -> None:
    text = (
        "-DOCSTART- -X- O\n\n# sent_id = 1\nAda NNP B-person\nwrote VBD O\n# NN O\n\n"
        "# text = Paris\nParis NNP B-place\n"
    )
    data = Conll(path=str(written(tmp_path, train=text))).textclf_load_data()
    assert data["train"]["tokens"][:] == [["Ada", "wrote", "#"], ["Paris"]]


def test_columns_are_chosen_by_their_number(tmp_path: Path) -> None:
    text = "1\tAda\tB-person\tNNP\n2\tNew York\tB-place\tNNP\n3\tis\tO\tVBZ\n"
    data = Conll(path=str(written(tmp_path, train=text)), word_column=1, tag_column="2").textclf_load_data()
    assert data["train"]["tokens"][:] == [["Ada", "New York", "is"]]  # tabs part the columns, not blanks
    assert tags_of(data) == [["B-person", "B-place", "O"]]


def test_columns_are_chosen_by_their_name_in_the_first_line(tmp_path: Path) -> None:
    text = "Token POS Tag\nAda NNP B-person\nis VBZ O\n"
    data = Conll(path=str(written(tmp_path, train=text)), word_column="token", tag_column="Tag").textclf_load_data()
    assert data["train"]["tokens"][:] == [["Ada", "is"]]
    assert tags_of(data) == [["B-person", "O"]]
    with pytest.raises(DataError, match=r"no column 'Tags' \(tag_column=Tags\); the columns are: .*, Tag\. Did"):
        Conll(path=str(tmp_path), word_column="token", tag_column="Tags").textclf_load_data()


CONLLU = """# sent_id = 1
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tya\t_\tADV\t_\t_\t_\t_\t_\t_
3\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_
"""


def test_the_words_of_conll_u_are_its_forms(tmp_path: Path) -> None:
    (tmp_path / "train.conllu").write_text(CONLLU)
    data = Conll(path=str(tmp_path)).textclf_load_data()
    assert data["train"]["tokens"][:] == [["Vamos", "nos", "."]]
    assert tags_of(data) == [["VERB", "PRON", "PUNCT"]]
    assert tags_of(Conll(path=str(tmp_path), tag_column="deprel").textclf_load_data()) == [["root", "obj", "punct"]]


def test_columns_that_conll_u_plus_declares_have_names(tmp_path: Path) -> None:
    text = "# global.columns = ID FORM UPOS NE\n1\tAda\tPROPN\tB-person\n2\tis\tAUX\tO\n"
    data = Conll(path=str(written(tmp_path, train=text)), tag_column="ne").textclf_load_data()
    assert (data["train"]["tokens"][:], tags_of(data)) == ([["Ada", "is"]], [["B-person", "O"]])


def test_tags_that_are_no_entities_are_labels_like_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "textclf"):
        data = Conll(path=str(written(tmp_path, train="Ada NNP\nwrote VBD\n"))).textclf_load_data()
    assert tags_of(data) == [["NNP", "VBD"]]
    assert "aren't entity tags" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ada B-person\nLovelace\n", r"line 2: expected 2 columns like the first line, found 1: 'Lovelace'"),
        ("Ada\t\nis\tO\n", r"line 1: the word 'Ada' has no tag"),
        ("\n\n", "has no words"),
    ],
)
def test_a_file_that_cant_be_read_is_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    folder = written(tmp_path, train=text)
    with pytest.raises(DataError, match=message):
        Conll(path=str(folder)).textclf_load_data()


def test_a_column_that_isnt_there_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path, train=BIO)
    with pytest.raises(DataError, match="has 2 columns, counted from 0, so there is no tag_column=3"):
        Conll(path=str(folder), tag_column=3).textclf_load_data()


def test_a_folder_without_a_training_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a file train with one of"):
        Conll(path=str(written(tmp_path, corpus=BIO))).textclf_load_data()


def test_wnut17_is_read_whole(shared_data: Path) -> None:
    data = Conll(path=str(shared_data / "wnut17")).textclf_load_data()
    assert {name: len(split) for name, split in data.items()} == {"train": 3394, "validation": 1009, "test": 1287}
    assert len(data["train"].features["label"].feature.names) == 13


def test_numbers_as_tags_need_names_and_minus_100_is_no_label(tmp_path: Path) -> None:
    path = str(written(tmp_path, train="Ada 1\nleft 0\n\nshe -100\nleft 0\n"))
    with pytest.raises(DataError, match=r"train\.conll: the tags are numbers; name them .* names=O,B-PER,I-PER"):
        Conll(path=path).textclf_load_data()
    split = Conll(path=path, names=("O", "B-person")).textclf_load_data()["train"]
    assert split.features["label"].feature.names == ["O", "B-person"]
    assert split["label"][:] == [[1, 0], [-100, 0]]
    with pytest.raises(DataError, match=r"line 1: the tag '1' isn't a number from 0 to 0"):
        Conll(path=path, names=("O",)).textclf_load_data()


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_bytes(b"Ada B-PER\rleft O\r\rOmar B-PER\r")
    data = Conll(path=str(tmp_path / "a.conll")).textclf_load_data()
    assert data["train"]["tokens"][:] == [["Ada", "left"], ["Omar"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Ada\nleft\n", r"a\.conll, line 1: the words and the tags are both taken from column 0 of 1; a file without"),
        (b"\x1f\x8b\x08\0", r"a\.conll: this is compressed by gzip"),
        ("Ad\u00e0 O\n".encode("latin-1"), r"a\.conll isn't UTF-8: byte 2 is 0xe0; save it as UTF-8"),
    ],
)
def test_a_file_without_tags_or_in_another_format_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_bytes(content)
    with pytest.raises(DataError, match=message):
        Conll(path=str(tmp_path / "a.conll")).textclf_load_data()


def test_a_file_of_another_suffix_with_the_name_of_a_split_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "train.conll").write_text("Ada B-PER\n")
    (tmp_path / "test.csv").write_text("Ada,B-PER\n")
    assert list(Conll(path=str(tmp_path)).textclf_load_data()) == ["train"]
    assert "left out, though its name is that of a split: test.csv" in caplog.text
