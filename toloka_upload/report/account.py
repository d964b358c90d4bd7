"""How `verify`, `undo` or `adopt` ended: the content of their JSON, whose keys are promised to users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from toloka_upload.api.target import shown
from toloka_upload.errors import ExitStatus
from toloka_upload.report.summary import SCHEMA_VERSION, RunError
from toloka_upload.text import MESSAGE_LIMIT, count, listed, plain

COUNTS = {
    "verify": ("rows", "same", "changed", "missing", "unread", "doubled", "extra"),
    "undo": ("items", "undone", "partly", "failed", "left"),
    "adopt": ("listed", "adopted", "known"),
}
"""What each command counts."""


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

    def __post_init__(self) -> None:
        """Begin to count."""
        self.counts = self.counts or dict.fromkeys(COUNTS[self.command], 0)

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
            "error": self.error.as_json() if self.error else None,
        }


def named_counts(counts: dict[str, int]) -> str:
    """Counts in words: "25,000 rows, 24,990 same, 10 missing"; what is zero is left out, but for the first."""
    (first, number), *others = counts.items() or [("items", 0)]
    parts = [f"{number:,} {first}", *(f"{value:,} {name}" for name, value in others if value)]
    return ", ".join(parts)


def account_text(report: AccountReport) -> str:
    """The report for people, as lines of text, the last one ended. Of a command that did nothing, why."""
    if report.error and not any(report.counts.values()):
        said = plain(report.error.message, MESSAGE_LIMIT)
        return f"{report.command}: nothing was done: {said}{report.error.reference}\n"
    lines = [f"{report.command}: {named_counts(report.counts)}"]
    if report.run_id:
        lines.append(f"  run       {plain(report.run_id)}")
    if report.files:
        lines.append(f"  files     {listed(report.files)}")
    if report.pools:
        lines.append(
            f"  pools     {listed(report.pools)} at {plain(shown(report.env, report.url))}"
        )
    lines.append(f"  time      {report.seconds:.1f} s")
    lines.append(f"  requests  {report.requests:,}")
    lines += [f"  {plain(detail, MESSAGE_LIMIT)}" for detail in report.details]
    if report.error:
        lines.append(
            f"Error: {plain(report.error.message, MESSAGE_LIMIT)} ({plain(report.error.code)})"
        )
    return "\n".join(lines) + "\n"


def account_facts(account: dict[str, Any]) -> list[tuple[str, str]]:
    """What was done about a run's rows since: `verified` and `undone`, where something was."""
    facts = []
    if verified := account.get("verified"):
        share = f" ({verified['share']:.0%} of the rows looked at)" if verified["share"] < 1 else ""
        facts.append(("verified", f"{verified['at']}: {named_counts(verified['counts'])}{share}"))
    undone = account.get("undone") or {}
    names = {
        "undone": "nobody gets",
        "partly": "nobody more gets",
        "asked": "not known yet",
        "failed": "refused",
    }
    parts = [f"{count(undone[name])} {words}" for name, words in names.items() if undone.get(name)]
    return [*facts, ("undone", ", ".join(parts))] if parts else facts
