"""Chunks: what one request carries, and that nothing is lost, split or reordered on the way into it."""

from __future__ import annotations

import json
from array import array
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.items.chunks import (
    MOST_INPUT_BYTES,
    MOST_OUTPUT_BYTES,
    Chunk,
    Chunker,
    Items,
    Limits,
    Size,
    too_large,
)
from toloka_upload.items.identity import digest

SMALL = Limits(items=4, input_bytes=100, output_bytes=50)


class Item(NamedTuple):
    """One item and its rows, which all tell its number."""

    text: bytes
    size: Size
    content: bytes
    identities: list[bytes]
    raws: list[bytes]
    lines: list[int]


def item(number: int, input_bytes: int = 1, output_bytes: int = 0, rows: int = 1) -> Item:
    """An item whose text, identities, raws and lines all tell its number."""
    names = [b"%d.%d" % (number, row) for row in range(rows)]
    return Item(
        b'{"n":%d' % number,
        Size(input_bytes, output_bytes),
        digest(b"content %d" % number),
        list(map(digest, names)),
        names,
        [number * 10 + row for row in range(rows)],
    )


def columns(items: list[Item]) -> Items:
    """Items by the column."""
    return Items(
        [one.text for one in items],
        [one.size.input_bytes for one in items],
        [one.size.output_bytes for one in items],
        [one.content for one in items],
        [identity for one in items for identity in one.identities],
        [raw for one in items for raw in one.raws],
        [line for one in items for line in one.lines],
        [len(one.lines) for one in items],
    )


def chunked(items: list[Item], limits: Limits = SMALL, batch: int = 7) -> list[Chunk]:
    """The chunks that items are collected into, some at a time."""
    closed: list[Chunk] = []
    chunker = Chunker("21", "tasks", limits, closed.append)
    for number, start in enumerate(range(0, len(items), batch)):
        chunker.add(columns(items[start : start + batch]), f"file{number % 2}")
    chunker.flush()
    return closed


def numbers(chunk: Chunk) -> list[int]:
    """The numbers of the items of a chunk, from the request's body."""
    return [member["n"] for member in json.loads(chunk.body(marked=False))]


sizes = st.tuples(st.integers(1, 100), st.integers(0, 50), st.integers(1, 3))


@given(st.lists(sizes, max_size=40))
def test_every_item_travels_once_in_order_within_every_limit(
    wanted: list[tuple[int, int, int]],
) -> None:
    """No item is lost, doubled, split or moved; each chunk keeps to all three limits."""
    items = [item(number, *size) for number, size in enumerate(wanted)]
    chunks = chunked(items)
    assert [number for chunk in chunks for number in numbers(chunk)] == list(range(len(items)))
    for chunk in chunks:
        of_chunk = [items[number] for number in numbers(chunk)]
        assert 1 <= chunk.items <= SMALL.items
        assert chunk.size == Size(
            sum(one.size.input_bytes for one in of_chunk),
            sum(one.size.output_bytes for one in of_chunk),
        )
        assert chunk.size.input_bytes <= SMALL.input_bytes
        assert chunk.size.output_bytes <= SMALL.output_bytes


@given(st.lists(sizes, max_size=40))
def test_a_chunk_closes_only_when_the_next_item_does_not_fit(
    wanted: list[tuple[int, int, int]],
) -> None:
    """Chunks are as full as the order of the input allows."""
    items = [item(number, *size) for number, size in enumerate(wanted)]
    chunks = chunked(items)
    for chunk, following in pairwise(chunks):
        first = items[numbers(following)[0]]
        assert (
            chunk.items == SMALL.items
            or chunk.size.input_bytes + first.size.input_bytes > SMALL.input_bytes
            or chunk.size.output_bytes + first.size.output_bytes > SMALL.output_bytes
        )


@given(st.lists(sizes, max_size=30))
def test_rows_stay_with_their_items(wanted: list[tuple[int, int, int]]) -> None:
    """Raws, identities, contents, places and the number of rows of each item are columns that agree."""
    items = [item(number, *size) for number, size in enumerate(wanted)]
    for chunk in chunked(items):
        of_chunk = [items[number] for number in numbers(chunk)]
        assert chunk.raws == [raw for one in of_chunk for raw in one.raws]
        assert chunk.identities == b"".join(
            identity for one in of_chunk for identity in one.identities
        )
        assert chunk.contents == b"".join(one.content for one in of_chunk)
        assert list(chunk.places.lines) == [line for one in of_chunk for line in one.lines]
        assert list(chunk.places.file_of_rows()) == [
            f"file{numbered // 7 % 2}" for numbered in numbers(chunk) for _ in items[numbered].lines
        ]
        rows = [len(one.lines) for one in of_chunk]
        assert list(chunk.per_item or array("q", [1] * chunk.items)) == rows


@given(st.lists(sizes, max_size=40), st.integers(1, 7))
def test_it_does_not_matter_how_many_items_come_together(
    wanted: list[tuple[int, int, int]], batch: int
) -> None:
    """Batches of any size and single items close their chunks at the same places."""
    items = [item(number, *size) for number, size in enumerate(wanted)]
    some, alone = chunked(items, batch=batch), chunked(items, batch=1)
    assert [
        (chunk.texts, chunk.raws, chunk.identities, chunk.contents, chunk.per_item, chunk.size)
        for chunk in some
    ] == [
        (chunk.texts, chunk.raws, chunk.identities, chunk.contents, chunk.per_item, chunk.size)
        for chunk in alone
    ]


def test_items_and_suites_of_several_rows_mix_in_one_chunk() -> None:
    """An item of several rows after items of one row each: the count of rows of each item is right."""
    (chunk,) = chunked([item(0), item(1), item(2, rows=3), item(3)])
    assert list(chunk.per_item or ()) == [1, 1, 3, 1]
    assert list(chunk.rows_of(range(1, 3))) == [1, 2, 3, 4]


def test_a_marker_tells_each_item_its_index() -> None:
    """Asynchronous requests carry `__item_idx`, which the log echoes; synchronous ones carry nothing of ours."""
    (chunk,) = chunked([item(7), item(8)])
    assert chunk.body(marked=True) == b'[{"n":7,"__item_idx":"0"},{"n":8,"__item_idx":"1"}]'
    assert chunk.body(marked=False) == b'[{"n":7},{"n":8}]'


def test_an_empty_request_is_never_made() -> None:
    """The API's answer to an empty array is not documented; flushing nothing closes nothing."""
    assert chunked([]) == []
    with pytest.raises(ValueError, match="empty"):
        Chunk("21", "tasks").body(marked=False)


@given(st.lists(sizes, min_size=1, max_size=4), st.data())
def test_a_selection_has_the_chosen_items_and_only_their_rows(
    wanted: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """What goes again keeps text, content, identity, raw and place of each row; attempts start anew."""
    items = [item(number, 1, 0, rows) for number, (_, _, rows) in enumerate(wanted)]
    (chunk,) = chunked(items)
    chunk.attempt = 3
    chosen = data.draw(
        st.lists(st.sampled_from(range(len(items))), min_size=1, unique=True).map(sorted)
    )
    part = chunk.select(chosen)
    of_part = [items[index] for index in chosen]
    assert numbers(part) == chosen
    assert part.attempt == 0
    assert part.raws == [raw for one in of_part for raw in one.raws]
    assert part.identities == b"".join(identity for one in of_part for identity in one.identities)
    assert part.contents == b"".join(one.content for one in of_part)
    assert list(part.places.lines) == [line for one in of_part for line in one.lines]


@given(st.lists(sizes, min_size=1, max_size=4))
def test_halves_are_the_whole_in_order(wanted: list[tuple[int, int, int]]) -> None:
    """Cutting loses nothing, ends at single items, and never makes an empty piece."""
    items = [item(number, 1, 0, rows) for number, (_, _, rows) in enumerate(wanted)]
    (chunk,) = chunked(items)
    pieces = chunk.halves()
    assert [number for piece in pieces for number in numbers(piece)] == numbers(chunk)
    assert b"".join(piece.identities for piece in pieces) == chunk.identities
    assert all(piece.items for piece in pieces)
    assert len(pieces) == (1 if chunk.items == 1 else 2)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (Size(MOST_INPUT_BYTES, MOST_OUTPUT_BYTES), None),
        (
            Size(MOST_INPUT_BYTES + 1),
            "input_values take 1,048,577 bytes; a request carries at most 1,048,576",
        ),
        (
            Size(1, MOST_OUTPUT_BYTES + 1),
            "output_values take 4,194,305 bytes; a request carries at most 4,194,304",
        ),
    ],
)
def test_an_item_over_a_limit_is_told_with_limit_and_size(size: Size, said: str | None) -> None:
    """A row that can never travel says so before anything is sent; exactly the limit still fits."""
    assert too_large(size, Limits()) == said


def test_what_waits_is_counted() -> None:
    """The planner bounds memory by what the open chunks hold."""
    closed: list[Chunk] = []
    chunker = Chunker("21", "tasks", SMALL, closed.append)
    chunker.add(columns([item(1, 30, 5), item(2, 10)]), "file")
    before = chunker.held_bytes
    chunker.flush()
    assert (before, chunker.held_bytes) == (45, 0)
