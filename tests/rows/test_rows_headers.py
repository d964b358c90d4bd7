"""Headers as spreadsheet programs leave them."""

from __future__ import annotations

import pytest
from rows_reading import codes, open_bytes, read, texts

from toloka_upload.errors import BadInput


@pytest.mark.parametrize("mark", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_first_line_that_names_the_delimiter_is_no_header(mark):
    """Excel writes and reads `sep=;`; the rejects file keeps it."""
    data = f"{mark}\r\nstring;url\r\na,b;https://a\r\nx\r\n".encode()
    file = open_bytes(data, format="csv")
    rows = list(file)
    assert rows[0].text == b'{"input_values":{"string":"a,b","url":"https://a"}}'
    assert [(row.line, len(row.faults)) for row in rows] == [(3, 0), (4, 1)]
    assert file.rejects_head == f"{mark}\r\nstring;url\r\n".encode()
    assert len(read(file.rejects_head + rows[0].raw, format="csv")) == 1


def test_header_cells_without_a_name_at_its_end_are_no_columns():
    """Emptied columns of a spreadsheet stay as commas; a cell below them is still a fault."""
    assert texts(b"string,url,,,\na,b,,,\nc,d\n", None) == [
        '{"input_values":{"string":"a","url":"b"}}',
        '{"input_values":{"string":"c","url":"d"}}',
    ]
    assert codes(read(b"string,url,,\na,b,c,\n", None)[0]) == [("", "WRONG_CELL_COUNT")]


def test_a_title_above_the_header_is_asked_about():
    """One filled cell in several columns is no header."""
    says = "^-:1: only the first of 3 columns has a name, 'My tasks': is this line a title"
    with pytest.raises(BadInput, match=says) as caught:
        read(b"My tasks,,\nstring,url,integer\na,b,1\n", format="csv")
    assert caught.value.code == "BAD_HEADER"
