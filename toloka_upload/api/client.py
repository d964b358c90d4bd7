"""The API over blocking httpx: one method a call. The only module that imports httpx.

Nothing is retried here and nothing is remembered: what to do about an error is the caller's. Every method may raise any
`ApiError`. A client may be used by several threads at once.
"""

from __future__ import annotations

import itertools
import math
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from toloka_upload._version import __version__
from toloka_upload.api.answers import Answer, ListingPage, read, read_entries, read_page
from toloka_upload.api.deadline import Deadline, OutOfTime, TimedNetwork, within
from toloka_upload.api.errors import AnswerLost, ApiError, ConnectionFailed
from toloka_upload.api.network import check_proxies, tls_context, why_silent
from toloka_upload.api.redaction import Redaction
from toloka_upload.api.target import Target
from toloka_upload.api.unpacking import ACCEPTED, Unusable, unpacked
from toloka_upload.errors import UsageProblem

Handler = Callable[
    [str, str, Mapping[str, str], Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]
]
"""(method, path, query, headers, body) → (status, headers, body): an API inside this process."""

CONNECT_SECONDS = 10.0
PAGE = 300
"""Items a listing gives at once at most (API reference)."""
MOST_ANSWER_BYTES = 128 * 1024 * 1024
"""An answer longer than this is broken off. The log of 10,000 tasks has some 10 MB."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A background job of the API. `details` are its counters, each of which may be missing."""

    id: str
    type: str
    status: str
    progress: int | None
    details: Mapping[str, int]
    submitted: str | None

    @property
    def finished(self) -> bool:
        """Whether the status is final. A status we do not know is not."""
        return self.status in ("SUCCESS", "FAIL")

    @classmethod
    def of(cls, value: Any, request: str) -> Operation:
        """Read an operation; raise `AnswerLost` where the answer is none."""
        if not (
            isinstance(value, dict)
            and isinstance(value.get("id"), str)
            and isinstance(value.get("status"), str)
        ):
            raise AnswerLost("BAD_ANSWER", "the answer is not an operation", request=request)
        details = value.get("details")
        progress = value.get("progress")
        submitted = value.get("submitted")
        return cls(
            id=value["id"],
            type=str(value.get("type", "")),
            status=value["status"],
            progress=progress if isinstance(progress, int) else None,
            details={key: count for key, count in details.items() if isinstance(count, int)}
            if isinstance(details, dict)
            else {},
            submitted=submitted if isinstance(submitted, str) else None,
        )


class Client:
    """The API at one address, with one token.

    Args:
        target: Where, and as whom.
        timeout: Seconds without a byte after which a request is given up; `Deadline` says how long it may take in all.
        handler: An API inside this process that takes the place of the network.

    Raises:
        UsageProblem: The address, or a proxy that the environment names, cannot be used.
        NoInput: The certificates cannot be read.

    Attributes:
        requests: HTTP requests made so far, by whomever.
        timeout: May be changed at any time; it holds for requests that begin later.
        patience: Seconds that such a request may take at most, however large it is.
    """

    def __init__(
        self, target: Target, *, timeout: float = 60.0, handler: Handler | None = None
    ) -> None:
        headers = {
            "User-Agent": f"toloka-upload/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED,
        }
        if target.authorization:
            headers["Authorization"] = target.authorization
        if target.account:
            headers["X-Act-Under-Account-ID"] = target.account
        self._base = target.url
        self._redaction = Redaction(target.authorization)
        self._http = _http(target, headers, _InProcess(handler) if handler else None)
        self._count = itertools.count(1)
        self.requests = 0
        self.timeout = timeout
        self.patience = math.inf

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def requester(self) -> dict[str, Any]:
        """The requester whose token it is, with the balance where that may be seen."""
        return self._object("GET", "/requester")

    def pool(self, pool: str) -> dict[str, Any]:
        """The pool, as the API describes it."""
        return self._described(f"/pools/{_id(pool)}")

    def training(self, training: str) -> dict[str, Any]:
        """The training, as the API describes it."""
        return self._described(f"/trainings/{_id(training)}")

    def project(self, project: str) -> dict[str, Any]:
        """The project, as the API describes it."""
        return self._described(f"/projects/{_id(project)}")

    def create(self, kind: str, body: bytes, parameters: Mapping[str, str]) -> Any:
        """Create the items of `body`, a JSON array; `kind` is `tasks` or `task-suites`. Return the answer parsed."""
        value = self._request("POST", f"/{kind}", parameters, body)
        if isinstance(value, dict) and "validation_errors" in value:
            value["validation_errors"] = self._redaction.value(value["validation_errors"])
        return value

    def create_operation(self, kind: str, body: bytes, parameters: Mapping[str, str]) -> Operation:
        """Have the items of `body` created in the background."""
        return Operation.of(self.create(kind, body, parameters), f"POST /{kind}")

    def operation(self, operation: str) -> Operation:
        """Where an operation stands."""
        path = f"/operations/{_id(operation)}"
        return Operation.of(self._request("GET", path), f"GET {path}")

    def operation_log(self, operation: str) -> Iterator[dict[str, Any]]:
        """The record of a finished operation, an entry an item, in no order. An error may come after some entries."""
        path = f"/operations/{_id(operation)}/log"
        answer = self._answer("GET", path)
        entries = itertools.chain.from_iterable(read_entries(answer, f"GET {path}"))
        return (
            map(self._without_token, entries) if self._redaction.concerns(answer.body) else entries
        )

    def _without_token(self, entry: dict[str, Any]) -> dict[str, Any]:
        """An entry whose output is words of the server; its input stays, for rows are known by it."""
        if "output" in entry:
            entry["output"] = self._redaction.value(entry["output"])
        return entry

    def items(self, kind: str, pool: str, **filters: str) -> tuple[list[dict[str, Any]], bool]:
        """One page of a pool's tasks or suites, and whether there are more. `filters` are the API's."""
        query = {"pool_id": pool, "limit": str(PAGE), **filters}
        value = self._object("GET", f"/{kind}", query)
        items = value.get("items")
        if not isinstance(items, list) or not all(
            isinstance(item, dict) and isinstance(item.get("id"), str) for item in items
        ):
            raise AnswerLost("BAD_ANSWER", "the answer is not a listing", request=f"GET /{kind}")
        return items, value.get("has_more") is True

    def page(self, kind: str, pool: str, filters: Mapping[str, str]) -> ListingPage:
        """One page of a pool's tasks or suites, parsed a piece at a time: it may have thousands of items."""
        path = f"/{kind}"
        return read_page(self._answer("GET", path, {"pool_id": pool, **filters}), f"GET {path}")

    def item(self, kind: str, item: str) -> dict[str, Any]:
        """One task or suite."""
        return self._object("GET", f"/{kind}/{_id(item)}")

    def take_back(self, kind: str, item: str) -> dict[str, Any]:
        """Give a task or suite to nobody more; return it as it is then, as far as the answer says it.

        Doing it again changes nothing.
        """
        body = b'{"overlap":0,"infinite_overlap":false}'
        path = f"/{kind}/{_id(item)}/set-overlap-or-min"
        value = self._request("PATCH", path, None, body)
        return value if isinstance(value, dict) else {}

    def close_pool(self, pool: str, *, training: bool = False) -> Operation | None:
        """Close the pool; None where it is closed already."""
        return self._turn(pool, "close", training=training)

    def open_pool(self, pool: str, *, training: bool = False) -> Operation | None:
        """Open the pool; None where it is open already."""
        return self._turn(pool, "open", training=training)

    def _turn(self, pool: str, what: str, *, training: bool) -> Operation | None:
        path = f"/{'trainings' if training else 'pools'}/{_id(pool)}/{what}"
        answer = self._answer("POST", path)
        value = self._read(answer, f"POST {path}")
        return None if answer.status == 204 else Operation.of(value, f"POST {path}")

    def _described(self, path: str) -> dict[str, Any]:
        described: dict[str, Any] = self._redaction.value(self._object("GET", path))
        return described

    def _object(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        value = self._request(method, path, query)
        if not isinstance(value, dict):
            raise AnswerLost(
                "BAD_ANSWER", "the answer is not an object", request=f"{method} {path}"
            )
        return value

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Any:
        return self._read(self._answer(method, path, query, body), f"{method} {path}")

    def _read(self, answer: Answer, request: str) -> Any:
        try:
            return read(answer, request)
        except ApiError as error:
            raise self._redaction.error(error) from None

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        request = f"{method} {path}"
        self.requests = next(self._count)
        timeout = httpx.Timeout(self.timeout, connect=min(self.timeout, CONNECT_SECONDS))
        deadline = Deadline(self.timeout, self.patience)
        try:
            with (
                within(deadline),
                self._http.stream(
                    method,
                    self._base + path,
                    params=query,
                    content=body,
                    headers={"Content-Type": "application/json"} if body is not None else None,
                    timeout=timeout,
                ) as response,
            ):
                encoding = response.headers.get("content-encoding", "")
                content = unpacked(response.iter_raw(), encoding, MOST_ANSWER_BYTES)
                # httpx ties response and stream in a ring, which keeps the request's megabytes
                # until the garbage collector comes by.
                response.stream = httpx.ByteStream(b"")
                return Answer(response.status_code, response.headers, content)
        except (httpx.TransportError, OutOfTime) as error:
            raise self._redaction.error(_lost(error, request, self._base, deadline)) from error
        except Unusable as error:
            raise AnswerLost("BAD_ANSWER", str(error), request=request) from error


def _http(
    target: Target, headers: Mapping[str, str], transport: httpx.BaseTransport | None
) -> httpx.Client:
    try:
        httpx.URL(target.url).host.encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UsageProblem(f"--url {target.url!r} cannot be an address: {error}.") from error
    # A stand-in on this machine is asked directly, whatever proxies the environment names.
    trust_env = not target.is_loopback
    verify = _tls(target)
    try:
        if trust_env:
            check_proxies()
        http = httpx.Client(
            headers=headers,
            trust_env=trust_env,
            transport=transport,
            verify=verify,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageProblem(
            f"The proxy that the environment names cannot be used: {error} Correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY "
            "and NO_PROXY, or unset them.",
            code="PROXY",
        ) from error
    for way in (http._transport, *http._mounts.values()):  # noqa: SLF001  # httpx takes no network
        if isinstance(way, httpx.HTTPTransport):
            pool = way._pool  # noqa: SLF001
            pool._network_backend = TimedNetwork(pool._network_backend)  # noqa: SLF001
    return http


_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def _lost(
    error: httpx.TransportError | OutOfTime, request: str, base: str, deadline: Deadline
) -> ApiError:
    """Which kind of silence it was: before anything was sent, or after."""
    what = why_silent(error, urlsplit(base).netloc)
    if isinstance(error, _NOTHING_SENT) or (isinstance(error, OutOfTime) and not deadline.moved):
        return ConnectionFailed("NO_CONNECTION", what, request=request)
    if deadline.left <= 0:
        return AnswerLost("TIMEOUT", deadline.words(), request=request)
    code = "TIMEOUT" if isinstance(error, httpx.TimeoutException) else "CONNECTION_LOST"
    return AnswerLost(code, what, request=request)


def _id(value: str) -> str:
    return quote(value, safe="")


def _tls(target: Target) -> ssl.SSLContext | bool:
    # Loading the certificate bundle costs 20 ms, which plain http to this machine need not pay.
    return False if target.url.startswith("http:") else tls_context()


class _InProcess(httpx.BaseTransport):
    """Hands requests to a function instead of the network."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            status, headers, body = self._handler(
                request.method,
                request.url.path,
                dict(request.url.params),
                {key.lower(): value for key, value in request.headers.items()},
                request.read(),
            )
        except ConnectionError as error:
            raise httpx.ReadError(str(error), request=request) from error
        return httpx.Response(status, headers=dict(headers), stream=httpx.ByteStream(body))
