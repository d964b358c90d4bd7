"""Commands of the account over an emulator in memory, and other programs that fill its pools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from input_runs import Run, Service, Unhurried
from input_runs import upload as upload_files

from toloka_upload.account.commands import adopting
from toloka_upload.api.target import Target
from toloka_upload.report.account import AccountReport
from toloka_upload.settings import Pacing

URL = "https://example.com/"
TARGET = Target("http://local.invalid/api/v1", "local")
STATE = Path("state")
UNLIMITED = Pacing(rate=None, daily_limit=None)


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
    return adopting(
        pool,
        target=TARGET,
        state_dir=STATE,
        pacing=UNLIMITED,
        handler=service,
        loop=Unhurried(),
        **more,
    ).run()
