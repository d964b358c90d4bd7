"""Rows into chunks, and chunks into requests. Pure: needs no network, no journal and no file."""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

from toloka_upload.items.identity import WIDTH
from toloka_upload.outcomes import Places
from toloka_upload.rows.model import Fault

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


class Items(NamedTuple):
    """Tasks or suites ready to travel, by the column, and the rows they are made of, which are of one file.

    Attributes:
        texts: The items' JSON without line breaks and without their closing brace, so that a marker can follow.
        inputs: Bytes of `input_values` that each adds to a request.
        outputs: The same for `output_values`.
        contents: The digests under which a listing shows the items.
        identities: Of the rows.
        raws: The rows as they came, for the rejects.
        lines: Of the rows.
        per_item: Rows of each item, or None: one each.
    """

    texts: list[bytes]
    inputs: list[int]
    outputs: list[int]
    contents: list[bytes]
    identities: list[bytes]
    raws: list[bytes]
    lines: list[int]
    per_item: list[int] | None = None

    def select(self, rows: Sequence[int]) -> Items:
        """Some of them; each must be of one row."""
        columns: Any = ([column[row] for row in rows] for column in self[:7])
        return Items(*columns)


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
        chosen = Chunk(self.pool, self.kind)
        chosen.texts = [self.texts[item] for item in items]
        chosen.raws = [self.raws[row] for row in rows]
        chosen.identities = _take(self.identities, rows)
        chosen.contents = _take(self.contents, items)
        if self.per_item is not None:
            chosen.per_item = array("q", (self.per_item[item] for item in items))
        chosen.places = self.places.select(rows)
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

    def add(self, items: Items, file: str) -> None:
        """Add items of one file in their order."""
        inputs = list(accumulate(items.inputs, initial=0))
        outputs = list(accumulate(items.outputs, initial=0))
        rows = list(accumulate(items.per_item, initial=0)) if items.per_item else range(len(inputs))
        limits, start = self._limits, 0
        while start < len(items.texts):
            stop = min(
                start + limits.items - self._chunk.items,
                bisect_right(inputs, limits.input_bytes - self._input + inputs[start]) - 1,
                bisect_right(outputs, limits.output_bytes - self._output + outputs[start]) - 1,
            )
            if stop <= start and self._chunk.texts:
                self.flush()
                continue
            stop = max(stop, start + 1)
            self._chunk.texts += items.texts[start:stop]
            self._contents += items.contents[start:stop]
            self._per_item += items.per_item[start:stop] if items.per_item else [1] * (stop - start)
            self._input += inputs[stop] - inputs[start]
            self._output += outputs[stop] - outputs[start]
            part = slice(rows[start], rows[stop])
            self._chunk.raws += items.raws[part]
            self._identities += items.identities[part]
            self._chunk.places.extend(file, items.lines[part])
            start = stop

    def flush(self) -> None:
        """Close the chunk at hand, if it has any items."""
        chunk = self._chunk
        if not chunk.texts:
            return
        chunk.kind = self.kind
        chunk.identities = b"".join(self._identities)
        chunk.contents = b"".join(self._contents)
        chunk.size = Size(self._input, self._output)
        if not {1}.issuperset(self._per_item):
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


def size_fault(size: Size, limits: Limits, whose: str = "") -> Fault | None:
    """The same as a fault of a row; `whose` says whose size it is, if not its own."""
    said = too_large(size, limits)
    if said is None:
        return None
    field = "input_values" if size.input_bytes > limits.input_bytes else "known_solutions"
    return Fault(field, "OBJECT_SIZE_BYTES_GREATER_THAN_MAX", f"{whose}{said}")
