"""The token never comes back: what a server echoes is kept and shown without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from toloka_upload.api.client import Client
from toloka_upload.api.errors import ApiError
from toloka_upload.api.target import Target

TOKEN = "AQAD-secret-0123456789"


def client(status: int, body: Any) -> Client:
    """A client whose server answers everything with this."""

    def handler(*_: object) -> tuple[int, Mapping[str, str], bytes]:
        return status, {}, orjson.dumps(body)

    target = Target("http://127.0.0.1:9/api/v1", "custom", authorization=f"OAuth {TOKEN}")
    return Client(target, handler=handler)


@pytest.mark.parametrize(
    "body",
    [
        {"code": f"BAD_{TOKEN}", "message": f"Bearer {TOKEN}?", "request_id": TOKEN},
        {"code": "X", "message": "m", "payload": {"0": {TOKEN: {"code": TOKEN, "message": TOKEN}}}},
        f"OAuth {TOKEN} is wrong",
    ],
)
def test_an_error_does_not_echo_it(body: Any) -> None:
    """In no part of it, nor in what is chained to it."""
    with pytest.raises(ApiError) as caught:
        client(400, body).pool("21")
    error = caught.value
    shown = [str(error), error.message, error.code, str(error.request_id), repr(error.payload)]
    shown += [repr(error), repr(error.__cause__), str(error.as_upload_error())]
    assert not any(TOKEN in text for text in shown)
    assert any("[token]" in text for text in shown)


def test_names_log_and_faults_do_not_echo_it() -> None:
    """A pool's name, an entry's output, faults of a synchronous request; a row's own input is left as it is."""
    assert client(200, {"private_name": TOKEN}).pool("21") == {"private_name": "[token]"}
    entry = {"input": {"input_values": {"x": TOKEN}}, "output": {"x": {"message": TOKEN}}}
    (read,) = client(200, [entry]).operation_log("op")
    assert read == {"input": entry["input"], "output": {"x": {"message": "[token]"}}}
    answer = client(200, {"validation_errors": {"0": {"x": TOKEN}}}).create("tasks", b"[]", {})
    assert TOKEN not in str(answer)


def test_a_token_too_short_to_be_one_changes_nothing() -> None:
    """`test` would be found in many a word."""
    target = Target("http://127.0.0.1:9/api/v1", "custom", authorization="OAuth test")
    short = Client(target, handler=lambda *_: (200, {}, b'{"private_name": "test"}'))
    assert short.pool("21") == {"private_name": "test"}
