"""The page at `/`: alone, live, and harmless whatever it shows."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from emulated import Api, suite, task

from toloka_upload.emulator import Emulator, Request
from toloka_upload.emulator.server import Server
from toloka_upload.emulator.setup import Setup

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202egnp.exe"


def page(emulator: Emulator) -> Any:
    """The page as it is sent."""
    return emulator.handle(Request("GET", "/", {}, {}))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No address of another host stands in it, and the policy lets only its own script ask this server."""
    emulator = Emulator.in_memory()
    answer = page(emulator)
    assert not re.search(rb"(?:https?:)?//\w+\.\w+", answer.body)
    assert not re.search(rb"<(?:link|img|iframe)|@import|url\(", answer.body)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    emulator.close()


def test_the_page_puts_text_in_as_text() -> None:
    """No way of the DOM that reads markup is used."""
    emulator = Emulator.in_memory()
    assert not re.search(
        rb"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", page(emulator).body
    )
    emulator.close()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_shows_what_the_emulator_holds(toloka_emulator: Server, tmp_path: Path) -> None:
    """Pools with their fill, operations with their outcome, the latest tasks, faults; all of it as text."""
    emulator = toloka_emulator.emulator
    emulator.faults.add({"action": "quota", "path": "/tasks"})
    hostile = task(input_values={"image": "https://example.com/1.jpg", "text": HOSTILE})
    send(emulator, [hostile])
    send(emulator, [hostile, *(task(number) for number in range(1499))])
    send(emulator, [task(input_values={})])

    shown = dump(toloka_emulator.root + "/", tmp_path)
    text = visible(shown)
    assert "live" in text
    assert "Images, smart mixing" in text
    assert "1,500 tasks" in text
    assert "1,500 of 1,500 created" in text
    assert "0 of 1 created, 1 invalid" in text
    assert re.search(r"quota\s+\* /tasks, each\s+1 of 1", text)
    assert re.search(r"0000000015--[0-9a-f]{24}", text)
    assert "ARCHIVED" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_shows_why_something_failed(toloka_emulator: Server, tmp_path: Path) -> None:
    """Code, field, how many and which items, the API's words; the log; requests that failed, by status and path."""
    emulator = toloka_emulator.emulator
    emulator.switch(list_limit=77)
    bad = [task(input_values={"image": text}, __item_idx=str(n)) for n, text in enumerate("abc")]
    send(emulator, [*bad, task(input_values={}, __item_idx="3"), task(4)])
    for pool in ("404", "405"):
        emulator.handle(Request("GET", f"/api/v1/pools/{pool}", {}, {}))
    shown = dump(toloka_emulator.root + "/", tmp_path)
    text = visible(shown)
    assert re.search(r"INVALID_URL_SYNTAX\s+input_values\.image\s+3 items", text)
    assert "Value must be in valid url format. Item 0, 1, 2" in text
    assert re.search(r"VALUE_REQUIRED\s+input_values\.image\s+1 item\b", text)
    assert re.search(r"404 DOES_NOT_EXIST\s+GET /pools/\{id\}\s+2", text)
    assert re.search(r'href="/_emulator/log\?id=[0-9a-f-]{36}"', shown)
    assert re.search(r"list_limit\s+77", text)
    assert "operation_seconds" not in text


def test_only_switches_that_somebody_set_are_shown(tmp_path: Path) -> None:
    """What the command sets by itself is nobody's choice."""
    emulator = Setup(tmp_path / "e.sqlite3", switches={"sync_items": 7}).build()
    state = json.loads(emulator.handle(Request("GET", "/_emulator/state", {}, {})).body)
    assert state["switches"] == {"sync_items": 7}
    emulator.close()


def test_new_items_fold_by_what_made_them(api: Api) -> None:
    """A group an operation, a group a request; of each the first few, and how many there are."""
    operation = api.submit([task(number) for number in range(30)])
    api.operation(operation)
    api.clock.advance(1)
    api.post("/tasks", [task(), task(1)])
    by_request, by_operation = api.state["latest"]
    assert (by_request["operation"], by_request["count"]) == ("", 2)
    assert (by_operation["operation"], by_operation["count"]) == (operation, 30)
    assert len(by_operation["items"]) == 3


def test_reasons_are_grouped_by_code_and_field(api: Api) -> None:
    """In either shape of the log; places in arrays do not tell faults apart; what has no field has its code."""
    broken = [suite(n, tasks=[{"input_values": {"image": "x"}}] * 2) for n in range(7)]
    for shape in ("flat", "envelope"):
        api.emulator.switch(log_errors=shape)
        api.operation(api.submit(broken, "/task-suites"))
        (reason,) = api.state["operations"][0]["reasons"]
        assert reason["field"] == "tasks.*.input_values.image"
        assert (reason["count"], len(reason["rows"])) == (7, 5)
    api.emulator.switch(input_bytes=1, oversize="log")
    api.operation(api.submit([task()]))
    (reason,) = api.state["operations"][0]["reasons"]
    assert (reason["code"], reason["field"]) == ("OBJECT_SIZE_BYTES_GREATER_THAN_MAX", "")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_runs_nothing_that_was_uploaded(toloka_emulator: Server, tmp_path: Path) -> None:
    """Markup in a task is shown as it is written, and what turns the reading direction as its code."""
    hostile = task(input_values={"image": "https://example.com/1.jpg", "text": HOSTILE})
    send(toloka_emulator.emulator, [hostile])
    shown = dump(toloka_emulator.root + "/", tmp_path)
    assert (
        "&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;alert(2)&lt;/script&gt;\\u202egnp.exe"
        in shown
    )
    assert "<img" not in shown


def send(emulator: Emulator, items: list[Any]) -> None:
    """Create in the background and let it come to its end."""
    body = json.dumps(items, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    emulator.handle(Request("POST", "/api/v1/tasks", {"async_mode": "true"}, headers, body))


def visible(shown: str) -> str:
    """The text of a document, without its markup."""
    bare = re.sub(r"(?s)<(script|style)>.*?</\1>", "", shown)
    return html.unescape(re.sub(r"<[^>]+>", " ", bare))


def dump(url: str, profile: Path) -> str:
    """The document as it stands after some seconds of the page's own time."""
    assert CHROMIUM
    quiet = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--virtual-time-budget=3000", f"--user-data-dir={profile}", "--dump-dom"),
    ]
    ran = subprocess.run(
        [CHROMIUM, *quiet, url], capture_output=True, text=True, timeout=50, check=True
    )
    return ran.stdout
