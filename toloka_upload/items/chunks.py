"""Rows into chunks, and chunks into requests. Pure: needs no network, no journal and no file."""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from toloka_upload.items.identity import WIDTH, digest
from toloka_upload.outcomes import Places

MOST_INPUT_BYTES = 1_048_576
"""Most bytes of all `input_values` in a request (API reference, "Input and output data size limitations")."""
MOST_OUTPUT_BYTES = 4_194_304
"""Most bytes of all `output_values` of known and baseline solutions in a request (the same place)."""
MOST_ITEMS_ASYNC = 10_000
"""Most items in an asynchronous request (the official SDK's advice; the API names no number)."""
MOST_ITEMS_SYNC = 5_000
"""Most items in a synchronous request (API reference)."""


class Limits(NamedTuple):
    """What one request may carry."""

    items: int = MOST_ITEMS_ASYNC
    input_bytes: int = MOST_INPUT_BYTES
    output_bytes: int = MOST_OUTPUT_BYTES


class Size(NamedTuple):
    """What one item adds to a request.

    Bytes are those of the JSON text as written or of its compact form, whichever is more: how the API counts is not
    documented, and this is never less than either.
    """

    input_bytes: int
    output_bytes: int = 0

    @property
    def total(self) -> int:
        """Bytes of both."""
        return self.input_bytes + self.output_bytes


_NOTHING = Size(0)


class Item(NamedTuple):
    """One task or suite, ready to travel, and the rows it is made of.

    Attributes:
        text: The item's JSON without line breaks and without its closing brace, so that a marker can follow.
        content: The digest under which a listing shows it.
        identities: Of its rows, packed.
        raws: Of its rows, for the rejects.
        places: (file, line) of its rows.
    """

    text: bytes
    size: Size
    content: bytes
    identities: bytes
    raws: list[bytes]
    places: list[tuple[str, int]]


@dataclass(slots=True)
class Chunk:
    """Items that travel in one request, in input order.

    Attributes:
        raws: Of its rows, as they came.
        contents: Digests of the items as a listing shows them, packed.
        per_item: Rows of each item, or None: one each.
        attempt: How often an operation with just these items ran and failed.
        replaces: The journal's number of an earlier record of the same request, which this one takes over.
    """

    pool: str
    kind: str
    texts: list[bytes] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    identities: bytes = b""
    contents: bytes = b""
    per_item: array[int] | None = None
    places: Places = field(default_factory=Places)
    size: Size = _NOTHING
    attempt: int = 0
    replaces: int | None = None

    @property
    def items(self) -> int:
        """How many tasks or suites."""
        return len(self.texts)

    @property
    def rows(self) -> int:
        """How many rows of the input."""
        return len(self.places)

    def body(self, *, marked: bool) -> bytes:
        """
        The request's body: a JSON array of the items.

        Args:
            marked: Give each item its index as `__item_idx`, which the operation's log echoes (asynchronous mode).
        """
        if not self.texts:
            raise ValueError("an empty request is never sent")
        ends = _markers(self.items) if marked else [b"}"] * self.items
        return b"[" + b",".join(map(operator.add, self.texts, ends)) + b"]"

    def rows_of(self, items: Iterator[int] | range) -> Iterator[int]:
        """The indexes of the rows that items are made of."""
        if self.per_item is None:
            yield from items
            return
        starts = [0, *accumulate(self.per_item)]
        for item in items:
            yield from range(starts[item], starts[item + 1])

    def select(self, items: list[int]) -> Chunk:
        """A chunk of some of the items, in their order, with the attempts starting anew."""
        rows = list(self.rows_of(iter(items)))
        files = list(self.places.file_of_rows())
        chosen = Chunk(self.pool, self.kind)
        chosen.texts = [self.texts[item] for item in items]
        chosen.raws = [self.raws[row] for row in rows]
        chosen.identities = _take(self.identities, rows)
        chosen.contents = _take(self.contents, items)
        if self.per_item is not None:
            chosen.per_item = array("q", (self.per_item[item] for item in items))
        for row in rows:
            chosen.places.add(files[row], self.places.lines[row])
        share = len(items) / self.items
        chosen.size = Size(
            int(self.size.input_bytes * share) + 1, int(self.size.output_bytes * share) + 1
        )
        return chosen

    def halves(self) -> list[Chunk]:
        """Two chunks of half the items each; or the only one, of a single item."""
        if self.items == 1:
            return [self]
        middle = self.items // 2
        return [self.select(list(range(middle))), self.select(list(range(middle, self.items)))]


@cache
def _markers(count: int) -> list[bytes]:
    return [b',"__item_idx":"%d"}' % index for index in range(count)]


def _take(packed: bytes, indexes: list[int]) -> bytes:
    return b"".join([packed[index * WIDTH : (index + 1) * WIDTH] for index in indexes])


class PlainTasks(NamedTuple):
    """Tasks that are one row each and have no solutions, by the column. `sizes` are bytes of `input_values`."""

    texts: list[bytes]
    sizes: list[int]
    identities: list[bytes]
    contents: list[bytes]
    raws: list[bytes]
    lines: list[int]

    def select(self, rows: list[int]) -> PlainTasks:
        """Some of them."""
        return PlainTasks(
            [self.texts[row] for row in rows],
            [self.sizes[row] for row in rows],
            [self.identities[row] for row in rows],
            [self.contents[row] for row in rows],
            [self.raws[row] for row in rows],
            [self.lines[row] for row in rows],
        )


class Chunker:
    """Collects items of one pool and closes a chunk when the next item would not fit.

    A chunk closes at `limits.items` items, or before `limits.input_bytes` bytes of `input_values` or
    `limits.output_bytes` of `output_values`, whichever comes first. No item is ever split, and an item that alone is
    over a limit must not be added (`too_large` tells).
    """

    def __init__(
        self, pool: str, kind: str, limits: Limits, close: Callable[[Chunk], None]
    ) -> None:
        self.kind = kind
        self._pool = pool
        self._limits = limits
        self._close = close
        self._reset()

    def _reset(self) -> None:
        self._chunk = Chunk(self._pool, self.kind)
        self._identities: list[bytes] = []
        self._contents: list[bytes] = []
        self._per_item: list[int] = []
        self._input = self._output = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the items that wait for their chunk to close."""
        return self._input + self._output

    def add_tasks(self, tasks: PlainTasks, file: str) -> None:
        """Add plain tasks: the way of most rows."""
        texts, sizes, identities, contents, raws, lines = tasks
        totals = list(accumulate(sizes, initial=0))
        start = 0
        while start < len(texts):
            room = self._limits.input_bytes - self._input + totals[start]
            stop = min(
                bisect_right(totals, room) - 1, start + self._limits.items - len(self._identities)
            )
            if stop <= start and self._identities:
                self.flush()
                continue
            part = slice(start, max(stop, start + 1))
            self._chunk.texts += texts[part]
            self._chunk.raws += raws[part]
            self._identities += identities[part]
            self._contents += contents[part]
            self._input += totals[part.stop] - totals[start]
            self._chunk.places.extend(file, lines[part])
            start = part.stop

    def add(self, item: Item) -> None:
        """Add any item."""
        size, limits = item.size, self._limits
        if (
            self._chunk.items == limits.items
            or self._input + size.input_bytes > limits.input_bytes
            or self._output + size.output_bytes > limits.output_bytes
        ):
            self.flush()
        chunk = self._chunk
        chunk.texts.append(item.text)
        chunk.raws += item.raws
        self._identities.append(item.identities)
        self._contents.append(item.content)
        self._input += size.input_bytes
        self._output += size.output_bytes
        for file, line in item.places:
            chunk.places.add(file, line)
        if len(item.places) != 1 and not self._per_item:
            self._per_item = [1] * (chunk.items - 1)
        if self._per_item or len(item.places) != 1:
            self._per_item.append(len(item.places))

    def flush(self) -> None:
        """Close the chunk at hand, if it has any items."""
        chunk = self._chunk
        if not chunk.texts:
            return
        chunk.kind = self.kind
        chunk.identities = b"".join(self._identities)
        chunk.contents = b"".join(self._contents)
        chunk.size = Size(self._input, self._output)
        if self._per_item:
            self._per_item += [1] * (chunk.items - len(self._per_item))
            chunk.per_item = array("q", self._per_item)
        self._reset()
        self._close(chunk)


def too_large(size: Size, limits: Limits) -> str | None:
    """What is wrong with an item that alone is over a limit, or None."""
    for what, has, most in (
        ("input_values", size.input_bytes, limits.input_bytes),
        ("output_values", size.output_bytes, limits.output_bytes),
    ):
        if has > most:
            return f"{what} take {has:,} bytes; a request carries at most {most:,}"
    return None


def suite_content(contents: bytes) -> bytes:
    """The content of a suite, from the packed contents of its tasks."""
    return digest(contents)
