"""Tokens, taken out of what is kept and shown: a server may echo one, and an error of ours may quote one.

A token of eight characters or more is taken out wherever it stands. A shorter one may stand in a text by chance (`test`
in many a word), so it is taken out only where it stands by itself, and only of prose: an answer's other values are what
the program works with.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from toloka_upload.api.errors import ApiError

MOST_LEVELS = 100
"""What a server nests deeper than that is left out: nothing we read is, and a thousand levels are more than Python
can follow."""
SHORTEST = 8
"""Characters from which on a text cannot have the token by chance; real ones have more than 30."""
INSTEAD = "[token]"

E = TypeVar("E", bound=ApiError)
_read: set[str] = set()


def remember(secret: str) -> None:
    """A token that this process has read: `without_tokens` takes it out of texts that leave on ways nobody planned."""
    token = secret.strip().rpartition(" ")[2]
    if token:
        _read.add(token)


def without_tokens(text: str) -> str:
    """A text without any token that this process has read."""
    if not _read:
        return text
    longest_first = sorted(_read, key=len, reverse=True)
    return re.sub("|".join(map(_pattern, longest_first)), INSTEAD, text)


def _pattern(token: str) -> str:
    """Where a token stands in a text: a short one by itself alone."""
    found = re.escape(token)
    return found if len(token) >= SHORTEST else rf"(?<!\w')(?<![\w-]){found}(?![\w-])"


class Redaction:
    """
    Takes one token out of texts and parsed answers.

    Args:
        authorization: The `Authorization` header; None: there is nothing to take out.
    """

    def __init__(self, authorization: str | None) -> None:
        token = (authorization or "").rpartition(" ")[2]
        self._token = token
        self._short = len(token) < SHORTEST
        self._found = re.compile(_pattern(token))

    def text(self, text: str) -> str:
        """A text without the token."""
        if not self._token:
            return text
        return self._found.sub(INSTEAD, text)

    def concerns(self, body: bytes | bytearray) -> bool:
        """Whether the token stands in an answer."""
        return bool(self._token) and self._token.encode() in body

    def value(self, value: Any, levels: int = MOST_LEVELS) -> Any:
        """Parsed JSON without the token, in keys and values alike, and without what is nested too deep.

        A short token is taken out of messages alone.
        """
        if isinstance(value, str):
            return value if self._short else self.text(value)
        if isinstance(value, dict | list) and not levels:
            return None
        if isinstance(value, dict):
            return {
                self._key(key): self._member(key, inner, levels - 1) for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.value(inner, levels - 1) for inner in value]
        return value

    def _key(self, key: str) -> str:
        return key if self._short else self.text(key)

    def _member(self, key: str, value: Any, levels: int) -> Any:
        prose = key == "message" and isinstance(value, str)
        return self.text(value) if prose else self.value(value, levels)

    def error(self, error: E) -> E:
        """An error whose words came from outside; the same one, changed."""
        if not self._short:
            error.code = self.text(error.code)
        error.message = self.text(error.message)
        error.args = (error.message,)
        error.payload = self.value(error.payload)
        error.request_id = error.request_id and self.text(error.request_id)
        return error
