"""Columns of numbers, ids and faults as bytes."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain
from operator import sub
from typing import Any

import orjson

from toloka_upload.outcomes import Status
from toloka_upload.rows.model import Fault

_ALIKE = b"="
"""Begins packed ids; what zlib makes begins with an x."""


def where(statuses: bytes, *wanted: Status) -> Iterator[int]:
    """The indexes of the rows that ended so."""
    return (index for index, byte in enumerate(statuses) if byte in wanted)


def pack(numbers: Sequence[int]) -> bytes:
    """Differences, compressed: consecutive numbers take next to nothing."""
    differences = array("q", map(sub, numbers, chain((0,), numbers)))
    return zlib.compress(differences.tobytes(), 1)


def unpack(data: bytes) -> array[int]:
    """The numbers that `pack` packed."""
    differences = array("q", zlib.decompress(data))
    return array("q", accumulate(differences))


def pack_ids(ids: list[str]) -> bytes:
    """Ids in half the bytes and a quarter of the time that compressing takes, if they are alike; others are compressed.

    The API's are: the pool's number, two dashes, 24 hexadecimal digits.
    """
    prefix = ids[0][: ids[0].rfind("-") + 1]
    digits = len(ids[0]) - len(prefix)
    tails = "".join([item.removeprefix(prefix) for item in ids])
    if digits and {len(ids[0])}.issuperset(map(len, ids)) and len(tails) == digits * len(ids):
        with suppress(ValueError):
            packed = bytes.fromhex(tails)
            if packed.hex() == tails:
                head = json.dumps([prefix, digits]).encode()
                return _ALIKE + head + b"\n" + packed
    return zlib.compress(orjson.dumps(ids), 1)


def unpack_ids(data: bytes) -> list[str]:
    """The ids that `pack_ids` packed; those of a journal of format 1 too, which are lines."""
    if data.startswith(_ALIKE):
        head, _, packed = data.removeprefix(_ALIKE).partition(b"\n")
        prefix, digits = json.loads(head)
        tails = packed.hex()
        return [prefix + tails[at : at + digits] for at in range(0, len(tails), digits)]
    text = zlib.decompress(data)
    return list(orjson.loads(text)) if text.startswith(b"[") else text.decode().split("\n")


def unpack_some_ids(data: bytes, indexes: Sequence[int]) -> list[str]:
    """Some of them: of a whole chunk's ids mostly a few are asked for at a time."""
    if data.startswith(_ALIKE):
        start = data.index(b"\n") + 1
        prefix, digits = json.loads(data[len(_ALIKE) : start])
        width = digits // 2
        if 2 * width == digits and 2 * width * len(indexes) < len(data):
            starts = [start + width * index for index in indexes]
            return [prefix + data[at : at + width].hex() for at in starts]
    ids = unpack_ids(data)
    return [ids[index] for index in indexes]


def pack_faults(faults: Any) -> bytes | None:
    """Faults by index, compressed; None where there are none."""
    return zlib.compress(json.dumps(faults).encode(), 1) if faults else None


def unpack_faults(data: bytes | None) -> dict[int, list[Fault]]:
    """What `pack_faults` packed."""
    if data is None:
        return {}
    return {
        int(index): [Fault(*fault) for fault in faults]
        for index, faults in json.loads(zlib.decompress(data)).items()
    }
