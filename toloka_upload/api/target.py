"""Where the API is, and as whom we speak to it."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from toloka_upload.errors import Denied, UsageProblem

ENVIRONMENTS = {
    "production": "https://toloka.dev/api/v1",
    "sandbox": "https://sandbox.toloka.dev/api/v1",
    "yandex-tasks": "https://tasks.yandex.ru/api/v1",
    "local": "http://local.invalid/api/v1",
}
"""Base addresses by name. `local` is the emulator inside this process: its address is never looked up."""


@dataclass(frozen=True, slots=True)
class Target:
    """An API address and the credentials for it.

    Attributes:
        url: The base address, with `/api/v1` and without a slash at its end.
        env: The environment's name, or `custom` where only an address was given.
        account: The requester in whose name we act (`X-Act-Under-Account-ID`), or None.
        authorization: The whole `Authorization` header, or None. It is not shown by `repr`.
    """

    url: str
    env: str
    account: str | None = None
    authorization: str | None = field(default=None, repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this machine."""
        return self.env == "local" or _loopback(urlsplit(self.url).hostname or "")

    @property
    def fingerprint(self) -> str:
        """A short digest that stands for the token where the token itself must not be."""
        return hashlib.sha256((self.authorization or "").encode()).hexdigest()[:16]

    @property
    def endpoint(self) -> str:
        """What tells one API from another, in the journal and in operation ids."""
        return "local" if self.env == "local" else self.url

    @property
    def shown(self) -> str:
        """What to call it in messages."""
        return shown(self.env, self.url)


def require_token(target: Target) -> None:
    """
    Notice that there is no token before anything is asked.

    Raises:
        Denied: There is none, and the API is not the one inside this process.
    """
    if target.env != "local" and not target.authorization:
        raise Denied(
            "There is no token. Put it into TOLOKA_TOKEN, or into a file named by --token-file "
            "(--env local needs none).",
            code="TOKEN_MISSING",
        )


def shown(env: str, url: str) -> str:
    """What to call an API in messages: the environment's name, or an address that is not the environment's."""
    return env if url in (ENVIRONMENTS.get(env), "") else url


def base_url(address: str) -> str:
    """
    Bring an API address to its one form: with `/api/v1`, without a slash at the end, scheme and host in lower case.

    A port that goes without saying and detours in the path (`/./`, `//`, `%61`) are left out.

    Raises:
        UsageProblem: It is no http(s) address, it carries credentials, or it is plain http to another machine.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError as error:
        raise UsageProblem(f"--url {address!r} is not an http or https address: {error}.") from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UsageProblem(f"--url {address!r} is not an http or https address.")
    if port == 0 or " " in parts.hostname or not address.strip().isprintable():
        raise UsageProblem(f"--url {address!r} has characters or a port that no address has.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageProblem("--url takes a bare address: no user, password, query or fragment.")
    host = parts.hostname.lower().rstrip(".")
    with contextlib.suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    if parts.scheme.lower() == "http" and not _loopback(host):
        raise UsageProblem(
            f"--url {address}: plain http would show the token to the network. Use https "
            "(plain http is for an emulator on this machine)."
        )
    shown = f"[{host}]" if ":" in host else host
    path = _plain_path(parts.path)
    if port == (443 if parts.scheme.lower() == "https" else 80):
        port = None
    if not path.endswith("/api/v1"):
        path += "/v1" if path.endswith("/api") else "/api/v1"
    return f"{parts.scheme.lower()}://{shown}{f':{port}' if port else ''}{path}"


def _plain_path(path: str) -> str:
    """A path in its one form: no `.`, no `..`, no empty parts, nothing written as % that need not be."""
    parts: list[str] = []
    for part in quote(unquote(path), safe="/~").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "".join(f"/{part}" for part in parts)


def authorization(secret: str) -> str:
    """
    The `Authorization` header for a token.

    An explicit `OAuth ` or `ApiKey ` wins; else exactly two dots, the first at index 22 to 24, tell an API key
    (as both official SDKs do).

    Raises:
        UsageProblem: The token cannot be sent in a header.
    """
    secret = secret.strip()
    if not secret.isascii() or not secret.isprintable():
        raise UsageProblem(
            "The token has characters that no token has. Was it copied whole, and only it?"
        )
    scheme, _, rest = secret.partition(" ")
    if scheme.lower() in ("oauth", "apikey") and rest.strip():
        return f"{'OAuth' if scheme.lower() == 'oauth' else 'ApiKey'} {rest.strip()}"
    is_key = secret.count(".") == 2 and secret.index(".") in (22, 23, 24)
    return f"{'ApiKey' if is_key else 'OAuth'} {secret}"


def requester(account: str) -> str:
    """
    The requester to act for, as a header can carry it.

    Raises:
        UsageProblem: It cannot be a requester's id.
    """
    account = account.strip()
    if not account or not account.isascii() or not account.isprintable():
        raise UsageProblem(f"--account {account!r} is no requester's id.")
    return account


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
