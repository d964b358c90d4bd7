"""Exit statuses, and the errors that end a run with one of them.

    UploadError
    ├── UsageProblem     2   the command line asks for something that cannot be
    ├── Stopped          4   more rows were rejected, or it may cost more, than the run allows
    ├── Interrupted    130   a signal asked to stop (143 for SIGTERM)
    ├── BadInput        65   the input as a whole is wrong (its rows' faults are values, not errors)
    ├── NoInput         66   an input is missing or cannot be read
    ├── Refused         69   the API refuses this upload
    ├── CannotWrite     73   state, results or rejects cannot be written
    ├── TryAgain        75   temporary: the same command, later
    └── Denied          77   the token is missing, wrong or without permission

What happens to a row is never an error: it is an outcome (`toloka_upload.outcomes`).
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a run ended, for shells and cron. The names stand in the summary as `exit_reason`."""

    OK = 0
    """Every row is in the pool, or nothing was left to do."""
    REJECTED = 1
    """Finished; some rows were rejected."""
    USAGE = 2
    """Wrong command line."""
    UNKNOWN = 3
    """What became of some rows could not be settled; run again to settle it."""
    STOPPED = 4
    """`--max-errors` or `--max-cost` was passed."""
    BAD_INPUT = 65
    """Rows failed the check and nothing was sent."""
    NO_INPUT = 66
    """A file is missing or cannot be read."""
    REFUSED = 69
    """The API refuses this upload."""
    BUG = 70
    """An error of ours."""
    CANNOT_WRITE = 73
    """State, results or rejects cannot be written."""
    TRY_AGAIN = 75
    """Temporary. Run the same command again: it goes on from there."""
    DENIED = 77
    """Token missing, wrong or without permission."""
    INTERRUPTED = 130
    """SIGINT; state saved."""
    TERMINATED = 143
    """SIGTERM; state saved."""

    @property
    def reason(self) -> str:
        """The name used in `exit_reason`."""
        return _REASONS[self]


_REASONS = {
    ExitStatus.OK: "ok",
    ExitStatus.REJECTED: "rejected",
    ExitStatus.USAGE: "usage",
    ExitStatus.UNKNOWN: "unknown",
    ExitStatus.STOPPED: "stopped",
    ExitStatus.BAD_INPUT: "bad input",
    ExitStatus.NO_INPUT: "no input",
    ExitStatus.REFUSED: "refused",
    ExitStatus.BUG: "bug",
    ExitStatus.CANNOT_WRITE: "cannot write",
    ExitStatus.TRY_AGAIN: "try again",
    ExitStatus.DENIED: "denied",
    ExitStatus.INTERRUPTED: "interrupted",
    ExitStatus.TERMINATED: "interrupted",
}


class UploadError(Exception):
    """A run cannot go on. `str()` says what happened, where, and what to do.

    Attributes:
        code: A short name for programs; the API's own code where the API gave one.
        request_id: The API's id for the request that was refused; its support asks for it.
        options: An option, with its value, that would probably settle it: `("--encoding", "cp1252")`.
        install: The package whose installation would settle it.
    """

    status = ExitStatus.BUG

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str | None = None,
        options: tuple[str, ...] = (),
        install: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code or self.status.name
        self.request_id = request_id
        self.options = options
        self.install = install


class UsageProblem(UploadError):
    """The command line, or the settings handed to `upload`, ask for something that cannot be."""

    status = ExitStatus.USAGE


class Stopped(UploadError):
    """More rows were rejected than allowed, all of them for one reason, or it would cost too much."""

    status = ExitStatus.STOPPED


class Interrupted(UploadError):
    """A signal asked the run to stop."""

    status = ExitStatus.INTERRUPTED


class Terminated(Interrupted):
    """SIGTERM asked the run to stop."""

    status = ExitStatus.TERMINATED


class BadInput(UploadError):
    """The input as a whole cannot be used: a wrong header, a wrong encoding, an unknown format."""

    status = ExitStatus.BAD_INPUT


class NoInput(UploadError):
    """An input is missing or cannot be read."""

    status = ExitStatus.NO_INPUT


class Refused(UploadError):
    """The API refuses this upload, and would again: the pool or the account must change first."""

    status = ExitStatus.REFUSED


class CannotWrite(UploadError):
    """State, results or rejects cannot be written."""

    status = ExitStatus.CANNOT_WRITE


class TryAgain(UploadError):
    """Temporary: nothing is wrong with the upload; the same command goes on later."""

    status = ExitStatus.TRY_AGAIN


class Denied(UploadError):
    """The token is missing, wrong, or lacks the permission."""

    status = ExitStatus.DENIED
