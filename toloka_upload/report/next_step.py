"""What to do next: in words, and as command lines that work as they stand.

A step is right for what happened: it does not send good rows where there are none, names the API that a token is for,
and reads a rejects file as what it is, which need not be what its input was.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

from toloka_upload.api.target import shown
from toloka_upload.errors import ExitStatus
from toloka_upload.explanations import EXPLANATIONS, STATUSES
from toloka_upload.report.command_line import CommandLine, quoted
from toloka_upload.report.outputs import reasons_beside
from toloka_upload.report.summary import Report
from toloka_upload.text import listed, plain

COST_CODES = frozenset({"MAX_COST", "COST_UNKNOWN", "NOT_CONFIRMED"})
_COST_LIMITS = ("--max-cost", "--max-cost-ignore-unknown", "--confirm-over")
_AGAIN = "run the same command again"

_OTHERWISE = {
    "DOES_NOT_EXIST": "name the right pool with --pool, at the right place (--env or --url)",
    "MIXER_CONFIG_REQUIRED": "add --suite-size N, as said above",
    "POOL_TASK_TYPE_CONFLICT": "upload what this pool takes, as said above, or name another --pool",
    "POOL_ARCHIVED": "clone the pool, and name the clone with --pool",
    "NO_POOL": "add --pool and the pool's number, or give each row a pool_id",
}
"""What to do where the same command would fail in the same way, by the error's code."""


class Step(NamedTuple):
    """One thing to do. The command lines, if there are any, are what `words` end with."""

    words: str
    commands: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The words, ended."""
        return f"{self.words}{':' if self.commands else '.'}"


def next_steps(report: Report, command: CommandLine | None) -> list[Step]:
    """
    What to do next; nothing after a success. Of several steps each is a way of its own.

    Args:
        report: How the run ended.
        command: The command line that it was; None: a program began it.
    """
    code, status = report.error.code if report.error else "", report.exit_status
    command = command and command.with_free_outputs()
    if code in _OTHERWISE:
        return [Step(_OTHERWISE[code])]
    if status is ExitStatus.STOPPED and code in COST_CODES:
        return [_look_at_cost(code, command)]
    if status is ExitStatus.BAD_INPUT and report.counts.rejected:
        return _fix_or_skip(report, command)
    if status is ExitStatus.BAD_INPUT:
        return _fix_file(report, command)
    if status is ExitStatus.OK:
        return _after_success(report, command)
    if status is ExitStatus.REJECTED and report.rejects_files:
        return [_fix_rejects(report, command)]
    if status is ExitStatus.USAGE and code == "USAGE":
        return [Step("correct the command; this shows all options", ("toloka-upload --help-all",))]
    if code == "LOCKED_BY_RUN" and command:
        return [_again("wait for the other run", command.plus("--wait-lock", "30m"))]
    if status is ExitStatus.UNKNOWN:
        command = command and command.without("--no-wait")
    words = _words(report, command, code)
    if code == "NO_INPUT":
        return [Step("give the rows on standard input" if report.files == ["-"] else words)]
    return [_again(words, command)]


def _after_success(report: Report, command: CommandLine | None) -> list[Step]:
    if report.dry_run:
        return [_again("upload without --dry-run", command and command.without("--dry-run"))]
    return []


def _words(report: Report, command: CommandLine | None, code: str) -> str:
    """What to do before the same command may go on."""
    match report.exit_status:
        case ExitStatus.DENIED:
            return f"{_token(report, command)}, and {_AGAIN}"
        case ExitStatus.BUG:
            return f"report it with the id of this run, {plain(report.run_id)}; to go on, {_AGAIN}"
        case _ if code in ("PROXY", "CERTIFICATES"):
            return f"correct or unset these variables, and {_AGAIN}"
        case ExitStatus.CANNOT_WRITE if code == "REJECTS_EXIST":
            return "let the rejects go to another file"
        case ExitStatus.CANNOT_WRITE if code in EXPLANATIONS:
            return f"{EXPLANATIONS[code].advice.partition('. ')[0]}, and {_AGAIN}"
        case ExitStatus.STOPPED if code == "MAX_ERRORS":
            return f"fix these rows in the input, or allow more with --max-errors, and {_AGAIN}"
        case ExitStatus.STOPPED:
            return f"correct the rows or the pool, and {_AGAIN}"
    return STATUSES[report.exit_status].advice


def _again(words: str, command: CommandLine | None) -> Step:
    if command and "-" in command.files:
        words += " (with the same input)"
    return Step(words, (str(command),) if command else ())


def _look_at_cost(code: str, command: CommandLine | None) -> Step:
    if code == "NOT_CONFIRMED":
        return _again("say yes on a terminal, or raise --confirm-over", command)
    plan = command and command.without(*_COST_LIMITS).plus("--dry-run")
    return _again("look at the cost, and allow more with --max-cost if it is worth it", plan)


def _fix_or_skip(report: Report, command: CommandLine | None) -> list[Step]:
    """Nothing was sent for the sake of some rows: fix them, or send the others, if there are others."""
    steps = [_again(f"fix these rows and {_AGAIN}", command)]
    if report.counts.read > report.counts.rejected:
        words = "or send the good rows now" + ("" if command else ", with --skip-invalid-items")
        skipping = command and command.without("--dry-run", "--no-skip-invalid-items")
        steps.append(_again(words, skipping and skipping.plus("--skip-invalid-items")))
    return steps


def _fix_file(report: Report, command: CommandLine | None) -> list[Step]:
    """A file that cannot be used as it is, or not by this command."""
    error = report.error
    if error and error.install:
        return [Step("install what is missing", (install(error.install),)), _again("then", command)]
    if error and error.options and command:
        return [_again(f"if {plain(error.options[1])} is right", command.plus(*error.options))]
    known = EXPLANATIONS.get(error.code) if error else None
    return [_again(f"{known.advice if known else 'correct the file'}; then {_AGAIN}", command)]


def install(package: str) -> str:
    """The command that installs a package beside this program."""
    if importlib.util.find_spec("pip"):
        return " ".join(map(quoted, (sys.executable, "-m", "pip", "install", package)))
    return " ".join(map(quoted, ("uv", "pip", "install", "--python", sys.executable, package)))


def _fix_rejects(report: Report, command: CommandLine | None) -> Step:
    """The rejects are rows as they came, though not always in the format that they came in."""
    files = report.rejects_files
    one = len(files) == 1
    reasons = listed([str(reasons_beside(Path(file))) for file in files])
    words = (
        f"fix the rows in {listed(files)} ({reasons} {'says' if one else 'say'} why) and upload "
        f"{'that file' if one else 'these files'}"
    )
    if command is None:
        return Step(words)
    together: dict[CommandLine, list[str]] = {}  # files that are read in one way, in one command
    for file, form in zip(files, report.rejects_forms, strict=True):
        together.setdefault(command.for_rejects(file, form), []).append(file)
    return Step(words, tuple(str(how.on(*those)) for how, those in together.items()))


def _token(report: Report, command: CommandLine | None) -> str:
    place = plain(shown(report.env, report.url))
    file = command and command.value("--token-file")
    if file:
        return f"put a token for {place} that may create tasks into {plain(file)}"
    return f"set TOLOKA_TOKEN, or --token-file, to a token for {place} that may create tasks"
