"""Chunks: what one request carries, and that nothing is lost, split or reordered on the way into it."""

from __future__ import annotations

import json
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.items.chunks import (
    MOST_INPUT_BYTES,
    MOST_OUTPUT_BYTES,
    Chunk,
    Chunker,
    Item,
    Limits,
    PlainTasks,
    Size,
    too_large,
)
from toloka_upload.items.identity import digest

SMALL = Limits(items=4, input_bytes=100, output_bytes=50)


def item(number: int, input_bytes: int = 1, output_bytes: int = 0, rows: int = 1) -> Item:
    """An item whose text, identities, raws and places all tell its number."""
    names = [f"{number}.{row}" for row in range(rows)]
    return Item(
        b'{"n":%d' % number,
        Size(input_bytes, output_bytes),
        digest(b"content %d" % number),
        b"".join(digest(name.encode()) for name in names),
        [name.encode() for name in names],
        [(f"file{number % 2}", number * 10 + row) for row in range(rows)],
    )


def chunked(items: list[Item], limits: Limits = SMALL) -> list[Chunk]:
    """The chunks that items are collected into."""
    closed: list[Chunk] = []
    chunker = Chunker("21", "tasks", limits, closed.append)
    for one in items:
        chunker.add(one)
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
        assert chunk.identities == b"".join(one.identities for one in of_chunk)
        assert chunk.contents == b"".join(one.content for one in of_chunk)
        assert [chunk.places.at(row) for row in range(chunk.rows)] == [
            place for one in of_chunk for place in one.places
        ]
        rows = [len(one.places) for one in of_chunk]
        assert list(chunk.per_item or array("q", [1] * chunk.items)) == rows


@given(st.lists(st.integers(1, 100), max_size=40), st.integers(1, 7))
def test_the_quick_way_for_plain_tasks_makes_the_same_chunks(wanted: list[int], batch: int) -> None:
    """`add_tasks` on batches of any size and `add` on single items close their chunks at the same places."""
    quick: list[Chunk] = []
    chunker = Chunker("21", "tasks", SMALL, quick.append)
    for start in range(0, len(wanted), batch):
        part = range(start, min(start + batch, len(wanted)))
        some = [item(number, wanted[number]) for number in part]
        tasks = PlainTasks(
            [one.text for one in some],
            [wanted[number] for number in part],
            [one.identities for one in some],
            [one.content for one in some],
            [one.raws[0] for one in some],
            list(part),
        )
        chunker.add_tasks(tasks, "file")
    chunker.flush()
    plain = chunked([item(number, size) for number, size in enumerate(wanted)])
    assert [numbers(chunk) for chunk in quick] == [numbers(chunk) for chunk in plain]
    for mine, theirs in zip(quick, plain, strict=True):
        assert (mine.size, mine.identities, mine.contents, mine.raws) == (
            theirs.size,
            theirs.identities,
            theirs.contents,
            theirs.raws,
        )
        assert list(mine.places.lines) == numbers(mine)


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
    assert part.identities == b"".join(one.identities for one in of_part)
    assert part.contents == b"".join(one.content for one in of_part)
    assert [part.places.at(row) for row in range(part.rows)] == [
        place for one in of_part for place in one.places
    ]


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
    chunker.add(item(1, 30, 5))
    chunker.add(item(2, 10))
    before = chunker.held_bytes
    chunker.flush()
    assert (before, chunker.held_bytes) == (45, 0)
