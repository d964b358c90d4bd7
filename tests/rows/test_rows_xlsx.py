"""XLSX: what spreadsheet programs made of people's cells, and archives that had better not be loaded."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_xlsx import ERROR, Raw, sheet_xml, workbook, xlsx
from rows_reading import SPEC, codes, open_bytes, read, texts

from toloka_upload.errors import BadInput
from toloka_upload.rows.workbook import MAX_UNPACKED

DAY = dt.date(2024, 5, 1)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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
        ("string", ERROR, "INVALID_VALUE", "holds the error #DIV/0!"),
        ("float", ERROR, "INVALID_VALUE", "holds the error #DIV/0!"),
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
    "address", ['r="XFD1048576" ', 's="1" r="XFD1048576"', "s='1'\nr='XFD1048576'"]
)
def test_a_stray_cell_in_the_last_corner_is_a_fault_of_its_row(address):
    """Rows are read one by one: the rectangle of 17 thousand million cells takes nothing."""
    sheet = sheet_xml([["string"], ["a"]])
    sheet = sheet.replace(
        "</sheetData>", f'<row r="1048576"><c {address}><v>1</v></c></row></sheetData>'
    )
    rows = read(workbook({"Sheet": sheet}))
    assert [codes(row) for row in rows] == [[], [("", "WRONG_CELL_COUNT")]]
    assert "cell XFD1048576 holds" in rows[1].faults[0].message
    assert "the header ends with column A" in rows[1].faults[0].message


def test_cells_without_addresses_follow_one_another():
    """Some programs leave the addresses out, which the standard allows."""
    sheet = (
        f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="inlineStr"><is><t>string</t></is></c>'
        '<c t="inlineStr"><is><t>integer</t></is></c></row><row/><row><c t="str"><v>a</v></c><c><v>5</v></c></row>'
        "</sheetData></worksheet>"
    )
    (row,) = read(workbook({"Sheet": sheet}))
    assert (row.line, row.text) == (3, b'{"input_values":{"string":"a","integer":5}}')


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ('<c r="A2" r="XFD1048576"><v>1</v></c>', "duplicate attribute"),
        ('<c r="A3"><v>1</v></c>', "row 2 has a cell 'A3'"),
        ('<c r="B2"><v>1</v></c><c r="A2"><v>1</v></c>', "in the wrong order"),
        ('<c r="A2"><v>1</v></c><c r="A2"><v>2</v></c>', "in the wrong order"),
        ('<c r="XFE2"><v>1</v></c>', "in the wrong order"),
        ('<c r="A2" t="s"><v>7</v></c>', "no text of number 7"),
        ('<c r="A2" t="s"><v>-1</v></c>', "no text of number -1"),
        ('<c r="A2"><v>1_0</v></c>', "number is '1_0'"),
        ('<c r="A2"><v>&bomb;</v></c>', "undefined entity"),
        ('<c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c>', "row 2 follows row 2"),
        ('<c r="A2"><v>1</v></c></row><row r="x">', "number is 'x'"),
    ],
)
def test_what_contradicts_itself_is_damage(wrong, says):
    """An address that stands twice, cells out of order, texts that are not there: nothing is guessed."""
    sheet = sheet_xml([["string"]]).replace("</sheetData>", f'<row r="2">{wrong}</row></sheetData>')
    with pytest.raises(BadInput, match=f"damaged in xl/worksheets/sheet1.xml: .*{re.escape(says)}"):
        read(workbook({"Sheet": sheet}))


def test_prefixed_names_are_read_and_other_encodings_refused():
    """Some programs prefix every name; none writes UTF-16."""
    plain = xlsx([["string"], ["a"]])
    assert texts(changed(plain, "sheet1", prefixed)) == ['{"input_values":{"string":"a"}}']
    for encoding in ("utf-16", "utf-16-le"):
        with pytest.raises(BadInput, match="not UTF-8"):
            open_bytes(changed(plain, "sheet1", lambda text, code=encoding: text.encode(code)))
    declared = '<?xml version="1.0" encoding="cp1252"?>'
    with pytest.raises(BadInput, match="not UTF-8"):
        open_bytes(changed(plain, "sheet1", lambda text: (declared + text).encode()))


def changed(data: bytes, part: str, change: Callable[[str], bytes]) -> bytes:
    """The workbook with one part changed."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(held, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, change(text.decode()) if part in name else text)
    return held.getvalue()


def prefixed(text: str) -> bytes:
    """The sheet as programs write it that prefix every name."""
    return re.sub(r"<(/?)(\w)", r"<\1x:\2", text).replace("xmlns=", "xmlns:x=").encode()


def test_formulas_without_a_result_are_refused():
    """Programs that write files without computing store a formula alone: that is no empty cell."""
    rows = [
        ["string", "integer"],
        [Raw("><f>B2&amp;1</f><v></v></c>"), Raw("><f>1+1</f><v>2</v></c>")],
        [Raw("><f>B3</f></c>"), 1],
        [Raw(' t="str"><f>IF(1,"","")</f><v></v></c>'), 3],
    ]
    found = read(xlsx(rows), SPEC)
    assert [codes(row) for row in found] == [
        [("input_values.string", "INVALID_VALUE")],
        [("input_values.string", "INVALID_VALUE")],
        [],
    ]
    assert (
        found[0]
        .faults[0]
        .message.startswith(
            "cell A2, column 'string': it holds the formula =B2&1, whose result was never stored"
        )
    )
    assert found[2].text == b'{"input_values":{"integer":3}}'


def test_formulas_of_a_program_that_does_not_compute_are_told():
    """Some such programs store 0 for each result, and ask that the file is computed when it is opened."""
    data = xlsx([["integer"], [Raw("><f>6*7</f><v>0</v></c>")]])
    told = changed(
        data,
        "workbook.xml",
        lambda t: t.replace("</sheets>", '</sheets><calcPr fullCalcOnLoad="1"/>').encode(),
    )
    for archive, number in ((data, 0), (told, 1)):
        file = open_bytes(archive, SPEC)
        assert [row.text for row in file] == [b'{"input_values":{"integer":0}}']
        assert len(["A2" in warning for warning in file.warnings]) == number


def styled(code: str, *numbers: float, header: str = "string") -> bytes:
    """A column of numbers in a number format."""
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode={quoteattr(code)}/></numFmts>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    cells = [[Raw(f' s="1"><v>{number!r}</v></c>')] for number in numbers]
    return changed(xlsx([[header], *cells]), "styles", lambda _: styles.encode())


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("General", 7, "7"),
        ("@", 7, "7"),
        ("00000", 42, "00042"),
        ("0", 42, "42"),
        ("0%", 0.5, "50%"),
        ("0.0%", 0.125, "12.5%"),
        ("0.00", 1.5, "1.50"),
        ("0.00", -1.5, "-1.50"),
        ("0.00_ ;[Red]-0.00", 1.5, "1.50"),
        ("#,##0", 999, "999"),
    ],
)
def test_a_text_field_gets_what_the_cell_shows(code, number, shown):
    """Leading zeros and per cent signs are a number's format in a spreadsheet, and part of the text in a task."""
    assert texts(styled(code, number), SPEC) == [f'{{"input_values":{{"string":"{shown}"}}}}']
    assert texts(styled(code, number), None) == [f'{{"input_values":{{"string":"{shown}"}}}}']


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("0", 1.5),
        ("0.0", 1.25),
        ("0%", 0.123),
        ("#,##0", 1234),
        ("0.00E+00", 5),
        ("# ?/?", 0.5),
        ('0" pcs"', 5),
        ("[$€-407] 0.00", 5),
        ("0;(0)", -5),
        ("000-00-0000", 123456789),
    ],
)
def test_a_format_whose_text_is_not_certain_is_refused_in_text_fields_only(code, number):
    """Digits that are not shown, separators that differ by country, signs of currency: the user decides."""
    (row,) = read(styled(code, number), SPEC)
    assert codes(row) == [("input_values.string", "STRING_EXPECTED")]
    assert "cell A2, column 'string': it holds the number" in row.faults[0].message
    assert repr(code) in row.faults[0].message
    assert not read(styled(code, number, header="float"), SPEC)[0].faults


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("yyyy-mm-dd", 45413, "2024-05-01"),
        ('dd" of "mmmm', 45413, "2024-05-01"),
        ("h:mm", 0.5, "12:00:00"),
        ("[h]:mm", 1.5, "1899-12-31 12:00:00"),
        ("m/d/yy h:mm", 45413.75, "2024-05-01 18:00:00"),
        ("d", 1e300, "1e+300"),
        ("d", 1e7, "10000000.0"),
    ],
)
def test_numbers_shown_as_dates_are_dates(code, number, shown):
    """By the format alone: the file has a number."""
    (row,) = read(styled(code, number), SPEC)
    assert f"it holds a date or time, {shown};" in row.faults[0].message


def test_cells_covered_by_a_merged_one_are_refused():
    """They look as if they had its value, and have none."""
    sheet = sheet_xml([["string", "integer"], ["a", 1], [None, 2], ["b", None]])
    merged = (
        "</sheetData><mergeCells><mergeCell ref='A2:A3'/><mergeCell ref=\"A4:B4\"/></mergeCells>"
    )
    rows = read(workbook({"S": sheet.replace("</sheetData>", merged)}), SPEC)
    assert [codes(row) for row in rows] == [
        [],
        [("input_values.string", "INVALID_VALUE")],
        [("input_values.integer", "INVALID_VALUE")],
    ]
    assert rows[1].faults[0].message.startswith("cell A3, column 'string': it is merged into A2:A3")


def test_what_is_hidden_is_read_and_told():
    """Rows that a filter hides, and hidden columns; a hidden sheet is not the first."""
    sheet = sheet_xml([["string"], ["a"], ["b"]]).replace('<row r="3">', '<row r="3" hidden="1">')
    sheet = sheet.replace(
        "<sheetData>", '<cols><col min="1" max="1" width="9" hidden="1"/></cols><sheetData>'
    )
    book = workbook({"Old": sheet_xml([["url"], ["x"]]), "New": sheet, "Empty": sheet_xml([])})
    data = changed(
        book,
        "workbook.xml",
        lambda t: t.replace('name="Old"', 'name="Old" state="hidden"').encode(),
    )
    file = open_bytes(data, SPEC)
    assert [row.text for row in file] == [
        b'{"input_values":{"string":"a"}}',
        b'{"input_values":{"string":"b"}}',
    ]
    assert file.warnings == [
        "only its first sheet, 'New', is read, and not Old: --sheet NAME reads another",
        "1 row of the sheet hidden, by a filter or by hand (the first is row 3): read like the others",
        "hidden columns are read like the others: A",
    ]
    assert len(read(data, SPEC, sheet="Old")) == 1
    with pytest.raises(BadInput, match="no sheet of it is shown"):
        open_bytes(
            changed(
                book,
                "workbook.xml",
                lambda t: t.replace("sheetId", 'state="hidden" sheetId').encode(),
            )
        )


def test_shared_texts_take_their_bytes_and_no_more():
    """A text that a million cells refer to is held once; what would take more than 512 MiB is refused."""
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>{n > 1:d}</v></c></row>' for n in range(1, 8000)
    )
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    strings = f'<sst xmlns="{MAIN}"><si><t>string</t></si><si><t>{"x" * 20_000}</t></si></sst>'
    tracemalloc.start()
    assert sum(len(row.text) for row in open_bytes(with_texts(sheet, strings), SPEC)) > 159_000_000
    assert tracemalloc.get_traced_memory()[1] < 80_000_000
    tracemalloc.stop()


def with_texts(sheet: str, strings: str) -> bytes:
    """A workbook with shared texts."""
    related = (
        '<Relationship Id="rIdT" Type="x/sharedStrings" Target="/xl/texts.xml"/></Relationships>'
    )
    data = changed(
        workbook({"S": sheet}),
        "workbook.xml.rels",
        lambda t: t.replace("</Relationships>", related).encode(),
    )
    held = io.BytesIO(data)
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/texts.xml", strings)
    return held.getvalue()


def test_shared_texts_are_read_however_they_are_written():
    """Runs of several looks are one text; how a text is pronounced is none of it; escapes are characters."""
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>string</t></si><si/><si><r><t>a </t></r><r><rPr/><t xml:space="preserve">b</t></r>'
        "<rPh><t>no</t></rPh></si><si><t>c_x000D_&amp;_xD800_</t></si></sst>"
    )
    cells = "".join(
        f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c></row>' for n in range(4)
    )
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    assert texts(with_texts(sheet, strings)) == [
        '{"input_values":{"string":"a b"}}',
        '{"input_values":{"string":"c\\r&_xD800_"}}',
    ]


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
    with pytest.raises(BadInput, match=r"a ZIP archive with 'tasks.csv' in it: unpack it"):
        read(held.getvalue())


def test_a_raw_number_that_is_none_is_a_fault_of_the_file_or_the_cell():
    """Numbers that no spreadsheet writes end in a refusal."""
    for number in ("nan", "inf", "1e999", "abc"):
        data = xlsx([["float", "string"], [Raw(f"><v>{number}</v></c>"), "x"]])
        with suppress(BadInput):
            assert codes(read(data, SPEC)[0])
