"""What goes in and out of the emulator: plain requests and answers, no server and no client library."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from toloka_upload.emulator.codes import CODES, field_errors
from toloka_upload.rows.model import Fault

JSON_TYPE = "application/json;charset=UTF-8"


class Request(NamedTuple):
    """One HTTP request.

    Attributes:
        path: The path alone, percent-decoded, with its `/api/v1`.
        query: The parameters; of a repeated one, the last.
        headers: Names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def check_json(self) -> None:
        """Ask for the one type of body that there is.

        Raises:
            Refusal: 415; the headers do not say so.
        """
        said = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if said != "application/json":
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", message="The body must be application/json")

    def as_text(self) -> Request:
        """The same without lone surrogates, which no request that came over a socket can have."""
        query = {_text(name): _text(value) for name, value in self.query.items()}
        return self._replace(path=_text(self.path), query=query)


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


class Response(NamedTuple):
    """One HTTP answer. `Content-Length` is whoever's who sends it; it is not among `headers`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ConnectionLost(Exception):
    """The client gets no whole answer: a scripted fault cut the line.

    A server does it to its socket; an in-process transport raises a network error of its own.

    Attributes:
        how: `reset` (connection reset, nothing of the answer arrives), `cut` (part of the answer arrives)
            or `hang` (nothing arrives for `seconds`: a read timeout).
        response: The answer that a `cut` breaks off halfway; None otherwise.
        seconds: How long to `hang` before the connection is dropped.
    """

    def __init__(
        self,
        how: Literal["reset", "cut", "hang"],
        response: Response | None = None,
        seconds: float = 0.0,
    ) -> None:
        super().__init__(f"a planned fault of the emulator lost this connection ({how})")
        self.how = how
        self.response = response
        self.seconds = seconds


class Refusal(Exception):
    """The API answers with its error envelope.

    Args:
        code: The API's name for the error, such as `VALIDATION_ERROR`.
        payload: Details for programs, or None.
        status: HTTP status; 0: the code's own.
        message: Empty: the code's own.
        page: Title of a proxy's HTML page that comes in place of the envelope; empty: the envelope.
    """

    def __init__(
        self,
        code: str,
        payload: Any = None,
        *,
        status: int = 0,
        message: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
        page: str = "",
    ) -> None:
        usual_status, usual_message = CODES.get(code, (500, code))
        super().__init__(message or usual_message)
        self.status = status or usual_status
        self.code = code
        self.payload = payload
        self.headers = headers
        self.page = page

    def envelope(self, request_id: str) -> dict[str, Any]:
        """The envelope, under an id."""
        envelope = {"request_id": request_id, "code": self.code, "message": str(self)}
        return envelope if self.payload is None else {**envelope, "payload": self.payload}

    def response(self) -> Response:
        """The answer: the envelope, under a new request id; or the page."""
        if self.page:
            return html_page(self.status, self.page)
        return json_response(self.status, self.envelope(str(uuid.uuid4())), self.headers)


def dumps(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with `value` as compact JSON."""
    return raw_json_response(status, dumps(value), headers)


def raw_json_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose JSON text is ready."""
    # A lone surrogate in an item came in as an escape; as text it has no UTF-8.
    body = text.encode("utf-8", "backslashreplace")
    return Response(status, {"Content-Type": JSON_TYPE, **(headers or {})}, body)


def html_page(status: int, title: str) -> Response:
    """A page as proxies send it."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Response(status, {"Content-Type": "text/html"}, text.encode())


def too_many_requests(*, interval: str = "", retry_after: str = "") -> Refusal:
    """429, saying in either way, or not at all, when to come again."""
    payload = {"interval": interval} if interval else None
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Refusal("TOO_MANY_REQUESTS", payload, headers=headers)


def bad_parameter(name: str, code: str, message: str) -> Refusal:
    """A query parameter cannot be understood."""
    return invalid([Fault(name, code, message)])


def invalid(faults: Iterable[Fault]) -> Refusal:
    """Fields of a request are not as they should be."""
    return Refusal("VALIDATION_ERROR", field_errors(faults))


def check_none(faults: Iterable[Fault]) -> None:
    """Refuse a request for what is wrong with its fields, if anything is.

    Raises:
        Refusal: 400.
    """
    errors = field_errors(faults)
    if errors:
        raise Refusal("VALIDATION_ERROR", errors)
