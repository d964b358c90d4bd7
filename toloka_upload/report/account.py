"""How `verify`, `undo` or `adopt` ended: the content of their JSON, whose keys are promised to users."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from toloka_upload.errors import ExitStatus
from toloka_upload.report.summary import SCHEMA_VERSION, RunError


@dataclass(slots=True)
class AccountReport:
    """How it ended.

    Attributes:
        command: `verify`, `undo` or `adopt`.
        run_id: The past run it was about, if it was about one.
        counts: What was counted, by name: each command has names of its own.
        requests: HTTP requests made, retries included.
        details: What is behind the counts, a line each; the first of many.
    """

    command: str
    exit_status: ExitStatus = ExitStatus.OK
    env: str = ""
    url: str = ""
    pools: list[str] = field(default_factory=list)
    run_id: str | None = None
    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    details: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: RunError | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as it stands on standard output with `--json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "exit_code": int(self.exit_status),
            "exit_reason": self.exit_status.reason,
            "command": self.command,
            "env": self.env,
            "url": self.url,
            "pools": self.pools,
            "run_id": self.run_id,
            "files": self.files,
            "dry_run": self.dry_run,
            "counts": dict(self.counts),
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "details": self.details,
            "warnings": self.warnings,
            "error": asdict(self.error) if self.error else None,
        }
