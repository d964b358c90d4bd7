"""Upload big task files into Toloka pools: each row exactly once, whatever happens on the way.

from toloka_upload import upload

report = upload("tasks.jsonl", pool="21", env="local")
print(report.counts.created)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toloka_upload._version import __version__

if TYPE_CHECKING:
    from toloka_upload.account.verify_run import Verification
    from toloka_upload.errors import ExitStatus, UploadError
    from toloka_upload.library import adopt, plan, undo, upload, verify
    from toloka_upload.report.account import AccountReport
    from toloka_upload.report.summary import Report
    from toloka_upload.settings import Budget, Pacing, Requests, Settings

__all__ = [
    "AccountReport",
    "Budget",
    "ExitStatus",
    "Pacing",
    "Report",
    "Requests",
    "Settings",
    "UploadError",
    "Verification",
    "__version__",
    "adopt",
    "plan",
    "undo",
    "upload",
    "verify",
]

_HOMES = {
    "AccountReport": "report.account",
    "Budget": "settings",
    "Verification": "account.verify_run",
    "adopt": "library",
    "plan": "library",
    "undo": "library",
    "verify": "library",
    "ExitStatus": "errors",
    "Pacing": "settings",
    "Report": "report.summary",
    "Requests": "settings",
    "Settings": "settings",
    "UploadError": "errors",
    "upload": "library",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `--help` must not wait for an HTTP client."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
