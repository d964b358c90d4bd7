"""CSV and TSV: headers, records, and what becomes of them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_reading import SPEC, codes, open_bytes, read, texts

from toloka_upload.errors import BadInput, UsageProblem
from toloka_upload.rows import Kind

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['a"b', "x\ny", "1;2", "\t", ","]
)


def test_web_columns_become_a_task():
    """INPUT, GOLDEN and HINT stand in the task; overlap and coordinates beside it."""
    head = [
        "INPUT:string",
        "INPUT:integer",
        "GOLDEN:result",
        "GOLDEN:count",
        "HINT:text",
        "TASK:overlap",
    ]
    data = (
        "\t".join([*head, "Al:latitude", "Al:longitude"])
        + "\na\t12345678901234567890\tyes\t3\tlook\t5\t55.70\t37.60\nb\t\t\t\t\t\t\t\n"
    )
    file = open_bytes(data.encode(), format="tsv")
    full, bare = file
    assert file.kind is Kind.TASK
    assert full.text == (
        b'{"input_values":{"string":"a","integer":12345678901234567890},'
        b'"known_solutions":[{"output_values":{"result":"yes","count":3}}],"message_on_unknown_solution":"look"}'
    )
    assert full.value == json.loads(full.text)
    assert full.outer == {"overlap": b"5", "latitude": b"55.70", "longitude": b"37.60"}
    assert (bare.text, dict(bare.outer)) == (b'{"input_values":{"string":"b"}}', {})


def test_golden_rows_get_infinite_overlap_as_in_the_web_interface():
    """Unless the row names an overlap, has no answer, or the option is off."""
    data = b"INPUT:string,GOLDEN:result,TASK:overlap\na,x,\nb,x,3\nc,,\n"
    assert [dict(row.outer) for row in read(data)] == [
        {"infinite_overlap": b"true"},
        {"overlap": b"3"},
        {},
    ]
    assert [dict(row.outer) for row in read(data, infinite_golden=False)] == [
        {},
        {"overlap": b"3"},
        {},
    ]


def test_without_a_spec_every_cell_is_a_string():
    """Nothing is told from how a cell looks."""
    assert texts(b"n,b\n5,true\n", None) == ['{"input_values":{"n":"5","b":"true"}}']


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("a,a", r"column 2 'a': column 1 has the same name"),
        ("INPUT:a,b", r"column 2 'b': the other columns have prefixes"),
        (
            "INPUT:a,TASK:overlp",
            r"column 2 'TASK:overlp': unknown column, did you mean 'TASK:overlap'\?",
        ),
        ("INPUT:a,Input:b", r"did you mean 'INPUT:b'\?"),
        ("INPUT:a,INPUT:", r"column 2 'INPUT:': unknown column"),
        ("ASSIGNMENT:id", r"column 1 'ASSIGNMENT:id': unknown prefix"),
        ("hint:text,b", r"did you mean 'HINT:text'\?"),
        (",a", r"column 1 has no name.*index=False"),
        ("a,,b", r"column 2 has no name"),
        ('"a,b', r"the header: cell 1: the quote opened on line 2 is never closed"),
        ("a\rb", r"old Mac"),
        ("a,\xff", r"the header: byte 0xff"),
        (",".join(f"c{n}" for n in range(10_001)), r"10001 columns; at most 10000"),
        ("x" * (1 << 20), r"the header is longer than"),
    ],
)
def test_a_wrong_header_is_refused_before_any_row(header, says):
    """The line and the column are named, and what was probably meant."""
    with pytest.raises(BadInput, match=rf"^-:2: .*{says}"):
        open_bytes(b"\n" + header.encode("latin-1") + b"\n", format="csv", encoding="utf-8")


def test_columns_that_the_spec_does_not_know_are_warned_of():
    """Before anything is sent, with what was probably meant; the rows are left to the check."""
    spec = {
        "input_spec": {"image": {"type": "url", "required": True}, "n": {"type": "integer"}},
        "output_spec": {},
    }
    file = open_bytes(b"imge,n\nx,1\n", spec, format="csv")
    assert file.warnings == [
        "column 'imge' is not in the project's input spec, did you mean 'image'?",
        "the project requires the input field 'image', and no column has it",
    ]
    assert [row.text for row in file] == [b'{"input_values":{"imge":"x","n":1}}']


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        (b"a,b\n1,2\n", None),
        (b"a;b\n1;2\n", None),
        (b"a\tb\n1\t2\n", None),
        (b'"a";"b"\n1;2\n', None),
        (b"a|b\n1|2\n", "|"),
        (b"a\tb\n1\t2\n", "\\t"),
        (b"a\tb\n1\t2\n", "tab"),
        ("aяb\n1я2\n".encode(), "я"),
    ],
)
def test_the_delimiter_is_told_from_the_header_or_given(data, delimiter):
    """Comma, semicolon or tab are told; any other character can be named."""
    assert texts(data, None, format="csv", delimiter=delimiter) == [
        '{"input_values":{"a":"1","b":"2"}}'
    ]


def test_a_delimiter_within_a_quoted_name_tells_nothing():
    """Only those outside quotes count."""
    assert texts(b'"a;b;c",d\n1,2\n', None, format="csv") == [
        '{"input_values":{"a;b;c":"1","d":"2"}}'
    ]


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n"])
def test_what_is_no_delimiter_is_a_usage_problem(delimiter):
    """One character, and none that quoting or lines need."""
    with pytest.raises(UsageProblem, match="--delimiter"):
        open_bytes(b"a\n", format="csv", delimiter=delimiter)


@pytest.mark.parametrize(
    ("record", "code", "says"),
    [
        (
            b"x\n",
            "WRONG_CELL_COUNT",
            "has 1 cell and the header 2 columns; the first without a cell is column 2, 'url'",
        ),
        (b"x,y,z\n", "WRONG_CELL_COUNT", "the first too many is cell 3, 'z'"),
        (
            b'x,"y"z\n',
            "INVALID_QUOTING",
            "cell 2 ('url'): the quote opened on line 3 closes on line 3 before 'z",
        ),
        (
            b'"x\ny" ,z\n',
            "INVALID_QUOTING",
            "cell 1 ('string'): the quote opened on line 3 closes on line 4",
        ),
        (b"x,\xff\n", "INVALID_ENCODING", "byte 0xff at byte offset 2 of the line"),
        (b'"x\n\xff",y\n', "INVALID_ENCODING", "line 4: byte 0xff at byte offset 0"),
    ],
)
def test_a_wrong_record_is_refused_with_line_and_column(record, code, says):
    """Its bytes are kept for the rejects file, and the records around it are read."""
    rows = read(b"string,url\na,b\n" + record + b"c,d\n", format="csv", encoding="utf-8")
    assert [codes(row) for row in rows] == [[], [("", code)], []]
    assert (rows[1].line, rows[1].raw) == (3, record)
    assert says in rows[1].faults[0].message


def test_a_quote_that_is_never_closed_takes_the_rest_of_the_file_with_it():
    """All of it is kept in the rejected row, which names where the quote was opened."""
    rows = read(b'string,url\na,b\nc,"d\ne,f\n', format="csv")
    assert codes(rows[1]) == [("", "UNCLOSED_QUOTE")]
    assert (rows[1].line, rows[1].raw) == (3, b'c,"d\ne,f\n')
    message = rows[1].faults[0].message
    assert message.startswith(
        "cell 2 ('url'): the quote opened on line 3 is never closed: \"d; close it"
    )


def test_all_wrong_cells_of_a_row_are_told_at_once():
    """Each with the API's field and code, and the column's name."""
    row = read(
        b"INPUT:integer,INPUT:boolean,GOLDEN:count,TASK:overlap,Al:latitude\nx,y,z,0,north\n",
        format="csv",
    )[0]
    assert codes(row) == [
        ("input_values.integer", "INTEGER_EXPECTED"),
        ("input_values.boolean", "BOOLEAN_EXPECTED"),
        ("known_solutions.0.output_values.count", "INTEGER_EXPECTED"),
        ("overlap", "VALUE_LESS_THAN_MIN"),
        ("latitude", "FLOAT_EXPECTED"),
    ]
    assert row.faults[0].message == "column 'INPUT:integer': 'x' is not an integer"
    assert (row.text, row.value) == (b"", {"input_values": {}})


def test_physical_lines_are_counted_through_quoted_breaks():
    """A row's line is where it starts, whatever breaks stand in cells above."""
    rows = read(b'string,url\r\n"a\r\nb\nc",d\r\n\r\ne,f\n"g",h', format="csv")
    assert [(row.line, row.raw) for row in rows] == [
        (2, b'"a\r\nb\nc",d\r\n'),
        (6, b"e,f\n"),
        (7, b'"g",h'),
    ]
    assert rows[0].value["input_values"]["string"] == "a\r\nb\nc"


def test_quotes_within_an_unquoted_cell_are_text():
    """The web interface drops them without a word; here nothing is dropped."""
    assert texts(b'string\turl\n5" disk\tsay "hi"\n', format="tsv") == [
        '{"input_values":{"string":"5\\" disk","url":"say \\"hi\\""}}'
    ]


def test_blank_lines_end_suites_where_that_is_asked_for():
    """Several blank lines are one end; those at the start and the end of the file are none."""
    data = b"string\turl\n\na\tb\nc\td\n\n \n\t\ne\tf\n\n"
    assert [row.group for row in read(data, format="tsv", suites_by_blank_line=True)] == [0, 0, 1]
    assert [row.group for row in read(data, format="tsv")] == [0, 0, 0]


def test_rows_without_any_filled_cell_are_passed_over_and_told():
    """Spreadsheets leave them at the end of what they save."""
    file = open_bytes(b"string;url\na;b\n;\n;\n", format="csv")
    assert len(list(file)) == 1
    assert file.warnings == ["skipped 2 rows without any filled cell"]


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_what_a_csv_writer_writes_is_read(rows, delimiter, quote_all):
    """Any cells, quoted or not: the same texts come back, and the records' bytes are the file's."""
    if (
        not quote_all
    ):  # before Python 3.13 the writer leaves a carriage return bare, as if it were a line end
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    rows = [row for row in rows if any(row)]
    held = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(held, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([["string", "url"], *rows])
    data = held.getvalue().encode()
    file = open_bytes(data, None, format="csv", delimiter=delimiter)
    found = list(file)
    assert [row.value["input_values"] for row in found] == [
        {key: cell for key, cell in zip(("string", "url"), row, strict=True) if cell}
        for row in rows
    ]
    assert file.rejects_head + b"".join(row.raw for row in found) == data


@given(st.lists(st.text('ab,"\n\r;я', max_size=12), max_size=8).map("\n".join))
def test_every_record_is_a_row_and_rejects_read_back_the_same(text):
    """Good and refused rows are the whole file but its blank lines, and the refused are refused again alike."""
    data = b"string,url\n" + text.encode()
    file = open_bytes(data, None, format="csv")
    rows = list(file)
    kept = file.rejects_head + b"".join(row.raw for row in rows)
    assert kept.translate(None, b'," \r\n') == data.translate(None, b'," \r\n')
    bad = [row for row in rows if row.faults]
    again = read(file.rejects_head + b"".join(row.raw for row in bad), None, format="csv")
    assert [row.raw for row in again] == [row.raw for row in bad]
    assert [codes(row) for row in again] == [codes(row) for row in bad]


def test_a_value_too_deep_for_the_api_is_a_fault_of_its_row():
    """A JSON cell that only parses on its own is refused, not a traceback."""
    deep = "[" * 1023 + "]" * 1023
    rows = read(f"json\n{deep}\n".encode(), SPEC, format="csv")
    assert codes(rows[0]) == [("", "INVALID_JSON")]
