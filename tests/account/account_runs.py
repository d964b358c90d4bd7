"""Commands of the account over an emulator in memory, and other programs that fill its pools."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from input_runs import Answer, Run, Service
from input_runs import upload as upload_files
from unhurried import Unhurried

from toloka_upload.account.commands import (
    Caller,
    adopting,
    undoing,
    verifying_files,
    verifying_run,
)
from toloka_upload.account.verify_run import Verification
from toloka_upload.api.client import Handler
from toloka_upload.api.target import Target
from toloka_upload.report.account import AccountReport
from toloka_upload.run.history import last_upload, past_run
from toloka_upload.settings import Pacing

URL = "https://example.com/"
TARGET = Target("http://local.invalid/api/v1", "local")
STATE = Path("state")
CALLER = Caller(TARGET, STATE, Pacing(rate=None, daily_limit=None))


def general(number: int, **more: Any) -> dict[str, Any]:
    """A general task as a row."""
    return {"input_values": {"image": f"{URL}{number}"}, **more}


def golden(number: int, result: str = "OK", **more: Any) -> dict[str, Any]:
    """A control task as a row."""
    return general(number, known_solutions=[{"output_values": {"result": result}}], **more)


def write(rows: list[Any], name: str = "a.jsonl") -> Path:
    """Write rows into a file."""
    path = Path(name)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def upload(service: Service, rows: list[Any], **options: Any) -> Run:
    """Upload rows."""
    return upload_files(service, STATE, write(rows), **options)


def ask(service: Service, method: str, path: str, body: Any = None, **query: str) -> Any:
    """A request of another program."""
    text = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    status, _, answer = service(method, f"/api/v1{path}", query, headers, text)
    assert status < 300, answer
    return json.loads(answer) if answer else None


def elsewhere(
    service: Service, items: list[dict[str, Any]], pool: str = "21", kind: str = "tasks"
) -> list[str]:
    """Create items as another program does; return their ids in order."""
    body = [{**item, "pool_id": pool} for item in items]
    made = ask(service, "POST", f"/{kind}", body, async_mode="false", allow_defaults="true")[
        "items"
    ]
    return [made[str(index)]["id"] for index in range(len(items))]


def forget() -> None:
    """Lose the journal."""
    shutil.rmtree(STATE / "journals")


def adopt(service: Service, pool: str = "21", **more: Any) -> AccountReport:
    """Adopt a pool."""
    return adopting(CALLER, pool, handler=service, loop=Unhurried(), **more).run()


def verify(service: Handler, **how: Any) -> AccountReport:
    """Verify the last upload."""
    run, chosen = last_upload(STATE), Verification(**how)
    return verifying_run(CALLER, run, chosen, handler=service, loop=Unhurried()).run()


def verify_files(
    service: Handler, rows: list[Any] | None, pool: str = "21", **more: Any
) -> AccountReport:
    """Verify rows against a pool; None: those of `a.jsonl` as they are."""
    if rows is not None:
        write(rows)
    options = Verification(more.pop("combined", None), exact=more.pop("exact", False))
    return verifying_files(
        CALLER, ["a.jsonl"], pool, options, handler=service, loop=Unhurried(), **more
    ).run()


def counts(report: AccountReport) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in report.counts.items() if count}


class Tampered:
    """An API whose listings are not what is in the pools.

    Attributes:
        hidden: Ids that listings leave out.
        edits: Members that items have in place of their own, by id.
        broken: Whether a page of these query parameters is refused.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.hidden: set[str] = set()
        self.edits: dict[str, dict[str, Any]] = {}
        self.broken: Callable[[Mapping[str, str]], bool] = lambda _: False
        self.pages = 0

    def __call__(self, method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        """Answer one request."""
        listing = method == "GET" and "pool_id" in query
        if listing and self.broken(query):
            return 404, {}, b'{"code":"DOES_NOT_EXIST","message":"gone","request_id":"1"}'
        status, answer_headers, answer = self._service(method, path, query, *rest)
        if listing and status == 200:
            self.pages += 1
            value = json.loads(answer)
            value["items"] = [
                item | self.edits.get(item["id"], {})
                for item in value["items"]
                if item["id"] not in self.hidden
            ]
            answer = json.dumps(value).encode()
        return status, answer_headers, answer


def undo(service: Handler, run: str | None = None, **more: Any) -> AccountReport:
    """Undo a run; None: the last upload."""
    found = past_run(STATE, run) if run else last_upload(STATE)
    more.setdefault("loop", Unhurried())
    return undoing(CALLER, found, handler=service, **more).run()


class Patches:
    """An API that counts the requests that take something back, and may fail them.

    Attributes:
        answers: What to answer in place of taking back, by id: a status and a body.
        most: After so many the process is killed (an exception that nobody catches), before or after they are done.
    """

    def __init__(self, service: Service, most: int | None = None, *, after: bool = False) -> None:
        self._service = service
        self._most = most
        self._after = after
        self.patched: Counter[str] = Counter()
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked = 0

    def __call__(self, method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        """Answer one request."""
        item = path.removesuffix("/set-overlap-or-min").rpartition("/")[2]
        if method != "PATCH":
            self.asked += method == "GET" and item.count("--")
            return self._service(method, path, query, *rest)
        if item in self.answers:
            status, answer = self.answers[item]
            return status, {}, answer
        if self.patched.total() == self._most and not self._after:
            raise Killed
        self.patched[item] += 1
        found = self._service(method, path, query, *rest)
        if self._after and self.patched.total() == self._most:
            raise Killed
        return found


class Killed(BaseException):
    """The process is gone."""
