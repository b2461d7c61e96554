"""Files that aren't UTF-8: the error names each encoding that the file may have, and what it makes of some words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from textclf_core.data import iter_rows
from textclf_core.data.read_options import ReadOptions
from textclf_core.errors import DataError

TEXTS = {
    "windows-1252": "Très bon film à voir",
    "windows-1250": "Skvělý film, příšerně žluťoučký",
    "windows-1251": "Очень хороший фильм, советую",
    "windows-1253": "Πολύ καλή ταινία",
    "windows-1254": "Çok güzel bir film, şiddetle öneriyorum",
    "windows-1255": "הסרט היה נפלא ומרגש",
    "windows-1256": "فيلم رائع جدا",
    "iso8859-2": "Świetny film, polecam źródło",
    "koi8-r": "Очень хороший фильм, советую",
    "gb18030": "这部电影非常好看",
    "big5": "電影非常好看",
    "cp932": "とても面白い映画でした",
    "euc-jp": "とても面白い映画でした",
    "cp949": "정말 재미있는 영화",
    "cp874": "หนังดีมาก",
    "mac-roman": "Très bon film à voir",
}


def written(folder: Path, encoding: str, text: str, times: int = 1) -> Path:
    file = folder / "a.csv"
    file.write_bytes(("text,label\n" + f'"{text}",x\n' * times).encode(encoding))
    return file


def advised(file: Path) -> list[str]:
    """Return the encodings that the error about a file advises."""
    with pytest.raises(DataError, match=r"a\.csv, line 2: not UTF-8 \(byte .* set encoding=") as error:
        list(iter_rows(file))
    return re.findall(r"(?:set encoding=|, )(\S+) if '", str(error.value))


@pytest.mark.parametrize("size", ["one word", "one text", "a file"])
@pytest.mark.parametrize("encoding", TEXTS)
def test_one_of_the_encodings_that_are_advised_reads_the_file(encoding: str, size: str, tmp_path: Path) -> None:
    text = TEXTS[encoding].split()[0] if size == "one word" else TEXTS[encoding]
    file = written(tmp_path, encoding, text, 40 if size == "a file" else 1)
    found = advised(file)
    assert 1 <= len(found) <= 5
    read = {next(iter_rows(file, options=ReadOptions(encoding=one)))["text"] for one in found}
    assert text in read
    assert len(read) == len(found)  # each reads the file in its own way


def test_what_each_encoding_makes_of_some_words_is_shown(tmp_path: Path) -> None:
    file = written(tmp_path, "windows-1254", "çok, şiddetle")
    with pytest.raises(DataError, match=r"it may be windows-1252.* if 'çok þiddetle' is right.* if 'çok şiddetle' is"):
        list(iter_rows(file))
    with pytest.raises(DataError, match=r"it looks like windows-1252: set encoding=windows-1252 if 'für' is right, or"):
        list(iter_rows(written(tmp_path, "latin-1", "für")))


def test_an_encoding_that_doesnt_fit_is_refused_with_those_that_do(tmp_path: Path) -> None:
    file = written(tmp_path, "windows-1252", "für")
    with pytest.raises(DataError, match=r"not ascii \(byte 0xfc .*set encoding=windows-1252 if 'für' is right"):
        list(iter_rows(file, options=ReadOptions(encoding="ascii")))


def test_control_characters_that_an_encoding_makes_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path, "windows-1252", "a \u201cgood\u201d film")
    list(iter_rows(file, options=ReadOptions(encoding="latin-1")))
    assert r"which makes control characters such as '\x93' of some bytes; windows-1252 makes '“' of it" in caplog.text
    caplog.clear()
    list(iter_rows(file, options=ReadOptions(encoding="windows-1252")))
    assert not caplog.records
