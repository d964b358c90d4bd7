"""The target: where the API is, and as whom we speak to it. A token never goes where it does not belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.api.target import ENVIRONMENTS, Target, authorization, base_url
from toloka_upload.errors import UsageProblem


@pytest.mark.parametrize(
    "address",
    [
        "https://toloka.dev",
        "https://toloka.dev/",
        "https://toloka.dev/api",
        "https://toloka.dev/api/",
        "https://toloka.dev/api/v1",
        "https://toloka.dev/api/v1/",
        "HTTPS://Toloka.DEV/api/v1",
        "  https://toloka.dev\n",
        "https://toloka.dev:443",
        "https://toloka.dev./",
        "https://toloka.dev/./api/v1",
        "https://toloka.dev//api//v1",
        "https://toloka.dev/x/../api/%761",
    ],
)
def test_an_address_has_one_form(address: str) -> None:
    """With or without `/api/v1`: it is the same API, with the same journal and the same operation ids."""
    assert base_url(address) == ENVIRONMENTS["production"]


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1"),
        ("http://localhost:8080/api", "http://localhost:8080/api/v1"),
        ("http://[::1]:80/", "http://[::1]/api/v1"),
        ("https://proxy.example.com/toloka", "https://proxy.example.com/toloka/api/v1"),
        ("https://proxy.example.com/toloka/api/v1/", "https://proxy.example.com/toloka/api/v1"),
    ],
)
def test_any_address_can_be_the_api(address: str, form: str) -> None:
    """A stand-in on this machine, or a proxy with a path before the API's."""
    assert base_url(address) == form


@pytest.mark.parametrize(
    "address",
    [
        "http://toloka.dev",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1:8080",
        "http://[fe80::1]",
        "http://0.0.0.0:8080",
    ],
)
def test_plain_http_goes_no_further_than_this_machine(address: str) -> None:
    """Everybody on the way would read the token."""
    with pytest.raises(UsageProblem, match="https"):
        base_url(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "toloka.dev",
        "ftp://toloka.dev",
        "file:///etc/passwd",
        "https://",
        "https://toloka.dev:port",
        "https://toloka.dev:99999",
        "https://user:secret@toloka.dev",
        "https://toloka.dev?x=1",
        "https://toloka.dev#x",
    ],
)
def test_what_is_no_bare_address_is_refused(address: str) -> None:
    """With a sentence, never a traceback, and without repeating a password."""
    with pytest.raises(UsageProblem, match="--url") as caught:
        base_url(address)
    assert "secret" not in str(caught.value)


@given(st.text())
def test_no_address_breaks_anything(address: str) -> None:
    """Whatever comes in, an address in its one form or a refusal comes out."""
    try:
        form = base_url(address)
    except UsageProblem:
        return
    assert base_url(form) == form


def key(first: int, dots: int = 2) -> str:
    """A secret with its first dot at an index."""
    return "a" * first + ".b" * dots


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ("AQAD-0123456789", "OAuth AQAD-0123456789"),
        (key(22), f"ApiKey {key(22)}"),
        (key(23), f"ApiKey {key(23)}"),
        (key(24), f"ApiKey {key(24)}"),
        (key(21), f"OAuth {key(21)}"),
        (key(25), f"OAuth {key(25)}"),
        (key(23, 1), f"OAuth {key(23, 1)}"),
        (key(23, 3), f"OAuth {key(23, 3)}"),
        (f"OAuth {key(23)}", f"OAuth {key(23)}"),
        ("ApiKey short", "ApiKey short"),
        ("apikey  short", "ApiKey short"),
        ("  AQAD\n", "OAuth AQAD"),
    ],
)
def test_the_scheme_is_told_from_the_token(secret: str, header: str) -> None:
    """Two dots, the first at 22 to 24: an API key, as both official SDKs have it. A prefix wins."""
    assert authorization(secret) == header


@pytest.mark.parametrize("secret", ["to\nken", "tok\u00e9n", "to\x00ken", "token\r\nX-Other: 1"])
def test_what_no_header_can_carry_is_refused(secret: str) -> None:
    """A token copied with its surroundings must not become another header. It is not repeated."""
    with pytest.raises(UsageProblem, match="token") as caught:
        authorization(secret)
    assert secret not in str(caught.value)


def test_a_token_does_not_show() -> None:
    """Neither in `repr` nor in what stands for it in the state directory."""
    target = Target(ENVIRONMENTS["production"], "production", None, authorization("secret-token"))
    assert "secret-token" not in repr(target)
    assert "secret-token" not in target.fingerprint
    other = Target(ENVIRONMENTS["production"], "production", None, authorization("other-token"))
    assert target.fingerprint != other.fingerprint


def test_the_token_does_not_make_another_endpoint() -> None:
    """A renewed token meets the same journal."""
    urls = {
        Target(ENVIRONMENTS["production"], "production", None, authorization(secret)).endpoint
        for secret in ("one", "two")
    }
    assert urls == {ENVIRONMENTS["production"]}
