"""Why no answer came, in words that name the place."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from toloka_upload.api.network import why_silent


def chained(inner: BaseException) -> BaseException:
    """An error as httpx raises it: from one of httpcore's, from the system's."""
    try:
        try:
            try:
                raise inner
            except OSError as error:
                raise RuntimeError(str(error)) from error
        except RuntimeError as error:
            raise httpx.ConnectError(str(error)) from error
    except httpx.ConnectError as error:
        return error


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot resolve api.example"),
        (ConnectionRefusedError(111, "Connection refused"), "api.example refuses connections"),
        (TimeoutError("timed out"), "no answer from api.example"),
        (ConnectionResetError(104, "reset"), "the connection to api.example broke"),
        (
            OSError(101, "Network is unreachable"),
            "no connection to api.example: network is unreachable",
        ),
        (ssl.SSLError(1, "[SSL] bad"), "no secure connection to api.example: [SSL] bad"),
    ],
)
def test_silence_is_told_with_its_cause(inner: OSError, words: str) -> None:
    """From the innermost cause: the outer ones only repeat its text."""
    assert why_silent(chained(inner), "api.example").startswith(words)


def test_a_silence_without_a_cause_is_told_as_it_is() -> None:
    """What the library says, or else what it is called."""
    assert why_silent(httpx.RemoteProtocolError("no end"), "a:1") == "no answer from a:1: no end"
    assert why_silent(httpx.ReadError(""), "a:1") == "no answer from a:1: ReadError"
