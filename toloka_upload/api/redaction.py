"""The token, taken out of whatever a server says: a server may echo it, and its words are kept and shown. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

from toloka_upload.api.errors import ApiError

MOST_LEVELS = 100
"""What a server nests deeper than that is left out: nothing we read is, and a thousand levels are more than Python
can follow."""
SHORTEST = 8
"""Characters. A shorter token may stand in a text by chance; real ones have more than 30."""
INSTEAD = "[token]"

E = TypeVar("E", bound=ApiError)


class Redaction:
    """
    Takes one token out of texts and parsed answers.

    Args:
        authorization: The `Authorization` header; None: there is nothing to take out.
    """

    def __init__(self, authorization: str | None) -> None:
        token = (authorization or "").rpartition(" ")[2]
        self._token = token if len(token) >= SHORTEST else ""

    def text(self, text: str) -> str:
        """A text without the token."""
        return text.replace(self._token, INSTEAD) if self._token else text

    def concerns(self, body: bytes | bytearray) -> bool:
        """Whether the token stands in an answer."""
        return bool(self._token) and self._token.encode() in body

    def value(self, value: Any, levels: int = MOST_LEVELS) -> Any:
        """Parsed JSON without the token, in keys and values alike, and without what is nested too deep."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict | list) and not levels:
            return None
        if isinstance(value, dict):
            return {self.text(key): self.value(inner, levels - 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, levels - 1) for inner in value]
        return value

    def error(self, error: E) -> E:
        """An error whose words came from outside; the same one, changed."""
        error.code = self.text(error.code)
        error.message = self.text(error.message)
        error.args = (error.message,)
        error.payload = self.value(error.payload)
        error.request_id = error.request_id and self.text(error.request_id)
        return error
