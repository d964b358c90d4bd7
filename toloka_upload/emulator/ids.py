"""Ids as the API forms them: ten hex digits of the pool, `--`, and an ObjectId."""

from __future__ import annotations

import random
import re
import uuid
from typing import Literal

_UUID = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?",
    re.ASCII | re.IGNORECASE,
)
_ITEM_ID = re.compile(r"([0-9a-f]{10})--([0-9a-f]{24})")


class ObjectIds:
    """Makes 12-byte ids whose order is that of creation only to the second, as the API's is.

    Four bytes of Unix time, five of this maker, three of a counter. Two makers never collide, save by
    chance (2**-40).
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._maker = rng.randbytes(5)
        self._counter = rng.randrange(1 << 24)

    def batch(self, count: int, now: float) -> list[bytes]:
        """`count` new ids, not in order: items of one request do not get ids in their own order."""
        head = int(now).to_bytes(4, "big") + self._maker
        first = self._counter
        self._counter = (first + count) & 0xFFFFFF
        ids = [head + ((first + number) & 0xFFFFFF).to_bytes(3, "big") for number in range(count)]
        self._rng.shuffle(ids)
        return ids


def item_id(pool: int, object_id: bytes) -> str:
    """`0000000015--6740...`: the id of a task or suite."""
    return f"{pool:010x}--{object_id.hex()}"


def parse_item_id(text: str) -> tuple[int, bytes] | None:
    """Pool and ObjectId of an id, or None if it is not one of ours."""
    match = _ITEM_ID.fullmatch(text)
    return (int(match[1], 16), bytes.fromhex(match[2])) if match else None


def canonical_uuid(text: str) -> str | None:
    """A UUID in lower case with dashes, whichever way it is written; None: it is none."""
    match = _UUID.fullmatch(text)
    return "-".join(match.groups()).lower() if match else None


def operation_names(text: str) -> tuple[str, str, str]:
    """The names under which an operation may be kept that somebody calls so."""
    name = canonical_uuid(text) or text
    return text, name, name.replace("-", "")


def operation_id(form: Literal["uuid", "hex", "objectid"], ids: ObjectIds, now: float) -> str:
    """An operation's id as the server would choose it, in one of the forms seen."""
    if form == "objectid":
        return ids.batch(1, now)[0].hex()
    new = uuid.uuid4()
    return new.hex if form == "hex" else str(new)
