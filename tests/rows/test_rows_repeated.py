"""Names that stand twice in one JSON object."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_reading import codes, read

from toloka_upload.rows import repeated


@pytest.mark.parametrize("format_name", ["jsonl", "json"])
@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"http://x","a":"http://x"}',
        b'{"a":1,"a" : 2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":[{"b":1,"c":[],"b":1}]}',
        b'{"a":"\\u003a","a":":"}',
        b'{"\\u0061":1,"a":2}',
        b'{"a":"\\u003a","b":1,"b":2}',
    ],
)
def test_a_name_twice_in_one_object_is_a_fault(format_name, text):
    """Wherever the object stands in the row, however the name is written; the rows around it are read."""
    parts = (b'{"a":1}', text, b'{"a":"x:y"}')
    data = b"\n".join(parts) if format_name == "jsonl" else b"[" + b",".join(parts) + b"]"
    rows = read(data, None, format=format_name)
    assert [codes(row) for row in rows] == [[], [("", "DUPLICATE_KEY")], []]
    assert "stands twice in one object" in rows[1].faults[0].message
    assert rows[1].raw == text + b"\n"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(':"\\a', max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(':"ab', max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(':"ab', max_size=2), JSON, max_size=3), st.booleans())
def test_an_object_without_repeats_is_never_suspected(value, spaced):
    """Colons in strings and names are counted on both sides, and so are those between spaces."""
    text = orjson.dumps(value, None, orjson.OPT_INDENT_2 if spaced else None)
    assert not repeated.likely([text], [value])
    assert repeated.key(text) is None


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c:"]), JSON), min_size=1, max_size=4))
def test_an_object_with_repeats_is_always_suspected(pairs):
    """Whatever the values are."""
    text = b"{" + b",".join(orjson.dumps(n) + b":" + orjson.dumps(v) for n, v in pairs) + b"}"
    twice = len(dict(pairs)) < len(pairs)
    assert repeated.likely([text], [orjson.loads(text)]) == twice
    assert (repeated.key(text) is not None) == twice


def test_what_is_nested_too_deep_is_no_traceback():
    """Deeper than one parser or another goes."""
    for depth in (200, 300, 900, 1020):
        text = b'{"a":' * depth + b"1" + b"}" * depth
        assert len(read(text + b"\n", None, format="jsonl")) == 1
