"""The command line: `toloka-upload`. Thin: it reads options, calls the library, and maps the end to an exit status."""

from __future__ import annotations

import os
import sys

from toloka_upload.cli.app import app
from toloka_upload.errors import ExitStatus, UploadError


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """Run the command line; return its exit status. No traceback is ever shown."""
    as_json = "--json" in arguments
    try:
        status = app(arguments, prog_name="toloka-upload", standalone_mode=False)
        return _flushed(int(status or 0))
    except UploadError as error:
        return _ended(error, as_json=as_json)
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer makes the second of the first
        _drop_stdout()
        return ExitStatus.CANNOT_WRITE
    except Exception as error:  # noqa: BLE001  # whatever it is, a user gets a sentence
        # The vendored click's errors carry their own exit status and text; its classes are not public.
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            return _misused(error, as_json=as_json)
        from toloka_upload.cli.bug import report_bug

        return _ended(report_bug(error, arguments), as_json=as_json)


def _misused(error: Exception, *, as_json: bool) -> int:
    from toloka_upload.errors import UsageProblem

    error.show()  # type: ignore[attr-defined]  # asked for above
    if as_json:
        _print_json(UsageProblem(error.format_message()))  # type: ignore[attr-defined]
    return ExitStatus.USAGE


def _ended(error: UploadError, *, as_json: bool) -> int:
    from toloka_upload.text import plain

    if as_json:
        _print_json(error)
    print(f"toloka-upload: {plain(str(error))}", file=sys.stderr)  # noqa: T201  # the command line prints
    return error.status


def _print_json(error: UploadError) -> None:
    """The summary of a run that did not come about."""
    import json

    from toloka_upload.report.summary import Report, RunError

    report = Report(
        exit_status=error.status, error=RunError(error.code, str(error), error.request_id)
    )
    print(json.dumps(report.as_json()))  # noqa: T201  # the command line prints


def _flushed(status: int) -> int:
    """The status, once standard output is written: a reader that went away must not end in a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
    return status


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
