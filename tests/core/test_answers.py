"""The one door from the wire: every answer becomes a value, or an error that knows what it means."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.api.answers import Answer, faults_by_item, faults_of, is_index, read
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
from toloka_upload.errors import Denied, Refused, TryAgain, UploadError
from toloka_upload.rows.model import Fault

HTML = b"<html><body>502 Bad Gateway</body></html>"


def envelope(code: str, message: str = "told", **rest: Any) -> bytes:
    """An error as the API writes it."""
    return orjson.dumps({"request_id": "r-1", "code": code, "message": message, **rest})


def error(status: int, body: bytes = b"", **headers: str) -> ApiError:
    """The error that an answer becomes."""
    with pytest.raises(ApiError) as caught:
        read(Answer(status, headers, body), "POST /tasks")
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_json_is_its_value(status: int) -> None:
    """The documents disagree on the status: the shape decides, elsewhere."""
    assert read(Answer(status, {}, b'{"id":"1"}'), "POST /tasks") == {"id": "1"}


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_2xx_is_none(body: bytes) -> None:
    """A pool that is open already answers 204 with nothing."""
    assert read(Answer(204, {}, body), "POST /pools/21/open") is None


@pytest.mark.parametrize("body", [HTML, b'{"id":', b'{"id":NaN}', b"\xff", b'{"a":"\xff"}'])
def test_a_2xx_that_cannot_be_read_may_have_had_its_effect(body: bytes) -> None:
    """The work may be done: never sent again without asking."""
    lost = error(201, body)
    assert type(lost) is AnswerLost
    assert (lost.passes, lost.effect) == (True, True)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, envelope("VALIDATION_ERROR"), InvalidItems),
        (400, envelope("TASK_VALIDATION_ERROR"), InvalidItems),
        (400, envelope("X", payload={"0": {"input_values.a": {"code": "C"}}}), InvalidItems),
        (400, envelope("TASKS_CREATION_DOES_NOT_FIT_QUOTA"), RequestRefused),
        (400, envelope("OBJECT_SIZE_BYTES_GREATER_THAN_MAX"), TooLarge),
        (400, HTML, ForeignAnswer),
        (401, b"", ForeignDenial),
        (401, envelope("AUTHENTICATION_ERROR"), AccessDenied),
        (403, envelope("ACCESS_DENIED"), AccessDenied),
        (404, envelope("DOES_NOT_EXIST"), NotFound),
        (404, HTML, ForeignAnswer),
        (418, HTML, ForeignAnswer),
        (403, HTML, ForeignDenial),
        (405, envelope("METHOD_NOT_ALLOWED"), RequestRefused),
        (415, envelope("UNSUPPORTED_MEDIA_TYPE"), RequestRefused),
        (301, HTML, ForeignAnswer),
        (408, b"", ServerFailed),
        (409, envelope("OPERATION_ALREADY_EXISTS"), OperationExists),
        (409, envelope("POOL_LOCKED_BY_ANOTHER_OPERATION"), Busy),
        (409, envelope("CONFLICT_STATE"), Busy),
        (409, HTML, ForeignAnswer),
        (409, envelope("INAPPROPRIATE_STATUS", payload={"status": "LOCKED"}), Busy),
        (409, envelope("INAPPROPRIATE_STATUS"), RequestRefused),
        (409, envelope("POOL_TASKS_COUNT_EXCEEDED"), RequestRefused),
        (413, envelope("ENTITY_TOO_LARGE"), TooLarge),
        (413, HTML, TooLarge),
        (413, b"", TooLarge),
        (429, b"", RateLimited),
        (429, envelope("TOO_MANY_REQUESTS"), RateLimited),
        (500, b"", ServerFailed),
        (500, envelope("INTERNAL_ERROR"), ServerFailed),
        (502, HTML, ServerFailed),
        (503, envelope("REMOTE_SERVICE_UNAVAILABLE"), ServerFailed),
        (504, HTML, ServerFailed),
        (507, b"", ServerFailed),
    ],
)
def test_every_status_has_its_meaning(status: int, body: bytes, kind: type[ApiError]) -> None:
    """Codes decide before statuses where the documents know them."""
    assert type(error(status, body)) is kind


@given(st.integers(300, 599), st.binary(max_size=40))
def test_any_other_answer_is_some_error(status: int, body: bytes) -> None:
    """No body makes the door fail, and what has no form of the API says nothing about the work.

    A 413 and a 429 are believed from anyone: who says so has not passed the request on.
    """
    found = error(status, body)
    assert found.effect == (status not in (413, 429))
    assert str(found).startswith("POST /tasks: HTTP ")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "message", "payload", "request_id", "0", "1.a"]), inner
            )
        ),
    ),
    st.sampled_from([400, 409, 429, 500]),
)
def test_an_envelope_of_any_shape_is_read(body: Any, status: int) -> None:
    """Wrong types inside of an error become no error of ours."""
    try:
        data = orjson.dumps(body)
    except orjson.JSONEncodeError:
        return
    found = error(status, data)
    assert isinstance(found.code, str)
    assert isinstance(found.message, str)
    faults_by_item(found.payload, 3)
    faults_of(found.payload)


def test_an_error_keeps_what_support_and_retry_need() -> None:
    """Code, message, request id, payload, Retry-After with the server's own time."""
    headers = {"retry-after": "7", "date": "Sat, 21 Nov 2026 19:00:00 GMT"}
    body = envelope("TOO_MANY_REQUESTS", payload={"interval": "MIN"})
    with pytest.raises(RateLimited) as caught:
        read(Answer(429, headers, body), "POST /tasks")
    found = caught.value
    assert (found.code, found.message, found.request_id) == ("TOO_MANY_REQUESTS", "told", "r-1")
    assert (found.retry_after, found.date, found.interval) == ("7", headers["date"], "MIN")
    assert str(found) == "POST /tasks: HTTP 429 TOO_MANY_REQUESTS: told (request_id r-1)"


@pytest.mark.parametrize("payload", [None, [], {}, {"interval": 3}])
def test_a_429_may_not_say_which_quota(payload: Any) -> None:
    """Then there is no interval."""
    found = error(429, envelope("TOO_MANY_REQUESTS", payload=payload))
    assert isinstance(found, RateLimited)
    assert found.interval is None


def test_a_page_of_a_proxy_is_quoted_in_short() -> None:
    """Status and the first bytes, on one line."""
    found = error(502, b"<html>\n<h1>Bad  Gateway</h1>" + b"x" * 10_000)
    assert found.code == "HTTP_502"
    assert found.message.startswith("<html> <h1>Bad Gateway</h1>xxx")
    assert len(found.message) <= 201


@pytest.mark.parametrize(
    ("status", "code", "ending", "remedy"),
    [
        (401, "AUTHENTICATION_ERROR", Denied, "TOLOKA_TOKEN"),
        (403, "ACCESS_DENIED", Denied, "--env"),
        (404, "DOES_NOT_EXIST", Refused, "--env"),
        (503, "REMOTE_SERVICE_UNAVAILABLE", TryAgain, "again"),
        (429, "TOO_MANY_REQUESTS", TryAgain, "again"),
        (409, "CONFLICT_STATE", TryAgain, "again"),
        (400, "TASKS_CREATION_DOES_NOT_FIT_QUOTA", Refused, "quota"),
        (400, "POOL_TASKS_COUNT_EXCEEDED", Refused, "make another"),
        (409, "MIXER_CONFIG_REQUIRED", Refused, "--suite-size"),
        (400, "SOMETHING_NEW", Refused, ""),
    ],
)
def test_an_error_that_ends_a_run_says_what_to_do(
    status: int, code: str, ending: type[UploadError], remedy: str
) -> None:
    """With the exit status that belongs to it, the API's code and the request id."""
    ended = error(status, envelope(code)).as_upload_error()
    assert type(ended) is ending
    assert remedy in str(ended)
    assert (ended.code, ended.request_id) == (code, "r-1")


# Faults of items.

IMAGE = Fault("input_values.image", "VALUE_REQUIRED", "May not be null")
IMAGE_FIELD = {"input_values.image": {"code": "VALUE_REQUIRED", "message": "May not be null"}}


@pytest.mark.parametrize(
    ("output", "faults"),
    [
        (IMAGE_FIELD, [IMAGE]),
        ({"code": "VALIDATION_ERROR", "message": "bad", "payload": IMAGE_FIELD}, [IMAGE]),
        (
            {"code": "INTERNAL_ERROR", "message": "oops", "request_id": "ao_1"},
            [Fault("", "INTERNAL_ERROR", "oops")],
        ),
        ({"code": "X", "payload": None}, [Fault("", "X", "")]),
        (
            {"code": {"code": "VALUE_REQUIRED", "message": "m"}},
            [Fault("code", "VALUE_REQUIRED", "m")],
        ),
        ({"tasks.0": IMAGE_FIELD}, [IMAGE._replace(field="tasks.0.input_values.image")]),
        ({"a": {"code": 7}}, []),
        ({"a": "b"}, []),
        ({}, []),
        (None, []),
        ("text", []),
        ([IMAGE_FIELD], []),
    ],
)
def test_a_logs_failure_is_read_in_both_shapes(output: Any, faults: list[Fault]) -> None:
    """A flat map of fields, or an envelope around one; a field may even be called `code`."""
    assert faults_of(output) == faults


def test_the_three_shapes_of_a_refused_batch_are_read() -> None:
    """Nested by index, flat with the index in the path, or without any index for a request of one item."""
    nested = {"1": IMAGE_FIELD, "2": IMAGE_FIELD}
    flat = {f"{index}.{IMAGE.field}": IMAGE_FIELD[IMAGE.field] for index in (1, 2)}
    assert faults_by_item(nested, 3) == {1: [IMAGE], 2: [IMAGE]}
    assert faults_by_item(flat, 3) == {1: [IMAGE], 2: [IMAGE]}
    assert faults_by_item(IMAGE_FIELD, 1) == {0: [IMAGE]}


@pytest.mark.parametrize(
    "payload", [IMAGE_FIELD, {"3": IMAGE_FIELD}, {"-1": IMAGE_FIELD}, {"0": "text"}, None, {}, []]
)
def test_without_an_index_that_can_be_no_item_is_blamed(payload: Any) -> None:
    """The caller has to find the item: blaming a wrong row would lose a good one."""
    assert faults_by_item(payload, 3) == {}


def test_a_suites_faults_keep_the_tasks_index() -> None:
    """`0.tasks.1.…` is the second task of the first suite."""
    payload = {f"0.tasks.1.{IMAGE.field}": IMAGE_FIELD[IMAGE.field]}
    assert faults_by_item(payload, 2) == {0: [IMAGE._replace(field=f"tasks.1.{IMAGE.field}")]}


def deep(levels: int) -> dict[str, Any]:
    """An object in an object, and so on, and a fault at the bottom."""
    value: dict[str, Any] = {"code": "X", "message": "m"}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_an_index_of_thousands_of_digits_is_none() -> None:
    """Python reads no such number: the payload is one without any index, and the items are looked for."""
    payload = {"9" * 5000: {"input_values.image": {"code": "X", "message": "m"}}}
    assert not is_index("9" * 5000)
    assert is_index("12")
    assert faults_by_item(payload, 3) == {}
    assert faults_by_item(payload, 1)[0][0].code == "X"


@pytest.mark.parametrize("levels", [20, 21, 985, 5000])
def test_faults_at_any_depth_are_read_or_left_out(levels: int) -> None:
    """However deep an answer is nested, reading it does not fail."""
    found = faults_of(deep(levels))
    assert [fault.code for fault in found] == (["X"] if levels <= 20 else [])
