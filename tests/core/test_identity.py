"""Identity: which rows are the same row, and which requests are the same request."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections import Counter
from itertools import chain
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.items.identity import (
    WIDTH,
    Known,
    Seen,
    canonical,
    digest,
    exact_members,
    exact_scalars,
    loose,
    nth,
    operation_id,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)


class Digits(str):
    """A number as it is written."""

    __slots__ = ()


NUMBERS = st.sampled_from(
    list(map(Digits, ["1.50", "1.5", "0", "-0", "-0.5", "1E2", "7", "12345678901234567890123"]))
)


def content(text: bytes | str) -> bytes:
    """The canonical form of a JSON text."""
    data = text.encode() if isinstance(text, str) else text
    return canonical(orjson.loads(data), data)


def shuffled(value: Any, seed: int) -> Any:
    """The same value with the keys of its objects in another order."""
    if isinstance(value, dict):
        members = list(value.items())
        random.Random(seed).shuffle(members)
        return {key: shuffled(member, seed) for key, member in members}
    return [shuffled(member, seed) for member in value] if isinstance(value, list) else value


@given(objects, st.integers(), st.tuples(st.booleans(), st.sampled_from([None, 1, 3])))
def test_space_escapes_and_key_order_do_not_count(
    value: dict[str, Any], seed: int, how: tuple[bool, int | None]
) -> None:
    """However a value is written down, as long as its numbers stay, it is the same content."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    other = json.dumps(shuffled(value, seed), ensure_ascii=how[0], indent=how[1])
    assert content(plain) == content(other)


@given(objects, objects)
def test_different_values_have_different_contents(a: dict[str, Any], b: dict[str, Any]) -> None:
    """The canonical form says all there is to a value."""
    texts_ = [json.dumps(value, sort_keys=True) for value in (a, b)]
    assert (content(texts_[0]) == content(texts_[1])) == (texts_[0] == texts_[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"n":1.10}', '{"n":1.1}'),
        ('{"n":1E2}', '{"n":100.0}'),
        ('{"n":1e2}', '{"n":1E2}'),
        ('{"n":1.0}', '{"n":1}'),
        ('{"n":12345678901234567890123}', '{"n":12345678901234567890124}'),
        ('{"n":0.1}', '{"n":0.10000000000000000001}'),
        ('{"n":[{"m":1.10}]}', '{"n":[{"m":1.1}]}'),
        ('{"n":"1"}', '{"n":1}'),
        ('{"n":true}', '{"n":1}'),
        ('{"n":null}', "{}"),
        ('{"n":"é"}', '{"n":"e\u0301"}'),
    ],
)
def test_digits_count(one: str, other: str) -> None:
    """What the API would receive differently is another row."""
    assert content(one) != content(other)


def test_numbers_stand_in_the_content_as_they_were_written() -> None:
    """Digit for digit, in one canonical frame."""
    assert content('{ "b" : 1.10, "a" : 12345678901234567890123 }') == (
        b'{"a":12345678901234567890123,"b":1.10}'
    )


@given(objects)
def test_members_are_those_of_the_whole(value: dict[str, Any]) -> None:
    """A member's canonical form is the same alone as within its object."""
    text = json.dumps(value).encode()
    members = exact_members(orjson.loads(text), text, list(value))
    for name, form in members.items():
        assert form == content(json.dumps({name: value[name]}))[len(orjson.dumps(name)) + 2 : -1]


scalars = st.dictionaries(
    texts, st.none() | st.booleans() | st.sampled_from(["x", '"a":1', "-0"]) | NUMBERS, max_size=3
)


@given(st.lists(scalars, min_size=1, max_size=3), st.booleans(), st.sampled_from(["", " "]))
def test_the_quick_way_for_scalars_says_the_same(
    rows: list[dict[str, Any]],
    ascii_only: bool,  # noqa: FBT001  # drawn
    space: str,
) -> None:
    """Together and one by one, it gives the canonical form of each object, or nothing at all."""
    texts_ = [
        (
            "{"
            + f",{space}".join(
                json.dumps(key, ensure_ascii=ascii_only)
                + ":"
                + space
                + (value if isinstance(value, Digits) else json.dumps(value))
                for key, value in row.items()
            )
            + "}"
        ).encode()
        for row in rows
    ]
    parsed = list(map(orjson.loads, texts_))
    wanted = list(map(canonical, parsed, texts_))
    assert exact_scalars(parsed, texts_) in (None, wanted)
    for value, text, form in zip(parsed, texts_, wanted, strict=True):
        assert exact_scalars([value], [text]) in (None, [form])


def test_the_quick_way_is_taken_where_it_can_be() -> None:
    """Rows of one kind with numbers at the top, whatever their digits; not what is nested or spelt with escapes."""
    rows = [b'{"a": 1.50, "b": "x"}', b'{"a":2,"b":"1.50"}']
    wanted = [b'{"a":1.50,"b":"x"}', b'{"a":2,"b":"1.50"}']
    assert exact_scalars(list(map(orjson.loads, rows)), rows) == wanted
    for text in (b'{"\\u0061":1.50}', b'{"a":[1.50]}', b'{"a":1.50,"b":-0}', b'{"a":1.5,"b":"a"}'):
        assert exact_scalars([orjson.loads(text)], [text]) is None


@pytest.mark.parametrize(("sent", "listed"), [("1.10", "1.1"), ("1E2", "100"), ("3.0", "3")])
def test_a_listing_may_write_numbers_its_own_way(sent: str, listed: str) -> None:
    """What a server makes of a number by value is still recognised in its listing."""
    assert loose({"n": json.loads(sent)}) == loose({"n": json.loads(listed)})


# Ordinals.


@given(st.lists(st.integers(0, 12)))
def test_equal_rows_are_numbered(rows: list[int]) -> None:
    """The n-th row of a content has the n-th identity, and all identities of an input differ."""
    seen, count = Seen(), Counter[int]()
    identities = []
    for row in rows:
        content_ = digest(b"%d" % row)
        identities += seen.identify([content_])
        assert identities[-1] == nth(content_, count[row])
        count[row] += 1
    assert len(set(identities)) == len(rows)
    assert seen.repeated == len(rows) - len(count)


colliding = st.binary(min_size=2, max_size=2).map(lambda tail: b"\0\0" + b"\x07" * 6 + tail)
"""Contents that share a bucket and overlap each other when they stand side by side."""


keys = st.integers(0, 5) | st.integers(0, 2**64 - 1)


@given(st.lists(st.lists(keys.map(lambda key: key.to_bytes(8, "little") + b"ab"), max_size=9)))
def test_seen_is_a_set(batches: list[list[bytes]]) -> None:
    """Rows are numbered among their equals, over batches of any size; keys that fall on one place keep apart."""
    seen, model = Seen(), Counter[bytes]()
    for contents in batches:
        expected = []
        for one in contents:
            known = (
                one if any(one[:8]) else b"\1" + one[1:]
            )  # zero is an empty place, and counts as one
            expected.append(nth(one, model[known]))
            model[known] += 1
        found = seen.identify(contents)
        assert found == expected or {bytes(8) + b"ab", b"\1" + bytes(7) + b"ab"} <= {
            *chain.from_iterable(batches)
        }


@pytest.mark.parametrize("expected", [0, 50_000, 200_000])
def test_seen_grows(expected: int) -> None:
    """Many more rows than the table began with, expected or not: each is new once, and a repeat afterwards."""
    seen = Seen()
    seen.expect(expected)
    contents = [digest(b"%d" % number) for number in range(200_000)]
    for start in range(0, len(contents), 1000):
        part = contents[start : start + 1000]
        assert seen.identify(part) == part
    assert seen.identify(contents[::997]) == [nth(one, 1) for one in contents[::997]]
    assert seen.repeated == len(contents[::997])


@given(st.lists(colliding), st.lists(colliding))
def test_contents_that_share_a_key_never_share_an_identity(
    first: list[bytes], second: list[bytes]
) -> None:
    """Two contents with the same first 64 bits count as equal, yet no two of their rows are taken for one."""
    seen = Seen()
    identities = seen.identify(first) + seen.identify(second)
    assert len(set(identities)) == len(identities)


@given(
    st.lists(
        st.lists(colliding | st.binary(min_size=WIDTH, max_size=WIDTH), max_size=8), max_size=5
    ),
    st.lists(colliding, max_size=8),
    st.data(),
)
def test_known_is_a_map(
    chunks: list[list[bytes]], strangers: list[bytes], data: st.DataObject
) -> None:
    """Every row that was added is found at its place, no other is, and only chosen rows of a chunk are added."""
    known, model = Known(), dict[bytes, int]()
    for number, rows in enumerate(chunks, start=1):
        chosen = [
            index
            for index, row in enumerate(rows)
            if row not in rows[:index] and row not in model and data.draw(st.booleans())
        ]
        known.add(b"".join(rows), number, chosen)
        model.update({rows[index]: number << 20 | index for index in chosen})
    asked = [row for rows in chunks for row in rows] + strangers
    assert known.find(asked) == [model.get(row, -1) for row in asked]
    assert known.count == len(model)


def test_known_grows() -> None:
    """Many more rows than the tables began with, each at its place; strangers are not there."""
    known = Known()
    rows = [digest(b"%d" % number) for number in range(20_000)]
    for chunk in range(20):
        known.add(b"".join(rows[chunk * 1000 : chunk * 1000 + 1000]), chunk + 1, range(1000))
    assert known.find(rows) == [(row // 1000 + 1) << 20 | row % 1000 for row in range(20_000)]
    assert set(known.find([digest(b"s%d" % number) for number in range(20_000)])) == {-1}


def test_a_place_holds_any_chunk_and_row() -> None:
    """Chunks up to 2^28, rows up to 2^20: beyond what a pool of a million tasks can need."""
    known, row = Known(), digest(b"row")
    known.add(bytes(WIDTH * 524_287) + row, 2**28 - 1, [524_287])
    assert known.find([row])[0] == (2**28 - 1) << 20 | 524_287


# Operation ids.

REQUEST: dict[str, Any] = {
    "endpoint": "https://toloka.dev/api/v1",
    "pools": ["21"],
    "parameters": {"async_mode": "true", "allow_defaults": "true"},
    "body_digest": hashlib.sha256(b'[{"input_values":{"n":1},"pool_id":"21"}]').digest(),
    "identities": digest(b"row"),
    "generation": 0,
    "attempt": 0,
}


def test_an_operation_id_is_the_same_for_ever() -> None:
    """With all state lost, the same file must meet the ids of its first upload, also after an update of ours."""
    assert operation_id(**REQUEST) == "5ae989f9-80cb-5444-ae95-19229dc1b292"


def test_an_operation_id_is_a_uuid() -> None:
    """RFC 4122, version 5: derived from a name."""
    found = uuid.UUID(operation_id(**REQUEST))
    assert (found.version, found.variant) == (5, uuid.RFC_4122)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://sandbox.toloka.dev/api/v1"},
        {"pools": ["22"]},
        {"parameters": {"async_mode": "true", "allow_defaults": "false"}},
        {"body_digest": hashlib.sha256(b'[{"input_values":{"n":2},"pool_id":"21"}]').digest()},
        {"identities": nth(digest(b"row"), 1)},
        {"generation": 1},
        {"attempt": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_makes_a_request_another_gives_it_another_id(change: dict[str, Any]) -> None:
    """Also chunks of equal bytes in one run: their rows have different ordinals."""
    assert operation_id(**{**REQUEST, **change}) != operation_id(**REQUEST)


def test_the_order_of_parameters_and_pools_does_not_count() -> None:
    """They are sets to the API."""
    request = {**REQUEST, "pools": ["21", "24"]}
    turned = {
        **request,
        "pools": ["24", "21"],
        "parameters": dict(reversed(REQUEST["parameters"].items())),
    }
    assert operation_id(**turned) == operation_id(**request)
