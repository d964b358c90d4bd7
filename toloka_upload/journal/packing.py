"""Columns of numbers and faults as bytes."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from operator import sub
from typing import Any

from toloka_upload.outcomes import Status
from toloka_upload.rows.model import Fault


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
