"""Pieces of a long JSON array: whatever is in it, they are the array."""

from __future__ import annotations

from itertools import chain
from typing import Any
from unittest import mock

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.api import json_pieces as module
from toloka_upload.api.answers import Answer, read_entries
from toloka_upload.api.errors import AnswerLost, NotFound
from toloka_upload.api.json_pieces import PIECE, pieces

texts = st.sampled_from(["", "a", '},{"type":', '"},{"type":"', "]", "\\", "}]", "é", "\\u007d"])
keys = st.sampled_from(["type", "input", "a", '},{"type":'])
values = st.recursive(
    st.none() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
entries = st.builds(
    lambda first, rest: {"type": first, **rest}, values, st.dictionaries(keys, values, max_size=3)
)


def whole(array: bytes, size: int) -> list[Any]:
    """All members, from pieces of about `size` bytes."""
    with mock.patch.object(module, "PIECE", size):
        return list(chain.from_iterable(pieces(array)))


@given(st.lists(entries, max_size=6), st.integers(1, 60))
def test_pieces_are_the_array(array: list[Any], size: int) -> None:
    """Also where members have arrays of objects like themselves in them, and strings look like a place to cut."""
    assert whole(orjson.dumps(array), size) == array
    assert whole(bytearray(orjson.dumps(array, None, orjson.OPT_INDENT_2)), size) == array


@given(st.lists(entries, min_size=1, max_size=6), st.integers(1, 60), st.data())
def test_what_is_no_json_is_refused(array: list[Any], size: int, data: st.DataObject) -> None:
    """A byte that is missing, or one too many, is found in whichever piece it is."""
    good = orjson.dumps(array)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(
        st.sampled_from([good[:at], good[:at] + b"}" + good[at:], good + b"]", good + b"x"])
    )
    try:
        expected = orjson.loads(bad)
    except orjson.JSONDecodeError:
        with pytest.raises(orjson.JSONDecodeError):
            whole(bad, size)
    else:  # a bracket inside a string
        assert whole(bad, size) == expected


def test_a_long_array_comes_in_many_pieces() -> None:
    """Each about as long as it should be, so that little is held at once."""
    array = [
        {"type": "TASK_CREATE", "input": {"rows": [{"x": number}] * 9}} for number in range(5000)
    ]
    sizes = [len(orjson.dumps(piece)) for piece in pieces(orjson.dumps(array))]
    assert len(sizes) > 10
    assert max(sizes) < 2 * PIECE


def test_the_entries_of_a_log() -> None:
    """An array of objects is a log; all else is an answer that was lost, or the error that it says it is."""
    assert list(read_entries(Answer(200, {}, b'[{"a":1},{"b":2}]'), "GET /x")) == [
        [{"a": 1}, {"b": 2}]
    ]
    assert list(chain.from_iterable(read_entries(Answer(200, {}, b"[]"), "GET /x"))) == []
    for body in (
        b"",
        b"null",
        b"{}",
        b"[1]",
        b'[{"a":1},2]',
        b"<html>",
        b'[{"a":1}',
        b'"[]"',
        b"7",
    ):
        with pytest.raises(AnswerLost):
            list(read_entries(Answer(200, {}, body), "GET /x"))
    with pytest.raises(NotFound):
        list(read_entries(Answer(404, {}, b"[]"), "GET /x"))
