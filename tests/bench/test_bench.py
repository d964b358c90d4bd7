"""The benchmark compares like with like, and the page has all that it measures."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

import bare
import stub_server
from forms import FORMS, make

from toloka_upload import Pacing, Requests, upload

PAGE = (Path(__file__).parents[2] / "docs/performance.md").read_text("utf-8")
OWN = {"__item_idx", "infinite_overlap"}


class Keeping(stub_server.Counts):
    """Keeps what was created."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []
        self.bodies = _Bodies(self.kept)


class _Bodies(dict[str, list[dict[str, Any]]]):
    def __init__(self, kept: list[Any]) -> None:
        super().__init__()
        self._kept = kept

    def __setitem__(self, key: str, items: list[dict[str, Any]]) -> None:
        self._kept += items
        super().__setitem__(key, items)


@pytest.fixture
def server() -> Iterator[tuple[int, Keeping]]:
    """The benchmark's server, in this process."""
    counts = Keeping()

    class Handler(stub_server.Handler):
        """With counts of its own."""

    Handler.counts = counts
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    yield served.server_port, counts
    served.shutdown()
    served.server_close()


@pytest.mark.parametrize("name", FORMS)
def test_the_bare_script_does_the_same_job(
    name: str, server: tuple[int, Keeping], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a file of each form, both send the same items: what is compared is the price of one job."""
    port, counts = server
    path = tmp_path / f"file.{FORMS[name].extension}"
    make(name, path, 21)
    bare.main(port, name, path)
    sent_barely, counts.kept[:] = list(counts.kept), []
    suite_size = 3 if FORMS[name].options else None
    report = upload(
        path,
        pool=FORMS[name].pool,
        url=f"http://127.0.0.1:{port}",
        token="t" * 20,
        state_dir=tmp_path / "state",
        requests=Requests(suite_size=suite_size),
        pacing=Pacing(rate=None, daily_limit=None),
    )
    assert report.counts.created == report.counts.read > 0
    assert capsys.readouterr().out.strip() == str(len(sent_barely))
    assert [json.dumps(item, sort_keys=True) for item in counts.kept] == [
        json.dumps(item, sort_keys=True) for item in sent_barely
    ]


def test_the_page_has_every_form() -> None:
    """`docs/performance.md` keeps nothing back that is slow."""
    assert re.findall(r"^\| (\S.*?) \| [0-9.]+ s \|", PAGE, re.M) == list(FORMS)
