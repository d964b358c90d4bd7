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
from emulated import task

from toloka_upload.emulator import Emulator, Request
from toloka_upload.emulator.server import Server

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
    text = html.unescape(
        re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style)>.*?</\1>", "", shown))
    )
    assert "live" in text
    assert "Images, smart mixing" in text
    assert "1,500 tasks" in text
    assert "1,500 of 1,500 created" in text
    assert "0 of 1 created, 1 invalid" in text
    assert re.search(r"quota\s+\* /tasks, each\s+1 of 1", text)
    assert re.search(r"0000000015--[0-9a-f]{24}", text)
    assert "ARCHIVED" in text


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
