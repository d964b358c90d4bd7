"""The token never comes back: what a server echoes is kept and shown without it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from toloka_upload.api.client import Client
from toloka_upload.api.errors import ApiError
from toloka_upload.api.target import Target
from toloka_upload.cli.bug import report_bug
from toloka_upload.configure import target

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


def short(body: Any, status: int = 200) -> Client:
    """The client of somebody whose token is `test`."""
    target = Target("http://127.0.0.1:9/api/v1", "custom", authorization="OAuth test")
    return Client(target, handler=lambda *_: (status, {}, orjson.dumps(body)))


def test_a_short_token_is_taken_out_of_prose_where_it_stands_by_itself() -> None:
    """`test` is found in many a word, and in many a value that the program works with."""
    assert short({"private_name": "test"}).pool("21") == {"private_name": "test"}
    body = {"code": "test", "message": "tested: OAuth test, 'test' is no token, contest, test-1"}
    with pytest.raises(ApiError) as caught:
        short({**body, "payload": {"test": {"code": "X", "message": "no test"}}}, 400).pool("21")
    error = caught.value
    assert error.message == "tested: OAuth [token], '[token]' is no token, contest, test-1"
    assert error.payload == {"test": {"code": "X", "message": "no [token]"}}
    assert error.code == "test"


def test_a_report_about_an_error_of_ours_has_no_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the message on the terminal nor the file, however short the token and wherever it came from."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for secret in (f"ApiKey {TOKEN}", "s3cr3t"):
        target("production", None, None, None, {"TOLOKA_TOKEN": secret})
    try:
        raise ValueError(f"header 'OAuth {TOKEN}' and s3cr3t are odd")
    except ValueError as error:
        problem = report_bug(error, ["--token-command", f"echo {TOKEN}"])
    (file,) = tmp_path.glob("toloka-upload-bug-*")
    for text in (str(problem), file.read_text().partition("raise ValueError")[0]):
        assert TOKEN not in text
    assert "'OAuth [token]' and [token] are odd" in str(problem)
    assert "'OAuth [token]' and [token] are odd" in file.read_text()
    assert TOKEN not in file.read_text()
