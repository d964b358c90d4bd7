"""Cells: what the spec's type makes of a text, digit for digit, and the API's code where it cannot be."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.rows.cells import CellError, converter

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("field_type", "cell", "text"),
    [
        ("string", " a b ", '" a b "'),
        ("string", "007", '"007"'),
        ("string", 'x"\\\n\t\x01\x7f é', '"x\\"\\\\\\n\\t\\u0001\x7f é"'),
        ("url", " https://a.b/ ", '"https://a.b/"'),
        ("URL", "https://a.b/", '"https://a.b/"'),
        ("coordinates", "55.70,37.60", '"55.70,37.60"'),
        ("integer", "5", "5"),
        ("integer", "-0", "-0"),
        ("integer", " 12345678901234567890123 ", "12345678901234567890123"),
        ("integer", "5.0", "5"),
        ("integer", "-10.000", "-10"),
        ("float", "1.50", "1.50"),
        ("float", "1E2", "1E2"),
        ("float", "-3", "-3"),
        ("boolean", "true", "true"),
        ("boolean", "FALSE", "false"),
        ("boolean", " True", "true"),
        ("json", '{"a": 1.50, "b": " x,\\u0041 "}', '{"a":1.50,"b":" x,\\u0041 "}'),
        ("json", '{"a":1\\,"b":2}', '{"a":1,"b":2}'),
        ("json", '{\n "a" : [1, 2]}', '{"a":[1,2]}'),
        ("array_float", "1,2.3", "[1,2.3]"),
        ("array_integer", "1, 2 ,12345678901234567890", "[1,2,12345678901234567890]"),
        ("array_boolean", "true,false", "[true,false]"),
        ("array_url", "https://a,https://b", '["https://a","https://b"]'),
        ("array_string", r"a\,b,c", '["a,b","c"]'),
        ("array_string", r"a\,", '["a,"]'),
        ("array_string", '"This, but",that', '["This, but","that"]'),
        ("array_string", '"say ""hi""", "b"', '["say \\"hi\\"","b"]'),
        ("array_string", "a,,b", '["a","","b"]'),
        ("array_string", "one", '["one"]'),
        ("array_string", '5" disk,x', '["5\\" disk","x"]'),
        ("array_string", '["a", "b,c"]', '["a","b,c"]'),
        ("array_string", "[]", "[]"),
        ("array_coordinates", '"1.1,2.2","3,4"', '["1.1,2.2","3,4"]'),
        ("array_json", '{"a":1,"b":2},{"c":3}', '[{"a":1,"b":2},{"c":3}]'),
        ("array_json", '{"a":1\\,"b":2},{"c":3}', '[{"a":1,"b":2},{"c":3}]'),
        ("array_json", '[{"a": 1}]', '[{"a":1}]'),
        ("array_json", '{"a":"x, y"}', '[{"a":"x, y"}]'),
        ("file", "x", '"x"'),
        ("something new", "x", '"x"'),
        (None, "5", '"5"'),
    ],
)
def test_a_cell_becomes_what_its_type_says(field_type, cell, text):
    """The documented spellings of the web interface, and what spreadsheets and pandas write for the same."""
    assert converter(field_type)(cell).decode() == text


@pytest.mark.parametrize(
    ("field_type", "cell", "code", "says"),
    [
        ("integer", "abc", "INTEGER_EXPECTED", "'abc' is not an integer"),
        ("integer", "1.5", "INTEGER_EXPECTED", "not an integer"),
        ("integer", "+5", "INTEGER_EXPECTED", "plus sign"),
        ("integer", "\u0665", "INTEGER_EXPECTED", "not an integer"),
        ("integer", "1e3", "INTEGER_EXPECTED", "not an integer"),
        ("float", "1,5", "FLOAT_EXPECTED", "a point in place of the comma"),
        ("float", "nan", "FLOAT_EXPECTED", "not a number"),
        ("float", ".5", "FLOAT_EXPECTED", "not a number"),
        ("float", "1e999", "FLOAT_EXPECTED", "too large"),
        ("boolean", "yes", "BOOLEAN_EXPECTED", "neither true nor false"),
        ("boolean", "1", "BOOLEAN_EXPECTED", "neither true nor false"),
        ("json", "{a:1}", "JSON_EXPECTED", "not JSON"),
        ("json", "NaN", "JSON_EXPECTED", "not JSON"),
        ("array_integer", "1,x", "INTEGER_EXPECTED", "element 2: 'x'"),
        ("array_integer", "1,", "INTEGER_EXPECTED", "element 2"),
        ("array_string", '"a,b', "ARRAY_EXPECTED", "element 1"),
        ("array_string", 'x,"a"b', "ARRAY_EXPECTED", "element 2"),
        ("array_string", "[a,b]", "ARRAY_EXPECTED", "starts with ["),
        ("array_json", "{a}", "JSON_EXPECTED", "list of JSON values"),
        ("array_json", "[1", "ARRAY_EXPECTED", "starts with ["),
    ],
)
def test_a_cell_that_cannot_be_its_type_is_refused(field_type, cell, code, says):
    """Nothing is guessed: the API's own code, and the cell shown."""
    with pytest.raises(CellError) as caught:
        converter(field_type)(cell)
    assert caught.value.code == code
    assert says in str(caught.value)


@given(TEXT)
def test_strings_are_escaped_as_little_as_json_allows(text):
    """The same bytes as `json.dumps` without ASCII escapes: what compact JSONL would hold."""
    expected = json.dumps(text, ensure_ascii=False).encode()
    assert converter("string")(text) == expected


@given(st.lists(TEXT, min_size=1))
def test_any_list_of_strings_can_be_written_in_a_cell(elements):
    """Second-level quotes carry whatever is in an element, and so does a JSON array."""
    quoted = ",".join('"' + element.replace('"', '""') + '"' for element in elements)
    assert json.loads(converter("array_string")(quoted)) == elements
    assert json.loads(converter("array_string")(json.dumps(elements))) == elements


@given(st.sampled_from(["integer", "float", "boolean", "json", "url"]), st.booleans(), TEXT)
def test_no_text_is_too_strange_for_a_cell(base, array, text):
    """Every cell is converted to JSON, or refused: never another error."""
    with suppress(CellError):
        found = converter(f"array_{base}" if array else base)(text)
        json.loads(found)
        assert b"\n" not in found


def test_hostile_cells_take_linear_time():
    """Quotes, backslashes and commas by the hundred thousand do not multiply."""
    for cell in (
        '"' * 300_000,
        "\\," * 200_000,
        '"a"' * 100_000,
        '""' * 200_000 + ",",
        " " * 300_000 + '"',
    ):
        for kind in ("array_string", "array_integer", "json", "array_json", "float"):
            with suppress(CellError):
                json.loads(converter(kind)(cell))
