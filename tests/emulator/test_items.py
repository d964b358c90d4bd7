"""The body of a request, taken apart: the same values as a JSON parser's, and not a byte changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toloka_upload.emulator.items import elements, joined, members, parse_body
from toloka_upload.emulator.messages import Refusal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
objects = st.dictionaries(st.text(), values, max_size=5)
layouts = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {}, {"indent": "\t"}])


@settings(max_examples=100)
@given(st.lists(objects, min_size=1, max_size=5), layouts, st.booleans())
def test_items_are_what_a_parser_reads(given: list[Any], layout: Any, escaped: object) -> None:
    """Whatever the layout, each item's value and its own text say the same."""
    text = json.dumps(given, ensure_ascii=bool(escaped), **layout)
    items, single = parse_body(text.encode())
    assert single is False
    assert [item.value for item in items] == given
    assert [json.loads(item.text) for item in items] == given
    assert all(item.text in text for item in items)
    assert [json.loads(element) for element in elements(text)] == given


@settings(max_examples=100)
@given(objects, layouts)
def test_members_are_what_a_parser_reads(given: Any, layout: Any) -> None:
    """Each top-level member with its own text; joined again they are the object."""
    text = json.dumps(given, **layout)
    found = members(text)
    assert {name: json.loads(value) for name, value in found.items()} == given
    assert json.loads(joined(found)) == given


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:\\ 10ntu', max_size=30).map(str.encode))
def test_any_bytes_are_items_or_a_refusal(body: bytes) -> None:
    """Never another error, and never what a strict parser would not take."""
    try:
        items = parse_body(body).items
    except Refusal as refusal:
        assert refusal.status == 400  # noqa: PT017
    else:
        assert all(isinstance(item.value, dict) for item in items)
        parsed = json.loads(body)
        assert parsed in ([item.value for item in items], items[0].value)


@pytest.mark.parametrize("body", [b'{"a": 1}', b' \n{"a": 1}\t'])
def test_one_object_is_one_item(body: bytes) -> None:
    """And is told from an array of one."""
    items, single = parse_body(body)
    assert (len(items), items[0].text, single) == (1, '{"a": 1}', True)
