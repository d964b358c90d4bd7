"""The top-level members of a JSON object's text, so that one can be taken out and the rest stays as written."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

import orjson

from toloka_upload.rows.scan import ValueEnd

_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[^,\]}\s]*+")


class Member(NamedTuple):
    """One `"key": value` of an object, as byte offsets into its text."""

    key: str
    start: int
    """Where the key's opening quote stands."""
    value: int
    """Where the value begins."""
    end: int
    """Just past the value."""


def members(text: bytes) -> list[Member]:
    """Return the top-level members of `text`, which must be one valid JSON object, in order, repeated keys too."""
    found: list[Member] = []
    at = _after_space(text, _after_space(text, 0) + 1)
    while text[at : at + 1] != b"}":
        start = at
        key_end = _end(text, start)
        value = _after_space(text, _after_space(text, key_end) + 1)
        end = _end(text, value)
        found.append(Member(orjson.loads(text[start:key_end]), start, value, end))
        at = _after_space(text, end)
        if text[at : at + 1] == b",":
            at = _after_space(text, at + 1)
    return found


def without(text: bytes, keys: Collection[str]) -> tuple[bytes, dict[str, bytes]]:
    """Take members out of an object.

    Args:
        text: One valid JSON object.
        keys: Names of top-level members; those that `text` lacks are skipped.

    Returns:
        The object without them, the other members byte for byte as they were, and the text of each value
        taken out (of a repeated key the last, as parsers have it).
    """
    taken: dict[str, bytes] = {}
    kept: list[bytes] = []
    for member in members(text):
        if member.key in keys:
            taken[member.key] = text[member.value : member.end]
        else:
            kept.append(text[member.start : member.end])
    return (b"{" + b",".join(kept) + b"}" if taken else text), taken


def _after_space(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _end(text: bytes, at: int) -> int:
    if text[at] in b'{["':
        return ValueEnd().find(text, at) or len(text)
    match = _SCALAR.match(text, at)
    return match.end() if match else at
