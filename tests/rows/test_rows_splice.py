"""Members taken out of an object's text, the rest untouched."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from test_rows_json_forms import OBJECTS

from toloka_upload.rows.splice import members, without


@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_members_are_those_that_a_parser_sees(value, indent, ascii_only):
    """Keys and values at their offsets parse to the object's items, in order."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    found = members(text)
    assert [member.key for member in found] == list(value)
    for member in found:
        assert json.loads(text[member.value : member.end]) == value[member.key]
        assert json.loads(b"{" + text[member.start : member.end] + b"}") == {
            member.key: value[member.key]
        }


@given(OBJECTS, st.sets(st.sampled_from("abc")), st.booleans())
def test_without_takes_members_out_and_leaves_the_others_as_written(value, keys, spaced):
    """What remains and what was taken are together what there was."""
    value = {**value, **{key: [1.50, "}"] for key in keys}}
    text = json.dumps(value, separators=None if spaced else (",", ":")).encode()
    rest, taken = without(text, keys)
    assert json.loads(rest) == {key: item for key, item in value.items() if key not in keys}
    assert {key: json.loads(item) for key, item in taken.items()} == {
        key: value[key] for key in keys
    }
    assert without(text, {"no such key"}) == (text, {})


def test_digits_spaces_and_repeated_keys_survive():
    """Numbers are never parsed; of a repeated key all are taken and the last counts."""
    text = b' { "a" : 1.50 , "pool_id":7,"b":{"x" :1E2},"pool_id" : 123456789012345678901234 } '
    assert without(text, ["pool_id"]) == (
        b'{"a" : 1.50,"b":{"x" :1E2}}',
        {"pool_id": b"123456789012345678901234"},
    )
    assert without(b"{}", ["a"]) == (b"{}", {})
    assert without(b'{"a":1}', ["a"]) == (b"{}", {"a": b"1"})
