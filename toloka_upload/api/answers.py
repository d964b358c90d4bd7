"""The one door from the wire: every answer becomes a parsed value or a typed error. Knows nothing of httpx."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from toloka_upload.api.errors import (
    AccessDenied,
    AnswerLost,
    ApiError,
    Busy,
    ForeignAnswer,
    ForeignDenial,
    InvalidItems,
    NotFound,
    OperationExists,
    RateLimited,
    RequestRefused,
    ServerFailed,
    TooLarge,
)
from toloka_upload.api.json_pieces import pieces
from toloka_upload.rows.model import Fault

SIZE_CODES = frozenset(
    {
        "ENTITY_TOO_LARGE",
        "OBJECT_SIZE_BYTES_GREATER_THAN_MAX",
        "BATCH_INITIALIZATION_ERROR",
        "BATCH_REJECTED",
    }
)
"""Codes that say "too large", wherever they turn up (API reference; SDKs): smaller pieces may pass."""

_BUSY_CODES = frozenset({"POOL_LOCKED_BY_ANOTHER_OPERATION", "CONFLICT_STATE"})
_STATUS_CODES = frozenset({"INAPPROPRIATE_STATUS", "POOL_INAPPROPRIATE_STATUS"})
MOST_LEVELS = 20
"""Of a map of faults: there are three at most (envelope, item, field). An answer may have a thousand."""
_SHOWN = 200
_MOST_DIGITS = 9
"""Of an index. No request has that many items, and Python reads no number of thousands of digits."""


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray


def read(answer: Answer, request: str) -> Any:
    """
    The parsed body of a 2xx answer; None where the body is empty.

    Args:
        answer: What came back.
        request: Method and path, for messages.

    Raises:
        ApiError: The subclass says what it was. A 2xx answer whose body is no JSON is `AnswerLost`:
            the work may be done.
    """
    if not 200 <= answer.status < 300:
        raise _error(answer, request)
    if not answer.body or answer.body.isspace():
        return None
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise _no_json(answer, request) from None


def read_entries(answer: Answer, request: str) -> Iterator[list[dict[str, Any]]]:
    """
    The entries of an operation's log, some at a time.

    Raises:
        ApiError: As `read`; `AnswerLost` too where it is no log. Also after some entries.
    """
    if not 200 <= answer.status < 300:
        raise _error(answer, request)
    try:
        for piece in pieces(answer.body):
            if not isinstance(piece, list) or not {dict}.issuperset(map(type, piece)):
                raise AnswerLost(
                    "BAD_ANSWER", "the answer is not an operation log", request=request
                )
            yield piece
    except orjson.JSONDecodeError:
        raise _no_json(answer, request) from None


class ListingPage(NamedTuple):
    """A page of a listing: its items a piece at a time, its bytes, and whether there are more, if it says so."""

    pieces: Iterator[list[dict[str, Any]]]
    size: int
    more: bool | None


def read_page(answer: Answer, request: str) -> ListingPage:
    """
    A page of a listing.

    Raises:
        ApiError: As `read`; `AnswerLost` too where it is no listing. The pieces raise it as well.
    """
    body, head = answer.body, b'{"items":'
    end = body.rfind(b"]") + 1
    if not 200 <= answer.status < 300 or not body.startswith(head + b"[") or not end:
        value = read(answer, request)
        items = value.get("items") if isinstance(value, dict) else None
        if not isinstance(items, list):
            raise _no_listing(request)
        return ListingPage(_items(iter([items]), answer, request), len(body), _more(value))
    try:
        rest = orjson.loads(head + b"null" + body[end:])
    except orjson.JSONDecodeError:
        raise _no_json(answer, request) from None
    items_of = pieces(body[len(head) : end])
    return ListingPage(_items(items_of, answer, request), len(body), _more(rest))


def _more(page: dict[str, Any]) -> bool | None:
    more = page.get("has_more")
    return more if isinstance(more, bool) else None


def _items(found: Iterator[Any], answer: Answer, request: str) -> Iterator[list[dict[str, Any]]]:
    try:
        for piece in found:
            if not all(
                isinstance(item, dict) and isinstance(item.get("id"), str) for item in piece
            ):
                raise _no_listing(request)
            yield piece
    except orjson.JSONDecodeError:
        raise _no_json(answer, request) from None


def _no_listing(request: str) -> AnswerLost:
    return AnswerLost("BAD_ANSWER", "the answer is not a listing", request=request)


def _no_json(answer: Answer, request: str) -> AnswerLost:
    return AnswerLost(
        "BAD_ANSWER",
        f"the answer is not JSON: {_excerpt(answer.body)}",
        status=answer.status,
        request=request,
    )


def _error(answer: Answer, request: str) -> ApiError:
    envelope = _envelope(answer.body)
    code = envelope.get("code")
    message = envelope.get("message")
    payload = envelope.get("payload")
    request_id = envelope.get("request_id")
    own_code = code if isinstance(code, str) else None
    code = own_code or f"HTTP_{answer.status}"
    kind = _class(answer.status, code, payload)
    if own_code is None and request.startswith("POST"):
        kind = _FOREIGN.get(kind, kind)
    return kind(
        code,
        message if isinstance(message, str) else _excerpt(answer.body),
        status=answer.status,
        request_id=request_id if isinstance(request_id, str) else None,
        payload=payload,
        retry_after=answer.headers.get("retry-after"),
        date=answer.headers.get("date"),
        request=request,
    )


_FOREIGN: Mapping[type[ApiError], type[ApiError]] = {
    NotFound: ForeignAnswer,
    RequestRefused: ForeignAnswer,
    Busy: ForeignAnswer,
    AccessDenied: ForeignDenial,
}
"""What a refusal is taken for where it does not have the API's own form."""


def _class(status: int, code: str, payload: Any) -> type[ApiError]:
    if code == "OPERATION_ALREADY_EXISTS":
        return OperationExists
    if status == 413 or code in SIZE_CODES:
        return TooLarge
    if status == 429:
        return RateLimited
    if status == 408 or status >= 500:
        return ServerFailed
    if status in (401, 403):
        return AccessDenied
    if status == 404:
        return NotFound
    if status == 409:
        return _conflict(code, payload)
    if status == 400 and (
        code in ("VALIDATION_ERROR", "TASK_VALIDATION_ERROR") or _item_faults(payload)
    ):
        return InvalidItems
    return RequestRefused


def _conflict(code: str, payload: Any) -> type[ApiError]:
    if code in _BUSY_CODES:
        return Busy
    if code in _STATUS_CODES:
        # The payload lists the statuses that would do. A pool that is locked or closed for an update comes back.
        current = payload.get("status") if isinstance(payload, Mapping) else None
        return Busy if current == "LOCKED" else RequestRefused
    if code.startswith("HTTP_"):
        return Busy
    return RequestRefused


def _envelope(body: bytes | bytearray) -> Mapping[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _excerpt(body: bytes | bytearray) -> str:
    text = " ".join(body[: _SHOWN * 4].decode("utf-8", "replace").split())
    if not text:
        return "empty answer"
    page = re.search("<title>(.*?)</title>", text, re.IGNORECASE)
    if page:
        return f"a web page, {page[1].strip()!r}"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def faults_of(output: Any, levels: int = MOST_LEVELS) -> list[Fault]:
    """
    The faults of one item, from a log entry's `output` or one item of `validation_errors`.

    Both shapes are read: a map of fields to `{code, message}`, and an envelope `{code, message, payload}` around such a
    map or without one. A string under `code` tells the envelope. What is nested deeper than `levels` is not read.
    """
    if not isinstance(output, Mapping) or not levels:
        return []
    code = output.get("code")
    if isinstance(code, str):
        inner = faults_of(output.get("payload"), levels - 1)
        return inner or [Fault("", code, _text(output.get("message")))]
    found = []
    for field, error in output.items():
        if not isinstance(error, Mapping):
            continue
        code = error.get("code")
        if isinstance(code, str):
            found.append(Fault(str(field), code, _text(error.get("message"))))
        else:
            found += [
                Fault(f"{field}.{inner.field}", inner.code, inner.message)
                for inner in faults_of(error, levels - 1)
            ]
    return found


def faults_by_item(payload: Any, items: int) -> dict[int, list[Fault]]:
    """
    The faults of a refused request by the item's index, from the payload of a 400.

    Nested (`{"1": {"input_values.x": {...}}}`) and flat (`{"1.input_values.x": {...}}`) payloads are read; an index
    out of range is no index. A map of fields without any index is given to the only item of a request of one; otherwise
    the result is empty, and the caller has to find the item.
    """
    found = _item_faults(payload)
    if found and all(0 <= index < items for index in found):
        return found
    return {0: faults_of(payload)} if items == 1 and faults_of(payload) else {}


def _item_faults(payload: Any) -> dict[int, list[Fault]]:
    if not isinstance(payload, Mapping):
        return {}
    found: dict[int, list[Fault]] = {}
    for key, error in payload.items():
        index, _, field = str(key).partition(".")
        if not is_index(index) or not isinstance(error, Mapping):
            return {}
        faults = faults_of({field: error}) if field else faults_of(error)
        if not faults:
            return {}
        found.setdefault(int(index), []).extend(faults)
    return found


def is_index(key: str) -> bool:
    """Whether a key of an answer's map is an item's index."""
    return key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
