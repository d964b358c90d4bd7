"""What makes two rows the same row, and two requests the same request. Pure.

A row's *content* is its JSON value: white space, escapes and key order do not count, digits do (`1.10` is not `1.1`).
Its *identity* is its content and its ordinal among equal rows of the input, so that two equal rows are two tasks.
Ten bytes of BLAKE2b stand for an identity: among ten million rows the odds that any two clash are below one in 10^10.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import uuid
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress
from typing import Any

import orjson

WIDTH = 10
"""Bytes of an identity."""

_FULL, _FULLEST = 0.75, 0.6
"""Shares of a hash table's places that may be taken before it grows: of rows seen, and of rows known."""
_NOTHING = hashlib.blake2b(digest_size=WIDTH)
_NUMBER = rb"\s*:\s*(-?[0-9][0-9.eE+-]*)"
_ESCAPED = re.compile(rb"\\[u/]")  # characters that need not be
_MINUS_ZERO = re.compile(rb"-0\s*[,}\]]")  # the parser makes 0 of it
_NAMESPACE = uuid.UUID("6f6c6f6b-615f-5570-8c6f-616400000001")


def digest(data: bytes) -> bytes:
    """`WIDTH` bytes that stand for `data`."""
    return hashlib.blake2b(data, digest_size=WIDTH).digest()


def digests(texts: Iterable[bytes]) -> list[bytes]:
    """`digest` of each."""
    copy, found = _NOTHING.copy, []
    for text in texts:
        state = copy()  # half the price of a new one
        state.update(text)
        found.append(state.digest())
    return found


def canonical(value: Any, text: bytes) -> bytes:
    """
    `value` as JSON without white space, keys in order, every number as it stands in `text`.

    Args:
        value: `text` parsed by orjson, which keeps integers of 64 bits and turns other numbers into floats.
        text: The JSON text of `value`.
    """
    if not has_float(value) or orjson.dumps(value) == text:
        return orjson.dumps(value, None, orjson.OPT_SORT_KEYS)
    return orjson.dumps(_exact(text), None, orjson.OPT_SORT_KEYS)


def exact_members(value: Mapping[str, Any], text: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """Some members of the object `value`, each in canonical form."""
    if not has_float(value) or orjson.dumps(value) == text:
        return {name: orjson.dumps(value[name], None, orjson.OPT_SORT_KEYS) for name in names}
    exact = _exact(text)
    return {name: orjson.dumps(exact[name], None, orjson.OPT_SORT_KEYS) for name in names}


def loose(value: Any) -> bytes:
    """`value` as JSON without white space, keys in order, numbers by value: what a server may make of it.

    Whole numbers up to 64 bits count exactly, others as doubles: 1e16 is 10000000000000000, and of 23 digits the first
    16 count, because a server that keeps doubles returns no more.
    """
    if has_whole_float(value):
        value = _by_value(value)
    return orjson.dumps(value, None, orjson.OPT_SORT_KEYS)


def loose_or_nothing(value: Any) -> bytes:
    """As `loose`, of what a server shows; nothing for what is nested too deep to be written, as no row ever is."""
    try:
        return loose(value)
    except (TypeError, RecursionError):
        return b""


def nth(content: bytes, ordinal: int) -> bytes:
    """The identity of the row that has `ordinal` equal rows before it, from its content's digest."""
    return digest(b"%b%d" % (content, ordinal)) if ordinal else content


def exact_scalars(values: Sequence[dict[str, Any]], texts: Sequence[bytes]) -> list[bytes] | None:
    """
    What `canonical` makes of objects of scalars, in a tenth of the time; None where that cannot be told so simply.

    Args:
        values: The objects.
        texts: For each a JSON text on one line that has it. Keys are looked for as they stand, so any that is spelt
            with escapes, or stands in a text twice, wherever that is, is not for here.
    """
    if not values:
        return []
    text, names = b"\n".join(texts), tuple(values[0])
    if (
        not names
        or (b"\\" in text and _ESCAPED.search(text))
        or (b"-" in text and _MINUS_ZERO.search(text))
        or not {names}.issuperset(map(tuple, values))
    ):
        return None
    columns: list[Sequence[Any]] = list(zip(*map(dict.values, values), strict=True))
    if not {dict, list}.isdisjoint(map(type, chain.from_iterable(columns))):
        return None
    for at, name in enumerate(names):
        if float in map(type, columns[at]):
            key = orjson.dumps(name)
            numbers = re.findall(re.escape(key) + _NUMBER, text)
            if not len(numbers) == text.count(key) == len(values):
                return None
            columns[at] = list(map(orjson.Fragment, numbers))
    return [
        orjson.dumps(dict(zip(names, row, strict=True)), None, orjson.OPT_SORT_KEYS)
        for row in zip(*columns, strict=True)
    ]


def _exact(text: bytes) -> Any:
    return json.loads(text, parse_float=_as_written, parse_int=_as_written)


def _as_written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def has_float(value: Any) -> bool:
    """Whether there is a number in `value` that the parser made a float."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is float
    for member in value:
        kind = type(member)
        if kind is float or ((kind is dict or kind is list) and has_float(member)):
            return True
    return False


def has_whole_float(value: Any) -> bool:
    """Whether there is a number in `value` that the parser made a float, and which a server may make an integer."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is float and value.is_integer()
    for member in value:
        kind = type(member)
        if (kind is float and member.is_integer()) or (
            (kind is dict or kind is list) and has_whole_float(member)
        ):
            return True
    return False


def _by_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _by_value(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_by_value(member) for member in value]
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**64:
        return int(value)
    return value


class Seen:
    """Which contents this input has shown so far, to number equal rows. 12 bytes a row, and no objects.

    An open-addressing hash table of the first 64 bits of each content. Two contents that share them count as equal
    here, which only matters if they change places between two runs: the odds of having such a pair at all among a
    million rows are 1 in 37 million.
    """

    def __init__(self) -> None:
        self._table = array("Q", [0]) * (1 << 14)
        self._used = 0
        self._repeats: dict[bytes, int] = {}

    def expect(self, rows: int) -> None:
        """Make room for so many rows, those so far included: growing takes half as much again for a moment."""
        if rows > _FULL * len(self._table):
            self._resize(int(rows / _FULL) + 1)

    def identify(self, contents: Sequence[bytes]) -> list[bytes]:
        """The identities of the next rows, which have these contents."""
        identities = list(contents)
        needed = self._used + len(contents)
        if needed > _FULL * len(self._table):
            self._resize(max(2 * len(self._table), int(needed / _FULL) + 1))
        table, length, repeated = self._table, len(self._table), 0
        for row, key in enumerate(_keys(b"".join(contents))):
            at = key % length
            while found := table[at]:
                if found == key:
                    identities[row] = self._repeat(contents[row])
                    repeated += 1
                    break
                at = (at or length) - 1
            else:
                table[at] = key
        self._used += len(contents) - repeated
        return identities

    def _repeat(self, content: bytes) -> bytes:
        ordinal = self._repeats.get(content, 0) + 1
        self._repeats[content] = ordinal
        return nth(content, ordinal)

    def _resize(self, length: int) -> None:
        old, table = self._table, array("Q", [0]) * length
        for key in filter(None, old):
            at = key % length
            while table[at]:
                at = (at or length) - 1
            table[at] = key
        self._table = table

    @property
    def repeated(self) -> int:
        """How many rows were equal to an earlier one."""
        return sum(self._repeats.values())

    def forget(self) -> None:
        """Give the memory back: the input is at its end."""
        self._table, self._used, self._repeats = array("Q", [0]), 0, {}


class Known:
    """Identities that the journal knows, each with the place of its outcome. 27 to 53 bytes a row, and no objects.

    A place is `chunk << 20 | index`: the chunk's number in the journal, the row's index in it. (A request's limit of
    1,048,576 bytes leaves no room for more than 524,288 rows.)

    Two arrays are one open-addressing hash table: the first 64 bits of the identity, and its other 16 with the place.

    Args:
        expected: How many there will be: then the table need not grow, which takes half as much again for a moment.
    """

    _PLACE = (1 << 48) - 1

    def __init__(self, expected: int = 0) -> None:
        length = _length(1 << 12, expected)
        self._keys = array("Q", [0]) * length
        self._places = array("Q", [0]) * length
        self.count = 0

    def add(self, identities: bytes, chunk: int, indexes: Iterable[int]) -> None:
        """Add the rows of one chunk: those of `identities` (packed) that stand at `indexes`."""
        chosen = list(indexes)
        self.count += len(chosen)
        if self.count > _FULLEST * len(self._keys):
            self._grow(self.count)
        keys, tails = _halves(identities)
        base = chunk << 20
        self._enter(
            [keys[index] for index in chosen],
            [tails[index] << 48 | base | index for index in chosen],
        )

    def add_at(self, identities: bytes, chunk: int, indexes: Sequence[int]) -> None:
        """Add rows of one chunk: all of `identities` (packed), which stand at `indexes` of it."""
        self.count += len(indexes)
        if self.count > _FULLEST * len(self._keys):
            self._grow(self.count)
        keys, tails = _halves(identities)
        base = chunk << 20
        places = [tail << 48 | base | at for tail, at in zip(tails, indexes, strict=True)]
        self._enter(keys, places)

    def find(self, identities: Sequence[bytes]) -> list[int]:
        """The place of each row, or -1."""
        keys, places, mask, most = self._keys, self._places, len(self._keys) - 1, self._PLACE
        found = [-1] * len(identities)
        for row, (key, tail) in enumerate(zip(*_halves(b"".join(identities)), strict=True)):
            at = key & mask
            while there := keys[at]:
                if there == key and places[at] >> 48 == tail:
                    found[row] = places[at] & most
                    break
                at = (at + 1) & mask
        return found

    def _enter(self, new_keys: Iterable[int], new_places: Iterable[int]) -> None:
        keys, places, mask = self._keys, self._places, len(self._keys) - 1
        for key, place in zip(new_keys, new_places, strict=True):
            at = key & mask
            while keys[at]:
                at = (at + 1) & mask
            keys[at], places[at] = key, place

    def _grow(self, needed: int) -> None:
        old_keys, old_places = self._keys, self._places
        length = _length(len(old_keys), needed)
        self._keys, self._places = array("Q", [0]) * length, array("Q", [0]) * length
        self._enter(filter(None, old_keys), compress(old_places, old_keys))


def _length(length: int, rows: int) -> int:
    """The length of a table, at least so long, that so many rows do not overfill."""
    while rows > _FULLEST * length:
        length *= 2
    return length


def _keys(identities: bytes) -> Sequence[int]:
    """The first 64 bits of each packed identity, never zero."""
    keys = struct.unpack("=" + "Q2x" * (len(identities) // WIDTH), identities)
    return keys if all(keys) else [key or 1 for key in keys]


def _halves(identities: bytes) -> tuple[Sequence[int], Sequence[int]]:
    """The first 64 bits (never zero) and the last 16 of each packed identity."""
    tails = struct.unpack("=" + "8xH" * (len(identities) // WIDTH), identities)
    return _keys(identities), tails


def operation_id(
    *,
    endpoint: str,
    pools: Iterable[str],
    parameters: Mapping[str, str],
    body_digest: bytes,
    identities: bytes,
    generation: int,
    attempt: int,
) -> str:
    """
    The id under which exactly this request runs at most once: UUID v5 over all that makes it what it is.

    It is the same on any machine and without any journal, so that the same file sent again with all state lost
    meets the ids of its first upload. `body_digest` is the SHA-256 of the bytes sent. The identities tell chunks of
    equal bytes apart: equal rows have different
    ordinals. `attempt` counts operations that ran and failed: a failed one burns its id.
    """
    name = "\n".join(
        [
            endpoint,
            ",".join(sorted(pools)),
            "&".join(f"{key}={value}" for key, value in sorted(parameters.items())),
            str(generation),
            str(attempt),
            body_digest.hex(),
            hashlib.sha256(identities).hexdigest(),
        ]
    )
    return str(uuid.uuid5(_NAMESPACE, name))
