"""What this program stops for by itself."""

from __future__ import annotations

from collections.abc import Mapping

from toloka_upload.explanations.model import Explanation

_ROOM = "Make room, correct the permissions, or name another place."

PROGRAM: Mapping[str, Explanation] = {
    "OUTPUT_CLASH": Explanation(
        "A file that would be written is also one that must stay as it is.",
        "--results tasks.jsonl tasks.jsonl; or a hard link to the input",
        "Name another file for the output.",
    ),
    "REJECTS_EXIST": Explanation(
        "The file that --rejects names is there already, and may hold rows that somebody is fixing.",
        "the same command is run again with --rejects bad.jsonl",
        "Name another file with --rejects, or add --force to overwrite it.",
    ),
    "REJECTS": Explanation(
        "The rejected rows cannot be written.",
        "a full disk",
        f"{_ROOM} It is --rejects that names it.",
    ),
    "RESULTS": Explanation(
        "The results cannot be written.",
        "a full disk, or a folder that is not there",
        f"{_ROOM} What was uploaded is in the journal: toloka-upload runs RUN --results FILE writes them again.",
    ),
    "REPORT": Explanation(
        "The page about the run cannot be written.",
        "a folder that is not there",
        f"{_ROOM} toloka-upload runs RUN --report FILE writes it again.",
    ),
    "EVENTS": Explanation(
        "The events cannot be written.",
        "a folder that is not there",
        "Name another file with --events.",
    ),
    "STDOUT": Explanation(
        "Standard output did not take all that was written to it.",
        "a full disk: toloka-upload ... > summary.txt",
        "Make room. What was uploaded is in the journal: toloka-upload runs shows it.",
    ),
    "STATE_DIR": Explanation(
        "The state directory cannot be used. Without it nothing is sent.",
        "a home directory that is read-only",
        f"{_ROOM} --state-dir names it.",
    ),
    "SPOOL": Explanation(
        "What is planned cannot be kept in the state directory.",
        "a full disk",
        f"{_ROOM} --state-dir names it.",
    ),
    "LOCK": Explanation(
        "The lock that keeps two runs from one pool cannot be made.",
        "a state directory that belongs to somebody else",
        f"{_ROOM} --state-dir names it.",
    ),
    "JOURNAL": Explanation(
        "The journal cannot be used. Without it nothing is sent.",
        "a full disk, or a file that cannot be written",
        f"{_ROOM} --state-dir names it.",
    ),
    "DAMAGED_JOURNAL": Explanation(
        "The journal of a pool is damaged.",
        "a disk that fails, or a file that was edited",
        "Restore it from a backup, or let toloka-upload adopt --pool ID make a new one from what the pool has.",
    ),
    "FOREIGN_JOURNAL": Explanation(
        "A file in the journals' place is no journal, or that of another pool.",
        "a journal that was copied to another name",
        "Move it away, or name another --state-dir.",
    ),
    "NEWER_JOURNAL": Explanation(
        "The journal was written by a newer version of this program.",
        "an upgrade was taken back",
        "Use that version, or name another --state-dir and adopt the pool there.",
    ),
    "LOCKED_BY_RUN": Explanation(
        "Another run of yours is at work on the pool.",
        "a cron job begins while the one before still runs",
        "Run the same command again when the other is done, or wait for it: --wait-lock 30m.",
    ),
    "POOL_LOCKED": Explanation(
        "The pool has been locked at the API for as long as is waited.",
        "the platform moves or changes the pool",
        "Run the same command again later.",
    ),
    "POOL_ARCHIVED": Explanation(
        "The pool is archived and takes no tasks.",
        "a pool that was idle for a month",
        "Clone the pool, or name another one with --pool.",
    ),
    "PROJECT_ARCHIVED": Explanation(
        "The pool's project is archived: its pools take no tasks.",
        "an old project",
        "Take the project out of the archive, or name a pool of another one.",
    ),
    "POOL_NOT_OPENED": Explanation(
        "All rows are in the pool, and opening it failed.",
        "an account without money",
        "Open the pool in the web interface, or run the same command again.",
    ),
    "POOL_OPENING": Explanation(
        "All rows are in the pool, and the API has not said yet whether it is open.",
        "an operation that takes long",
        "Look at the pool in the web interface, or run the same command again.",
    ),
    "POOL_NOT_CLOSED": Explanation(
        "The pool could not be closed, so nothing was taken back.",
        "undo --close-pool while another operation is at work on the pool",
        "Run the same command again, or leave out --close-pool.",
    ),
    "OPERATION_FAILED": Explanation(
        "An operation ended as failed, and its log does not say why.",
        "a fault at the server",
        "Run the same command again later: what arrived is looked up first.",
    ),
    "REJECTED": Explanation(
        "The API refuses the row and does not say why.",
        "a log entry without code or message",
        "Upload the row alone, or ask the platform's support with the operation's id.",
    ),
    "TOKEN_MISSING": Explanation(
        "There is no token, or the place that should have it does not.",
        "TOLOKA_TOKEN is not set; a --token-file that is empty; a --token-command that fails",
        "Put the token into TOLOKA_TOKEN, or into a file named by --token-file (--env local needs none).",
    ),
    "PROXY": Explanation(
        "The proxy that the environment names cannot be used.",
        "HTTPS_PROXY=socks5://..., or a port that is no number",
        "Correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or unset them.",
    ),
    "CERTIFICATES": Explanation(
        "The file of certificates that the environment names cannot be used.",
        "SSL_CERT_FILE names a file that is not there",
        "Correct SSL_CERT_FILE, or unset it.",
    ),
    "LOCAL_EMULATOR": Explanation(
        "The data of --env local cannot be used.",
        "a full disk",
        "Make room, or begin anew: toloka-upload emulator --reset.",
    ),
    "MAX_COST": Explanation(
        "The upload may cost more than --max-cost allows, so nothing was sent.",
        "10,000 rows with an overlap of 3",
        "Look at the cost with --dry-run, and allow more with --max-cost.",
    ),
    "COST_UNKNOWN": Explanation(
        "Nobody can tell what the upload costs at most, so --max-cost lets nothing go.",
        "a pool with dynamic overlap and no maximum",
        "Give the pool a maximum, or compare the least cost: --max-cost-ignore-unknown.",
    ),
    "NOT_CONFIRMED": Explanation(
        "The upload costs more than --confirm-over, and nobody said yes.",
        "a cron job with --confirm-over 100",
        "Run it on a terminal and say yes, or raise --confirm-over.",
    ),
    "MAX_ERRORS": Explanation(
        "More rows were rejected than --max-errors allows.",
        "--max-errors 10, and the 11th row was rejected",
        "Fix these rows, or allow more with --max-errors; the same command goes on from there.",
    ),
    "DAILY_LIMIT": Explanation(
        "As many items were sent in 24 hours as --daily-limit allows.",
        "2,000,000 tasks since yesterday",
        "Run the same command again at the time that the message names, or add --wait-quota.",
    ),
    "TRY_AGAIN_FOR": Explanation(
        "Run after run ended with status 75, for longer than --try-again-for allows.",
        "a cron job that has met a failing service since yesterday",
        "Look at what the message says of this time; the same command goes on once that is over.",
    ),
    "RUN_LOST": Explanation(
        "The log knows the run, and its journal is gone.",
        "undo or verify of a run whose journal was moved away or never restored",
        "Restore the journal from a backup, or compare the pool with the files: toloka-upload verify --pool ID FILE.",
    ),
    "SIGINT": Explanation(
        "Ctrl-C stopped the run.",
        "status 130",
        "Run the same command again: it goes on from there.",
    ),
    "SIGTERM": Explanation(
        "The system, or kill, stopped the run.",
        "status 143",
        "Run the same command again: it goes on from there.",
    ),
    "SIGHUP": Explanation(
        "The terminal that the run belonged to was closed.",
        "a connection over ssh that broke",
        "Run the same command again, with nohup or in tmux: it goes on from there.",
    ),
    "BUG": Explanation(
        "An error of this program itself.",
        "something that nobody thought of",
        "Report it, with the file that the message names. The same command goes on from there.",
    ),
}
"""Codes of this program's own."""
