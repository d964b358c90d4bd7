"""What each exit status means."""

from __future__ import annotations

from collections.abc import Mapping

from toloka_upload.errors import ExitStatus
from toloka_upload.explanations.model import Explanation

_AGAIN = "Run the same command again; it goes on from there."

STATUSES: Mapping[ExitStatus, Explanation] = {
    ExitStatus.OK: Explanation(
        "Every row is in the pool, or nothing was left to do.",
        "the second run of a finished upload; a dry run that found nothing wrong",
        "Nothing.",
    ),
    ExitStatus.REJECTED: Explanation(
        "The run finished, and some rows were rejected.",
        "--skip-invalid-items with a bad row; a row that only the API refuses",
        "Fix these rows in the input and run the same command again; what is in the pool is not sent twice.",
    ),
    ExitStatus.USAGE: Explanation(
        "The command line asks for something that cannot be.",
        "an option that does not exist; --open-pool with --no-wait",
        "Correct the command: toloka-upload --help-all has all options.",
    ),
    ExitStatus.UNKNOWN: Explanation(
        "What became of some rows could not be settled.",
        "the API lost an operation; the pool could not be listed",
        "Run the same command again; it first asks what became of these rows.",
    ),
    ExitStatus.STOPPED: Explanation(
        "The run stopped at a limit of yours, or because every row was refused for one reason.",
        "--max-errors, --max-cost or --confirm-over was passed",
        f"Fix the rows, or raise the limit. {_AGAIN}",
    ),
    ExitStatus.BAD_INPUT: Explanation(
        "Rows failed the check and nothing was sent, or the file cannot be used.",
        "a field that the project requires is empty; a web page in place of a table",
        "Fix the rows or the file as the message says and run the same command again.",
    ),
    ExitStatus.NO_INPUT: Explanation(
        "A file is missing or cannot be read.",
        "a name that was typed wrong",
        "Correct the file's name or permissions.",
    ),
    ExitStatus.REFUSED: Explanation(
        "The API refuses this upload, and would again.",
        "the pool is archived, missing, full, or of the other kind; the account's quota",
        "Do as the message says and run the same command again; it goes on from there.",
    ),
    ExitStatus.BUG: Explanation(
        "An error of this program itself.",
        "something that nobody thought of",
        f"Report it, with the file that the message names. {_AGAIN}",
    ),
    ExitStatus.CANNOT_WRITE: Explanation(
        "State, results or rejects cannot be written.",
        "a full disk; a state directory of somebody else's",
        "Make room, or choose another place (--state-dir, --results, --rejects), and run the same command again; "
        "it goes on from there.",
    ),
    ExitStatus.TRY_AGAIN: Explanation(
        "Temporary: nothing is wrong with the upload.",
        "the service fails; the day's limit is reached; another run holds the pool",
        "Run the same command again later; it goes on from there.",
    ),
    ExitStatus.DENIED: Explanation(
        "The token is missing, wrong or without permission.",
        "a token of the sandbox for production",
        "Set TOLOKA_TOKEN, or --token-file, to a token that may create tasks there, and run the same command again.",
    ),
    ExitStatus.INTERRUPTED: Explanation(
        "Ctrl-C stopped the run; state is saved.", "SIGINT, or a terminal that was closed", _AGAIN
    ),
    ExitStatus.TERMINATED: Explanation(
        "The system, or kill, stopped the run; state is saved.", "SIGTERM", _AGAIN
    ),
}
