"""Tables as other programs print them are refused with what to do, and none is read as another table."""

from __future__ import annotations

from pathlib import Path

import pytest

from textclf_core.data import iter_rows, read_file
from textclf_core.errors import DataError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "My survey\n\ntext,label\na,x\n",
            r"line 3: 2 fields, .* \(My survey\); .*the header is in line 3, remove the",
        ),
        ("# made by me\ntext,label\na,x\n", r"line 2: .* if the header is in line 2, remove the lines above it"),
        ("My survey,,\n,,\ntext,label,\na,x,\n", r"line 3: 'label' is in a column without a name; .*in line 3, remove"),
        ("text|label\na|x\n(1 row)\n", r"line 3: 1 field, .*; a line that is no row must be removed"),
        (" text | label \n------+-------\n a | x\n", r"line 2: a line of dashes, as database clients print"),
        ("+---+---+\n| text | label |\n+---+---+\n| a | x |\n", r"a\.csv: this is a table drawn with lines"),
        ("'text','label'\n'a','x'\n", r"line 1: the cells are in single quotes, .* save the table with double quotes"),
        ("text,label\na,x\nlabel,text\ny,b\n", r"line 3: the header is repeated, in another order, as in joined files"),
        ("text,label,text\na,x,b\n", r"line 1: the column 'text' is in the header twice; rename one"),
        ('text,label\n"a,x\n', r"line 2: .* Fix its quotes, or quoting=none reads quotes as part of the text"),
    ],
)
@pytest.mark.parametrize("read", [read_file, lambda file: list(iter_rows(file))])
def test_what_to_do_about_a_table_that_isnt_csv(content: str, message: str, read: object, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv")  # type: ignore[operator]


@pytest.mark.parametrize("content", ["text,label\n'a',x\n", "'text',label\na,x\n", "text,label\ntext,x\nb,label\n"])
def test_single_quotes_and_names_of_columns_may_be_texts(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert len(read_file(tmp_path / "a.csv").data) == content.count("\n") - 1
