"""What is said of a sheet names its cells as the spreadsheet program does."""

from __future__ import annotations

import pytest
from make_xlsx import xlsx
from rows_reading import SPEC, open_bytes

from toloka_upload.errors import BadInput


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["a", "INPT:b"], ["x", "y"]], "column B 'INPT:b': unknown prefix"),
        ([["a", "", "b"], ["x", "y", "z"]], "column B has no name"),
        ([["", "a", "a"], ["", "x", "y"]], "column C 'a': column B has the same name"),
        ([["My tasks"], ["string", "url"], ["x", "y"]], "only cell A1 has a name, 'My tasks', and row 2 has more"),
        ([["https://e.com/1.jpg", "b"], ["x", "y"]], "column A 'https://e.com/1.jpg': is an address and no name"),
    ],
)  # fmt: skip
def test_a_wrong_header_of_a_sheet_names_the_column_by_its_letter(
    rows: list[list[object]], says: str
) -> None:
    """Whoever looks at the sheet sees no numbers above it."""
    with pytest.raises(BadInput) as caught:
        open_bytes(xlsx(rows), SPEC)
    assert says in str(caught.value)


def test_the_letters_of_a_sheet_are_known_by_field() -> None:
    """For faults that are found where nobody knows sheets."""
    file = open_bytes(xlsx([["", "INPUT:string", "GOLDEN:result", "TASK:overlap"]]), SPEC)
    assert file.letters == {
        "input_values.string": "B",
        "known_solutions.0.output_values.result": "C",
        "overlap": "D",
    }
    assert open_bytes(b"string\na\n", SPEC, format="csv").letters == {}


def test_warnings_about_columns_of_a_sheet_have_letters_too() -> None:
    """Unknown ones, and numbers whose leading zeros are lost."""
    file = open_bytes(xlsx([["string", "strng"], ["a", "b"]]), SPEC)
    assert any(
        text.startswith("column B 'strng' is not in the project's") for text in file.warnings
    )
