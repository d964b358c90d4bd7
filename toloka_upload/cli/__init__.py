"""The command line: `toloka-upload`. Thin: it reads options, calls the library, and maps the end to an exit status."""

from __future__ import annotations

import sys

from toloka_upload.cli.app import app
from toloka_upload.cli.streams import failure_of_stdout, leave_stdin, say, take_streams
from toloka_upload.errors import CannotWrite, ExitStatus, UploadError


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.platform == "win32":
        sys.exit(
            "toloka-upload runs on Linux and macOS. On Windows, run it in WSL (wsl --install): "
            "the same commands, with Linux paths."
        )
    take_streams()
    status = run_command_line(sys.argv[1:])
    say("", end="")  # what is left in standard error, while its failure does no harm
    leave_stdin()
    sys.exit(status)


def run_command_line(arguments: list[str]) -> int:
    """Run the command line; return its exit status. No traceback is ever shown."""
    status = _status(arguments)
    failure = failure_of_stdout()
    return status if failure is None else _ended(_lost(failure, status), "", as_json=False)


def _status(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    command = arguments[0] if arguments else ""
    try:
        return int(app(arguments, prog_name="toloka-upload", standalone_mode=False) or 0)
    except UploadError as error:
        return _ended(error, command, as_json=as_json)
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except SystemExit as end:  # completion ends so, and what typer makes of a reader that went away
        return (
            ExitStatus.CANNOT_WRITE if isinstance(end.__context__, OSError) else int(end.code or 0)
        )
    except BrokenPipeError:
        return ExitStatus.CANNOT_WRITE
    except Exception as error:  # noqa: BLE001  # whatever it is, a user gets a sentence
        # The vendored click's errors carry their own exit status and text; its classes are not public.
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            return _misused(error, command, as_json=as_json)
        if isinstance(error, OSError) and (failure := failure_of_stdout()):
            return _ended(_lost(failure, None), command, as_json=False)
        from toloka_upload.cli.bug import report_bug

        return _ended(report_bug(error, arguments), command, as_json=as_json)


def _lost(failure: OSError, status: int | None) -> UploadError:
    """What to say when standard output did not take it all."""
    done = "" if status is None else f" The command itself was done, with status {status}."
    return CannotWrite(
        f"Standard output cannot be written: {failure.strerror}.{done} What was uploaded is in the journal: "
        "`toloka-upload runs` shows it.",
        code="STDOUT",
    )


def _misused(error: Exception, command: str, *, as_json: bool) -> int:
    from toloka_upload.errors import UsageProblem

    problem = UsageProblem(error.format_message())  # type: ignore[attr-defined]  # asked for above
    usage = getattr(error, "ctx", None)
    before = f"{usage.get_usage()}\n" if usage else ""
    return _ended(problem, command, as_json=as_json, before=before)


def _ended(error: UploadError, command: str, *, as_json: bool, before: str = "") -> int:
    from toloka_upload.text import plain

    if as_json:
        _print_json(error, command)
    say(f"{before}toloka-upload: {plain(str(error))}")
    return error.status


def _print_json(error: UploadError, command: str) -> None:
    """The report of a command that did not come about, in the form that the command promises."""
    import json

    from toloka_upload.report.account import COUNTS, AccountReport
    from toloka_upload.report.summary import Report, RunError

    report = AccountReport(command) if command in COUNTS else Report()
    report.exit_status = error.status
    report.error = RunError.of(error)
    print(json.dumps(report.as_json()))  # noqa: T201  # the command line prints
