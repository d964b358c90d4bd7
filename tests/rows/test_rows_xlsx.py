"""XLSX: what spreadsheet programs made of people's cells, and archives that had better not be loaded."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_xlsx import ERROR, Raw, sheet_xml, workbook, xlsx
from rows_reading import SPEC, codes, open_bytes, read, texts

from toloka_upload.errors import BadInput
from toloka_upload.rows.workbook import MAX_UNPACKED

DAY = dt.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("field_type", "cell", "text"),
    [
        ("string", "007", '"007"'),
        ("string", 7.0, '"7"'),
        ("string", 0, '"0"'),
        ("string", 1.1, '"1.1"'),
        ("url", " https://a.b/ ", '"https://a.b/"'),
        ("integer", 5.0, "5"),
        ("integer", "12345678901234567890", "12345678901234567890"),
        ("integer", -999999999999999, "-999999999999999"),
        ("float", 5, "5"),
        ("float", 0.1 + 0.2, "0.30000000000000004"),
        ("float", 1e300, "1e+300"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("boolean", "FALSE", "false"),
        ("json", 5, "5"),
        ("json", '{"a": 1.50}', '{"a":1.50}'),
        ("array_integer", 3, "[3]"),
        ("array_integer", "3,4", "[3,4]"),
        ("array_string", 3.5, '["3.5"]'),
        ("array_boolean", True, "[true]"),
    ],
)
def test_what_a_spreadsheet_made_of_a_cell_is_mended_where_it_is_certain(field_type, cell, text):
    """By the field's type: numbers without fraction are integers, truth values are booleans."""
    assert texts(xlsx([[field_type], [cell]]), SPEC) == [
        f'{{"input_values":{{"{field_type}":{text}}}}}'
    ]


@pytest.mark.parametrize(
    ("field_type", "cell", "code", "says"),
    [
        (
            "string",
            DAY,
            "STRING_EXPECTED",
            "holds a date or time, 2024-05-01; format the column as text",
        ),
        ("integer", DAY, "INTEGER_EXPECTED", "holds a date"),
        ("array_url", DAY, "STRING_EXPECTED", "holds a date"),
        ("string", True, "STRING_EXPECTED", "holds a truth value"),
        ("integer", True, "INTEGER_EXPECTED", "holds a truth value"),
        ("integer", 1234567890123456789, "INTEGER_EXPECTED", "only 15 digits were kept"),
        ("string", 1e15, "STRING_EXPECTED", "only 15 digits were kept"),
        ("string", 0.1 + 0.2, "STRING_EXPECTED", "only 15 digits were kept"),
        ("integer", 1.5, "INTEGER_EXPECTED", "'1.5' is not an integer"),
        ("boolean", 1, "BOOLEAN_EXPECTED", "neither true nor false"),
        ("string", ERROR, "INVALID_VALUE", "an error such as #DIV/0!"),
        ("float", ERROR, "INVALID_VALUE", "an error such as #DIV/0!"),
    ],
)
def test_what_is_not_certain_is_refused(field_type, cell, code, says):
    """With the field, the column and what to do; an error cell is not taken for an empty one."""
    row = read(xlsx([[field_type, "url"], [cell, "x"]]), SPEC)[0]
    assert codes(row) == [(f"input_values.{field_type}", code)]
    assert says in row.faults[0].message
    assert f"column {field_type!r}" in row.faults[0].message


def test_rows_and_columns_are_those_of_the_sheet():
    """Empty rows above and between, and empty columns at the left, shift nothing."""
    rows = [
        [None, None, "string", "integer"],
        [None, None, "a", ERROR],
        [],
        [None, None, "b", 2],
        [None, None, None, 0],
    ]
    found = read(xlsx(rows, first_row=3), SPEC)
    assert [row.line for row in found] == [4, 6, 7]
    assert [codes(row) for row in found] == [[("input_values.integer", "INVALID_VALUE")], [], []]
    assert found[2].text == b'{"input_values":{"integer":0}}'


def test_more_cells_than_columns_are_a_fault():
    """Also if they hold nothing but a zero."""
    row = read(xlsx([["string"], ["a", 0]]), SPEC)[0]
    assert codes(row) == [("", "WRONG_CELL_COUNT")]


def test_rejects_of_a_sheet_are_csv_that_reads_back():
    """Header and rows with all their cells, the refused ones shown as they are."""
    file = open_bytes(xlsx([["string", "integer"], ['a,"b"\n', 1], [DAY, "x;y"]]), SPEC)
    rows = list(file)
    assert file.rejects_suffix == ".csv"
    assert file.rejects_head == b"string,integer\n"
    assert rows[0].raw == b'"a,""b""\n",1\n'
    assert rows[1].raw == b'2024-05-01,"x;y"\n'
    again = read(file.rejects_head + rows[0].raw, SPEC, format="csv")[0]
    assert again.text == rows[0].text


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6).filter(
    lambda t: "_x" not in t
)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2).filter(any), max_size=5))
def test_a_sheet_and_the_csv_of_its_texts_are_the_same_rows(rows):
    """Text cells come through untouched, and so do they through the rejects file."""
    found = read(xlsx([["string", "url"], *rows]), None)
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows([["string", "url"], *rows])
    assert [row.text for row in found] == [
        row.text for row in read(held.getvalue().encode(), None, format="csv")
    ]
    rejects = b"string,url\n" + b"".join(row.raw for row in found)
    assert [row.text for row in read(rejects, None, format="csv")] == [row.text for row in found]


def test_a_sheet_is_chosen_by_name_else_the_first():
    """A name that is not there is told together with those that are."""
    data = workbook(
        {"One & only": sheet_xml([["string"], ["a"]]), "Two": sheet_xml([["url"], [ERROR]])}
    )
    assert texts(data) == ['{"input_values":{"string":"a"}}']
    assert codes(read(data, sheet="Two")[0]) == [("input_values.url", "INVALID_VALUE")]
    with pytest.raises(BadInput, match="no sheet 'Three'; there are 'One & only', 'Two'"):
        open_bytes(data, sheet="Three")


@pytest.mark.parametrize(
    "address", ['r="XFD1048576" ', 's="1" r="XFD1048576"', "", "s='1'\nr='XFD1048576'"]
)
def test_a_stray_cell_in_the_last_corner_is_refused_before_it_is_loaded(address):
    """Loading takes memory for the whole rectangle: 17 thousand million cells."""
    sheet = sheet_xml([["string"], ["a"]])
    sheet = sheet.replace(
        "</sheetData>", f'<row r="1048576"><c {address}><v>1</v></c></row></sheetData>'
    )
    with pytest.raises(BadInput, match=r"XFD1048576|no addresses"):
        open_bytes(workbook({"Sheet": sheet}))


def test_no_way_of_writing_a_cell_hides_it_from_the_bound():
    """Prefixed names and other encodings of XML are seen through, or refused."""
    sheet = sheet_xml([["string"], ["a"]])
    stray = (
        '<x:row xmlns:x="x" r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row></sheetData>'
    )
    with pytest.raises(BadInput, match="XFD1048576"):
        open_bytes(workbook({"Sheet": sheet.replace("</sheetData>", stray)}))
    plain = xlsx([["string"], ["a"]])
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(held, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            new.writestr(part, text.decode().encode("utf-16") if "sheet1" in part else text)
    with pytest.raises(BadInput, match="not UTF-8"):
        open_bytes(held.getvalue())


def test_error_cells_are_found_in_a_large_sheet():
    """Wherever they stand: far beyond the first piece that is looked at."""
    rows = [["string", "integer"], *([f"text {n}" * 10, n] for n in range(20_000)), ["last", ERROR]]
    found = read(xlsx(rows))
    assert len(found) == 20_001
    assert [row.line for row in found if row.faults] == [20_002]


def test_formatted_cells_without_content_are_no_cells():
    """Borders and colours to the end of the sheet do not make it large."""
    sheet = sheet_xml([["string"], ["a"]])
    sheet = sheet.replace(
        "</sheetData>", '<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    )
    assert len(read(workbook({"Sheet": sheet}))) == 1


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    """The archive's own list tells what it would unpack to."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            zeros = bytes(1 << 24)
            for _ in range((MAX_UNPACKED >> 24) + 1):
                part.write(zeros)
    with pytest.raises(
        BadInput, match=r"unpacks to 1,\d{3},\d{3},\d{3} bytes, more than 1,073,741,824"
    ):
        open_bytes(held.getvalue())


def test_damaged_archives_are_refused_wherever_the_damage_is():
    """Cut anywhere, or with a byte changed anywhere: rows, or one line that says so; never a traceback."""
    data = xlsx([["string", "integer"], ["a", 1]])
    for cut in range(8, len(data), 23):
        with pytest.raises(BadInput, match=r"damaged|loaded|no XLSX"):
            read(data[:cut], format="xlsx")
    for at in range(0, len(data), 11):
        broken = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        with suppress(BadInput):
            read(broken, format="xlsx")


def test_what_is_no_xlsx_is_told():
    """Text or another archive under that name or format is no traceback."""
    with pytest.raises(BadInput, match="damaged"):
        read(b"a,b\n1,2\n", format="xlsx")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("tasks.csv", "a,b\n")
    with pytest.raises(BadInput, match="no XLSX file; unpack it"):
        read(held.getvalue())


def test_a_raw_number_that_is_none_is_a_fault_of_the_file_or_the_cell():
    """Numbers that no spreadsheet writes end in a refusal."""
    for number in ("nan", "inf", "1e999", "abc"):
        data = xlsx([["float", "string"], [Raw(f"><v>{number}</v></c>"), "x"]])
        with suppress(BadInput):
            assert codes(read(data, SPEC)[0])
