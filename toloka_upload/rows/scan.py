"""Where a JSON value ends, found over bytes that arrive in pieces; `orjson` is the judge of what is in it."""

from __future__ import annotations

import re

from toloka_upload.rows.packing import Damaged

MAX_DEPTH = 10_000
"""Deepest nesting that is looked through; rows nested deeper than 1,024 are refused by the parser."""

_STRUCTURE = re.compile(rb'["{}\[\]]')
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE_OR_STRING = re.compile(rb'("(?:[^"\\]++|\\.)*+")|[ \t\r\n]++', re.DOTALL)


def compact(text: bytes) -> bytes:
    """Return valid JSON without white space between its tokens; strings and digits stay as written."""
    return _SPACE_OR_STRING.sub(rb"\1", text)


class ValueEnd:
    """Looks for the end of one object, array or string. Linear in the bytes, and holds none of them.

    Raises:
        Damaged: It is nested deeper than `MAX_DEPTH`.
    """

    __slots__ = ("_depth", "_escaped", "_string")

    def __init__(self) -> None:
        self._depth = 0
        self._string = False
        self._escaped = False

    def find(self, data: bytes, at: int) -> int | None:
        """Return where the value ends that starts, or goes on, at `data[at]`; None if not in `data`."""
        size = len(data)
        if self._escaped and at < size:
            at, self._escaped = at + 1, False
        while at < size:
            at = self._pass_string(data, at) if self._string else self._pass_structure(data, at)
            if not (self._depth or self._string):
                return at
        return None

    def _pass_string(self, data: bytes, at: int) -> int:
        rest = _STRING_REST.match(data, at)
        at = rest.end() if rest else at
        if data[at : at + 1] == b'"':
            self._string = False
        else:  # a backslash may be the last byte: what it escapes comes with the next piece
            self._escaped = at < len(data)
        return at + 1

    def _pass_structure(self, data: bytes, at: int) -> int:
        match = _STRUCTURE.search(data, at)
        if match is None:
            return len(data)
        mark = match[0]
        if mark == b'"':
            self._string = True
        else:
            self._depth += 1 if mark in b"{[" else -1
            if self._depth > MAX_DEPTH:
                raise Damaged(f"brackets are nested deeper than {MAX_DEPTH:,}")
        return match.end()
