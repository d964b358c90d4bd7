"""The page of a run: it says what the summary says, asks nobody for anything, and obeys no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from display_runs import HOSTILE, report

from toloka_upload.errors import ExitStatus
from toloka_upload.report.page import Carried, page
from toloka_upload.report.summary import ErrorGroup, RunError

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>' + HOSTILE
CHUNKS = [
    Carried(1, 0.5, 4.0, 100, 90),
    Carried(2, 1.0, 9.0, 100, 100),
    Carried(3, 2.0, None, 7, 0),
]


class Elements(HTMLParser):
    """The names of a page's elements, those that were left open, and their attributes."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element that ends at once."""
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost one, which must be of that name."""
        assert self.open.pop() == tag


def test_it_says_what_the_summary_says() -> None:
    """What went where, counts, rejects with an example, what held it back, what to do."""
    ended = report(ExitStatus.REJECTED, created=190, rejected=10)
    ended.errors = [
        ErrorGroup("VALUE_REQUIRED", "input_values.image", 10, "tasks.jsonl", 418, "Give it")
    ]
    ended.bottleneck = {"name": "network", "share": 0.6, "shares": {"network": 0.6, "reading": 0.4}}
    text = page(ended.as_json(), CHUNKS, "mend them.", started="2026-11-25")
    for said in (
        "tasks.jsonl → pool 21",
        "production",
        "rejected</b> (exit 1)",
        "<b>190</b>created",
    ):
        assert said in text
    for said in (
        "VALUE_REQUIRED",
        "tasks.jsonl:418",
        "Give it",
        "Mend them.",
        "60 %, 8 s",
        "3 chunks",
    ):
        assert said in text
    assert text.count("<svg") == 4


def test_a_text_is_a_text_in_every_place() -> None:
    """Escaped, in one piece, without control characters; no element and no attribute comes of it."""
    ended = report(ExitStatus.REFUSED, created=1)
    ended.files, ended.pools, ended.url, ended.env = [EVIL], [EVIL], EVIL, EVIL
    ended.error = RunError(EVIL, EVIL, EVIL)
    ended.errors = [ErrorGroup(EVIL, EVIL, 1, EVIL, 1, EVIL)]
    ended.warnings, ended.results = [EVIL], EVIL
    ended.bottleneck = {"name": EVIL, "share": 1.0, "shares": {EVIL: 1.0}}
    text = page(ended.as_json(), CHUNKS, EVIL, started=EVIL)
    found = Elements(text)
    assert found.open == []
    assert not found.names & {"script", "img", "link", "iframe"}
    assert not {name for name in found.attributes if name.startswith("on")} | (
        {"src", "href"} & found.attributes
    )
    assert not set(text) & set("\x1b\x07\x9b\u202e\udc80")
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://(?!\S*&lt;)", text.split("</style>")[0])


@pytest.mark.parametrize("status", list(ExitStatus))
def test_every_end_has_a_page(status: ExitStatus) -> None:
    """Also of a run that came to nothing."""
    assert Elements(page(report(status).as_json(), [], "")).open == []
    assert Elements(page({}, [], "")).open == []


def test_a_page_of_a_million_rows_is_small() -> None:
    """A thousand chunks and a thousand kinds of faults with long messages: under 300 KB."""
    ended = report(ExitStatus.REJECTED, created=999_000, rejected=1000)
    ended.seconds = 4000.0
    ended.errors = [
        ErrorGroup(f"CODE_{n}", f"input_values.field_{n}", 1, "tasks.jsonl", n, "x" * 5000)
        for n in range(1000)
    ]
    chunks = [Carried(n, n * 4.0, n * 4.0 + 60.123, 1000, 999) for n in range(1000)]
    assert len(page(ended.as_json(), chunks, "").encode()) < 300_000
