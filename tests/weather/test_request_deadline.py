"""A request has an end, whatever the peer does: over real sockets, with time-outs of tenths of a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from outing import MakeWeather, flat
from raw_peer import OK, Behaviour, raw_peer, read_head

from toloka_upload.api.client import Client
from toloka_upload.api.errors import AnswerLost
from toloka_upload.api.target import Target
from toloka_upload.configure import target
from toloka_upload.emulator import Emulator, Request
from toloka_upload.errors import ExitStatus

TIMEOUT = 0.2
OFTEN = 0.04


def _again_and_again(begin: bytes, part: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(begin)
        while True:
            time.sleep(OFTEN)
            connection.sendall(part)

    return behave


DRIPS: dict[str, Behaviour] = {
    "body": _again_and_again(OK + b"Content-Length: 100000\r\n\r\n{", b" "),
    "chunks": _again_and_again(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "headers": _again_and_again(OK, b"X-More: x\r\n"),
    "one header": _again_and_again(OK + b"X-Long: ", b"x"),
    "100 Continue": _again_and_again(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def _target(url: str) -> Target:
    return target("production", url, None, None, {"TOLOKA_TOKEN": "t"})


def _timed(ask: Callable[[], object]) -> tuple[AnswerLost, float]:
    began = time.monotonic()
    with pytest.raises(AnswerLost) as caught:
        ask()
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize("form", DRIPS)
def test_an_answer_that_drips_ends_with_the_time_out(form: str) -> None:
    """Each byte comes well within the time-out, and all of them never: the request ends as if none came."""
    with raw_peer(DRIPS[form]) as url:
        client = Client(_target(url), timeout=TIMEOUT)
        error, seconds = _timed(lambda: client.pool("21"))
        client.close()
    assert error.code == "TIMEOUT"
    assert "bytes sent and received" in error.message
    assert TIMEOUT <= seconds < 5 * TIMEOUT


def test_a_drip_through_a_proxy_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways through proxies keep the deadline as the direct one does: here the proxy itself drips."""
    with raw_peer(DRIPS["headers"]) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        client = Client(_target("https://api.example"), timeout=TIMEOUT)
        error, seconds = _timed(lambda: client.pool("21"))
        client.close()
    assert error.code == "TIMEOUT"
    assert seconds < 5 * TIMEOUT


def _taking(size: int, pause: float, answer: bytes) -> Behaviour:
    """Reads so many bytes at a time, with pauses; answers once all are there."""

    def behave(connection: socket.socket) -> None:
        head, _, body = read_head(connection).partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        left = length - len(body)
        while left:
            time.sleep(pause)
            left -= len(connection.recv(min(size, left)))
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer))

    return behave


def test_a_body_that_is_taken_too_slowly_ends_too() -> None:
    """What is sent makes its own time longer, and at most twelve times as long: a peer must not keep it for hours."""
    body = b" " * 50_000_000
    with raw_peer(_taking(300_000, 0.02, b"{}"), buffer=200_000) as url:
        client = Client(_target(url), timeout=0.15)
        error, seconds = _timed(lambda: client.create("tasks", body, {}))
        client.close()
    assert error.code == "TIMEOUT"
    assert error.effect
    assert seconds < 2.5


def test_patience_ends_what_moves_well() -> None:
    """While the service fails, nothing outlasts what is left of `--retry-for`, however large it is."""
    with raw_peer(_taking(300_000, 0.02, b"{}"), buffer=200_000) as url:
        client = Client(_target(url), timeout=0.2)
        client.patience = 0.4
        _, seconds = _timed(lambda: client.create("tasks", b" " * 20_000_000, {}))
        client.close()
    assert seconds < 0.8


def test_a_large_body_over_a_slow_line_arrives() -> None:
    """Several time-outs long, and never silent: honest work is not broken off."""
    body, answer = b" " * 20_000_000, b'{"id":"1"}'
    with raw_peer(_taking(400_000, 0.02, answer), buffer=200_000) as url:
        client = Client(_target(url), timeout=0.5)
        began = time.monotonic()
        assert client.create("tasks", body, {}) == {"id": "1"}
        assert time.monotonic() - began > 2 * 0.5
        client.close()


def test_a_large_answer_over_a_slow_line_arrives() -> None:
    """16 KB in 0.8 s is more than 8 KiB a second: four time-outs long, and read to its end."""

    def behave(connection: socket.socket) -> None:
        read_head(connection)
        answer = b'{"id":"21"}'.ljust(16_000)
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(answer))
        for start in range(0, len(answer), 800):
            time.sleep(OFTEN)
            connection.sendall(answer[start : start + 800])

    with raw_peer(behave) as url:
        client = Client(_target(url), timeout=TIMEOUT)
        assert client.pool("21") == {"id": "21"}
        client.close()


def test_each_request_of_a_connection_has_its_own_time() -> None:
    """A connection that is used again does not carry over what the request before it used up."""

    def behave(connection: socket.socket) -> None:
        for _ in range(4):
            read_head(connection)
            time.sleep(0.6 * TIMEOUT)
            connection.sendall(OK + b'Content-Length: 11\r\n\r\n{"id":"21"}')

    with raw_peer(behave) as url:
        client = Client(_target(url), timeout=TIMEOUT)
        for _ in range(4):
            assert client.pool("21")["id"] == "21"
        client.close()


@pytest.mark.parametrize("form", DRIPS)
def test_a_run_ends_with_time_out_and_patience(weather: MakeWeather, form: str) -> None:
    """A service whose answers all drip is given up with 75: after one time-out, and `--retry-for` from then on."""
    with raw_peer(DRIPS[form]) as url:
        run = weather().upload(flat(10), url=url, timeout=TIMEOUT, retry_for=0.6)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < TIMEOUT + 0.6 + 1.5


def _dripping_after_the_work(emulator: Emulator) -> Behaviour:
    """An API whose answers to creating requests drip, once the work is done."""

    def behave(connection: socket.socket) -> None:
        head, _, body = read_head(connection).partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {
            name.lower(): value for name, value in (field.split(": ", 1) for field in fields)
        }
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        method, address, _ = line.split()
        path, _, query = address.partition("?")
        answer = emulator.handle(Request(method, path, dict(parse_qsl(query)), headers, body))
        connection.sendall(
            b"HTTP/1.1 %d OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            % (answer.status, len(answer.body))
        )
        for at in range(len(answer.body)) if method == "POST" else ():
            time.sleep(OFTEN)
            connection.sendall(answer.body[at : at + 1])
        connection.sendall(answer.body if method != "POST" else b"")

    return behave


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_work_whose_answer_drips_is_found(weather: MakeWeather, mode: str) -> None:
    """The answer is given up in time, and the rows are looked for: each is there once."""
    here = weather()
    with raw_peer(_dripping_after_the_work(here.server.emulator)) as url:
        address = f"{url}/api/v1"
        run = here.upload(
            flat(20), url=address, mode=mode, timeout=TIMEOUT, retry_for=5.0, settle_pause=0.1
        )
    assert run.has_each_row_once()
    assert run.report.seconds < 4
