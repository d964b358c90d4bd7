"""The report of a run: the JSON summary's content (its keys are promised to users), and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from toloka_upload.errors import ExitStatus, UploadError
from toloka_upload.text import plain

SCHEMA_VERSION = 1


@dataclass(slots=True)
class Counts:
    """Rows by outcome. A suite that came as one row counts as one; rows grouped into suites count each.

    `read` is always the sum of the others. Requests, attempts and retries are never counted here.
    """

    read: int = 0
    created: int = 0
    already_uploaded: int = 0
    rejected: int = 0
    unknown: int = 0
    unsent: int = 0

    @property
    def entered(self) -> int:
        """Rows that have an outcome; in the end that is all that were read."""
        return self.created + self.already_uploaded + self.rejected + self.unknown + self.unsent


@dataclass(slots=True)
class OperationCounts:
    """Requests that create: asynchronous operations, or synchronous requests, each attempt counted once."""

    submitted: int = 0
    succeeded: int = 0
    failed: int = 0


@dataclass(slots=True)
class Waited:
    """Seconds during which something held the whole run back."""

    rate_limit: float = 0.0
    server: float = 0.0


@dataclass(slots=True)
class ErrorGroup:
    """Faults of one code in one field, with the place and message of the first."""

    code: str
    field: str
    count: int
    file: str
    line: int
    message: str


@dataclass(slots=True)
class RunError:
    """What ended the run, if anything did.

    Attributes:
        options: An option, with its value, that would probably settle it. Like the next one for `next_step` alone.
        install: The package whose installation would settle it.
    """

    code: str
    message: str
    request_id: str | None = None
    options: tuple[str, ...] = ()
    install: str = ""

    @classmethod
    def of(cls, error: UploadError) -> RunError:
        """What a summary has of an error."""
        return cls(error.code, str(error), error.request_id, error.options, error.install)

    @property
    def reference(self) -> str:
        """What the message does not name of what support asks for: " (code X, request id Y)", or nothing."""
        named = (("code", self.code), ("request id", self.request_id or ""))
        told = [
            f"{what} {plain(name)}"
            for what, name in named
            if name and not re.search(rf"\b{re.escape(name)}\b", self.message)
        ]
        return f" ({', '.join(told)})" if told else ""

    def as_json(self) -> dict[str, str | None]:
        """The error as it stands in a summary."""
        return {"code": self.code, "message": self.message, "request_id": self.request_id}


@dataclass(slots=True)
class Report:
    """Everything the summary tells.

    Attributes:
        requests: HTTP requests made, retries included.
        retries: HTTP requests made again after a fault that passes.
        seconds: Wall-clock seconds of the whole run.
        errors: Row faults grouped by code and field, the most frequent first.
        rejects_files: The files that have the rejected rows, in the order in which they were begun.
        rejects_forms: The formats of the inputs that they come from: `xlsx`, though the rejects are CSV.
        plan: Only of a dry run: what would be sent.
        outcomes: One dict for each row, as in the results file, where `upload()` made the report. Not in the summary.
        bottleneck: What held the run back most, and its share of the time; None if nothing was sent.
    """

    exit_status: ExitStatus = ExitStatus.OK
    run_id: str = ""
    env: str = ""
    url: str = ""
    pools: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    kind: str = "tasks"
    mode: str = "async"
    dry_run: bool = False
    counts: Counts = field(default_factory=Counts)
    operations: OperationCounts = field(default_factory=OperationCounts)
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    waited: Waited = field(default_factory=Waited)
    pool_opened: bool = False
    errors: list[ErrorGroup] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: RunError | None = None
    results: str | None = None
    rejects_files: list[str] = field(default_factory=list)
    rejects_forms: list[str] = field(default_factory=list)
    bottleneck: dict[str, Any] | None = None
    plan: dict[str, Any] | None = None
    outcomes: Iterable[dict[str, Any]] = ()

    @property
    def rejects(self) -> str | None:
        """The first rejects file; None if no row was kept."""
        return self.rejects_files[0] if self.rejects_files else None

    def as_json(self) -> dict[str, Any]:
        """The summary as it stands on standard output with `--json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "exit_code": int(self.exit_status),
            "exit_reason": self.exit_status.reason,
            "run_id": self.run_id,
            "env": self.env,
            "url": self.url,
            "pools": self.pools,
            "files": self.files,
            "kind": self.kind,
            "mode": self.mode,
            "dry_run": self.dry_run,
            "counts": asdict(self.counts),
            "operations": asdict(self.operations),
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "waited_seconds": {
                "rate_limit": round(self.waited.rate_limit, 3),
                "server": round(self.waited.server, 3),
            },
            "pool_opened": self.pool_opened,
            "errors": [asdict(group) for group in self.errors],
            "warnings": self.warnings,
            "error": self.error.as_json() if self.error else None,
            "results": self.results,
            "rejects": self.rejects,
            "bottleneck": self.bottleneck,
            "plan": self.plan,
        }
