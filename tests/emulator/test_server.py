"""The emulator on a socket: HTTP as clients speak it, and faults of the wire."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulated import new_id, task

from toloka_upload.emulator.operations import Operations
from toloka_upload.emulator.server import MOST_BODY_BYTES, Server, is_loopback
from toloka_upload.pytest_plugin import StartEmulator

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def wire(toloka_emulator: Server) -> Iterator[http.client.HTTPConnection]:
    """A connection to an emulator."""
    connection = connect(toloka_emulator)
    yield connection
    connection.close()


def connect(server: Server, timeout: float = 5.0) -> http.client.HTTPConnection:
    """Another connection."""
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)


def post(wire: http.client.HTTPConnection, path: str = "/tasks", body: Any = None) -> int:
    """POST a task; return the status, the answer read."""
    wire.request("POST", "/api/v1" + path, json.dumps(body or [task()]), JSON)
    answer = wire.getresponse()
    answer.read()
    return answer.status


def count(server: Server) -> int:
    """Tasks in pool 21, by a connection of its own."""
    wire = connect(server)
    wire.request("GET", "/api/v1/tasks?pool_id=21")
    found = json.load(wire.getresponse())["items"]
    wire.close()
    return len(found)


def test_a_connection_is_kept(wire: http.client.HTTPConnection) -> None:
    """HTTP/1.1 keep-alive: many requests on one socket, 204 among them."""
    assert post(wire) == 201
    first = wire.sock
    for path, status in (("/pools/21/open", 202), ("/pools/24/open", 204), ("/nothing", 404)):
        wire.request("POST", "/api/v1" + path)
        answer = wire.getresponse()
        answer.read()
        assert answer.status == status
    assert wire.sock is first


def test_a_chunked_body_is_read(wire: http.client.HTTPConnection) -> None:
    """As clients send it that stream."""
    body = json.dumps([task()]).encode()
    parts = iter([body[:10], body[10:]])
    wire.request("POST", "/api/v1/tasks", parts, JSON, encode_chunked=True)
    assert wire.getresponse().status == 201


def test_a_body_beyond_all_bounds_is_refused_unread(toloka_emulator: Server) -> None:
    """413 by its announced length, and the answer arrives though the body was not read."""
    with socket.create_connection(address(toloka_emulator), 5) as raw:
        head = "POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        raw.sendall((head % (MOST_BODY_BYTES + 1)).encode() + b"x" * 100_000)
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def address(server: Server) -> tuple[str, int]:
    """Where it listens."""
    parts = urlsplit(server.url)
    return parts.hostname or "", parts.port or 0


@pytest.mark.parametrize("target", ["http://[x/api/v1/requester", "http://a]/x"])
def test_a_broken_target_is_refused(toloka_emulator: Server, target: str) -> None:
    """400, and the server goes on."""
    with socket.create_connection(address(toloka_emulator), 5) as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")
    assert count(toloka_emulator) == 0


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: x",
        "Content-Length: -1",
        "Content-Length: " + "9" * 5000,
        "Content-Length: \u00b2",
        *(f"Transfer-Encoding: chunked\r\n\r\n{size}" for size in ("zz", "-5", "+5", "0x5", "1_0")),
    ],
)
def test_a_broken_head_is_refused(toloka_emulator: Server, head: str) -> None:
    """400, and the server goes on."""
    with socket.create_connection(address(toloka_emulator), 5) as raw:
        raw.sendall(f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")
    assert count(toloka_emulator) == 0


@pytest.mark.parametrize(
    "cut",
    [
        "POST /api/v1/pools/24/close HTTP/1.1",
        "POST /api/v1/pools/24/close HTTP/1.1\r\n",
        "POST /api/v1/pools/24/close HTTP/1.1\r\nHost: localhost\r\nAuth",
        "POST /api/v1/pools/24/close HTTP/1.1\r\nHost: localhost\r\n",
        "POST /api/v1/pools/24/close HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "DELETE /_emulator/faults HTTP/1.1\r\nHost: localhost\r\n",
        "GET /api/v1/pools/24\r\n",
    ],
)
def test_a_request_that_is_cut_off_is_dropped(toloka_emulator: Server, cut: str) -> None:
    """In its first line, its headers or behind its last chunk: nothing is done, and nothing is answered."""
    toloka_emulator.faults.add({"action": "reset", "nth": 99})
    with socket.create_connection(address(toloka_emulator), timeout=5) as wire:
        wire.sendall(cut.encode())
        wire.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(1000) == b""
    assert len(toloka_emulator.faults.plan) == 1
    assert toloka_emulator.emulator.ledger.requests == []


def test_a_page_from_elsewhere_is_kept_out(wire: http.client.HTTPConnection) -> None:
    """A name that was turned to this machine (DNS rebinding) is refused; our own names are not."""
    for host, status in (
        ("evil.example:80", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.evil.example", 403),
        ("localhost.evil.example", 403),
        ("[::1", 403),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1", 200),
        ("[::1]", 200),
    ):
        wire.request("GET", "/api/v1/requester", headers={"Host": host})
        answer = wire.getresponse()
        answer.read()
        assert answer.status == status


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_from_elsewhere_changes_nothing(
    wire: http.client.HTTPConnection, said: dict[str, str]
) -> None:
    """Not even by a request without a body, which browsers send unasked; reading is what they keep apart themselves."""
    wire.request("POST", "/api/v1/pools/21/archive", headers=said)
    answer = wire.getresponse()
    assert (answer.status, json.load(answer)["code"]) == (403, "ACCESS_DENIED")
    wire.request("GET", "/api/v1/pools/21", headers=said)
    assert json.load(wire.getresponse())["status"] == "CLOSED"


def test_the_emulators_own_page_may_change_something(wire: http.client.HTTPConnection) -> None:
    """Its origin is the address that was asked."""
    own = {"Origin": f"http://{wire.host}:{wire.port}", "Sec-Fetch-Site": "same-origin"}
    wire.request("POST", "/api/v1/pools/24/close", headers=own)
    assert wire.getresponse().status == 202


def test_connections_are_bounded(toloka_emulator: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than there may be is told to come again; there is room again when one has been answered."""
    monkeypatch.setattr("toloka_upload.emulator.server.MOST_CONNECTIONS", 2)
    toloka_emulator.faults.add({"action": "hang", "seconds": 9, "method": "POST", "times": 2})
    kept = [connect(toloka_emulator) for _ in range(2)]
    for one in kept:
        one.request("POST", "/api/v1/tasks", b"{}")
    while len(toloka_emulator.faults.consumed) < 2:
        time.sleep(0.01)
    late = connect(toloka_emulator)
    late.request("GET", "/api/v1/requester")
    answer = late.getresponse()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    kept[0].close()
    deadline = time.monotonic() + 5
    while answer.status == 503 and time.monotonic() < deadline:
        late.close()
        time.sleep(0.01)
        late.request("GET", "/api/v1/requester")
        answer = late.getresponse()
        answer.read()
    assert answer.status == 200
    late.close()
    kept[1].close()


def test_who_only_waits_makes_room(
    toloka_emulator: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is kept, or that sent half a request, holds up nobody who asks something."""
    monkeypatch.setattr("toloka_upload.emulator.server.MOST_CONNECTIONS", 10)
    kept = connect(toloka_emulator)
    assert post(kept) == 201
    halves = [socket.create_connection(address(toloka_emulator), 5) for _ in range(20)]
    halves[0].sendall(b"POST /api/v1/tasks HTT")
    halves[1].sendall(
        b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
    )
    for _ in range(5):
        fresh = connect(toloka_emulator)
        assert post(fresh) == 201
        fresh.close()
    kept.close()
    for one in halves:
        one.close()


def test_nobody_waits_for_another_operation(
    toloka_emulator: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While items are judged, requests are answered: the operation is RUNNING, its items are not listed yet."""
    go_on = threading.Event()
    judge = Operations.judge

    def slowly(*said: Any) -> Any:
        assert go_on.wait(5)
        return judge(*said)

    monkeypatch.setattr(Operations, "judge", slowly)
    monkeypatch.setattr("toloka_upload.emulator.settling.PATIENCE", 0.01)
    chosen, wire = new_id(), connect(toloka_emulator)
    assert post(wire, f"/tasks?async_mode=true&operation_id={chosen}") == 202

    def status() -> str:
        wire.request("GET", f"/api/v1/operations/{chosen}")
        return str(json.load(wire.getresponse())["status"])

    assert status() == "RUNNING"
    assert count(toloka_emulator) == 0
    go_on.set()
    deadline = time.monotonic() + 5
    while status() == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert status() == "SUCCESS"
    assert count(toloka_emulator) == 1
    wire.close()


@pytest.mark.parametrize(("action", "tasks"), [("reset", 0), ("reset-after", 1)])
def test_a_reset_is_one(toloka_emulator: Server, action: str, tasks: int) -> None:
    """RST on the wire, before the work or after it."""
    toloka_emulator.faults.add({"action": action, "method": "POST"})
    wire = connect(toloka_emulator)
    with pytest.raises(ConnectionResetError):
        post(wire)
    wire.close()
    assert count(toloka_emulator) == tasks
    assert toloka_emulator.faults.counts == {action: 1}


def test_a_cut_answer_breaks_off(toloka_emulator: Server) -> None:
    """A whole head, half a body, then the end of the connection."""
    toloka_emulator.faults.add({"action": "cut", "method": "POST"})
    wire = connect(toloka_emulator)
    with pytest.raises(http.client.IncompleteRead):
        post(wire)
    wire.close()
    assert count(toloka_emulator) == 1


@pytest.mark.parametrize(("action", "tasks"), [("hang", 0), ("hang-after", 1)])
def test_a_hanging_answer_never_comes(toloka_emulator: Server, action: str, tasks: int) -> None:
    """The client's own timeout ends it."""
    toloka_emulator.faults.add({"action": action, "method": "POST"})
    wire = connect(toloka_emulator, timeout=0.2)
    with pytest.raises(TimeoutError):
        post(wire)
    wire.close()
    assert count(toloka_emulator) == tasks


def test_a_hang_ends_with_its_time(toloka_emulator: Server) -> None:
    """Then the connection is reset."""
    toloka_emulator.faults.add({"action": "hang", "seconds": 0.1})
    wire = connect(toloka_emulator)
    with pytest.raises(ConnectionResetError):
        post(wire)
    wire.close()


def test_a_delay_holds_up_nobody_else(toloka_emulator: Server) -> None:
    """Requests are answered side by side."""
    toloka_emulator.faults.add({"action": "delay", "seconds": 0.5, "path": "/tasks"})
    slow = connect(toloka_emulator)
    started = time.monotonic()
    waiting = threading.Thread(target=post, args=(slow,))
    waiting.start()
    while not toloka_emulator.faults.counts:
        time.sleep(0.005)
    quick = connect(toloka_emulator)
    quick.request("GET", "/api/v1/pools/21")
    assert quick.getresponse().status == 200
    assert time.monotonic() - started < 0.5
    waiting.join()
    assert time.monotonic() - started >= 0.5
    slow.close()
    quick.close()


def test_the_same_id_from_many_threads_works_once(toloka_emulator: Server) -> None:
    """One 202, else 409; one task."""
    chosen = new_id()
    statuses: list[int] = []

    def send() -> None:
        wire = connect(toloka_emulator)
        statuses.append(post(wire, f"/tasks?async_mode=true&operation_id={chosen}"))
        wire.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] + [409] * 7
    assert count(toloka_emulator) == 1


def control(server: Server, method: str, path: str, body: Any = None, kind: str = "") -> Any:
    """A request to the control endpoint: status and JSON."""
    wire = connect(server)
    content = None if body is None else json.dumps(body)
    wire.request(method, f"/_emulator/{path}", content, {"Content-Type": kind} if kind else JSON)
    answer = wire.getresponse()
    found = json.load(answer)
    wire.close()
    return answer.status, found


def test_weather_is_made_over_the_control_endpoint(toloka_emulator: Server) -> None:
    """Add one fault, a list, or a plan; ask for the account; forget all."""
    control(toloka_emulator, "POST", "faults", {"action": "quota", "path": "/tasks"})
    control(toloka_emulator, "POST", "faults", [{"action": "throttle", "nth": 2}])
    status, account = control(
        toloka_emulator, "POST", "faults", {"seed": 3, "faults": [{"action": "reset"}]}
    )
    assert (status, [fault["action"] for fault in account["plan"]]) == (
        200,
        ["quota", "throttle", "reset"],
    )
    wire = connect(toloka_emulator)
    assert post(wire) == 400
    wire.close()
    _, account = control(toloka_emulator, "GET", "faults")
    assert account["counts"] == {"quota": 1}
    assert account["consumed"][0]["path"] == "/tasks"
    _, account = control(toloka_emulator, "DELETE", "faults")
    assert account == {"plan": [], "counts": {}, "consumed": []}


def test_switches_are_set_over_the_control_endpoint(toloka_emulator: Server) -> None:
    """All of them are told; what is wrong is refused."""
    _, switches = control(toloka_emulator, "POST", "switches", {"sync_items": 1})
    assert switches["sync_items"] == 1
    wire = connect(toloka_emulator)
    assert post(wire, body=[task(), task()]) == 413
    wire.close()
    status, problem = control(toloka_emulator, "POST", "switches", {"sync_item": 1})
    assert (status, "sync_item" in problem["message"]) == (400, True)
    assert control(toloka_emulator, "GET", "switches")[1]["sync_items"] == 1


def test_requests_are_counted(toloka_emulator: Server) -> None:
    """By method and path with `{id}`, by status; what failed, with its code; items, and the most of one request."""
    wire = connect(toloka_emulator)
    post(wire, body=[task()] * 3)
    post(wire, body=[task()])
    for pool in (21, 22, 404):
        wire.request("GET", f"/api/v1/pools/{pool}")
        wire.getresponse().read()
    wire.close()
    _, stats = control(toloka_emulator, "GET", "stats")
    assert stats["requests"] == {"POST /tasks": 2, "GET /pools/{id}": 3}
    assert stats["statuses"] == {"201": 2, "200": 2, "404": 1}
    assert stats["failed"] == {"404 DOES_NOT_EXIST: GET /pools/{id}": 1}
    assert (stats["items"], stats["most_items"]) == ({"/tasks": 4}, {"/tasks": 3})
    _, requests = control(toloka_emulator, "GET", "requests")
    assert [entry["path"] for entry in requests[-2:]] == ["/pools/22", "/pools/404"]


def test_another_sites_script_cannot_change_anything(toloka_emulator: Server) -> None:
    """A POST that a page may send unasked (a form's types) is refused."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        status, _ = control(toloka_emulator, "POST", "switches", {"sync_items": 1}, kind)
        assert status == 415
    assert toloka_emulator.emulator.switches.sync_items == 5_000


def test_a_server_ends_though_clients_stay(start_toloka_emulator: StartEmulator) -> None:
    """Connections that are kept, and requests that hang, hold nothing up."""
    server = start_toloka_emulator()
    idle, hanging = connect(server), connect(server)
    post(idle)
    server.faults.add({"action": "hang"})
    hanging.request("GET", "/api/v1/pools/21")
    while not server.faults.counts:
        time.sleep(0.005)
    started = time.monotonic()
    server.__exit__(None, None, None)
    assert time.monotonic() - started < 2
    with pytest.raises(OSError, match=r"."):
        connect(server).connect()
    idle.close()
    hanging.close()


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
    ],
)
def test_loopback_is_this_machine(host: str, *, here: bool) -> None:
    """Everything else is told with a warning."""
    assert is_loopback(host) is here
