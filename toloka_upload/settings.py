"""Everything a run is told, in one frozen object: the core takes settings, never parsed arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from toloka_upload.api.target import Target
from toloka_upload.errors import UsageProblem
from toloka_upload.items.chunks import MOST_ITEMS_ASYNC, MOST_ITEMS_SYNC, Limits
from toloka_upload.policies.rate import Window
from toloka_upload.policies.stop import MaxErrors
from toloka_upload.rows.model import ReadOptions

RATE = Window(100_000, 60.0, "minute")
"""Items a minute: the lower of the two figures that the documents give (API reference, rate limits)."""
DAILY_LIMIT = 2_000_000
"""Items a day: likewise."""

MOST_SECONDS = 86_400
"""A longer wait for an answer helps nobody, and systems have limits of their own."""


@dataclass(frozen=True, slots=True)
class Requests:
    """How rows are asked to be created.

    Attributes:
        mode: `async` (operations with ids: safe to repeat) or `sync`.
        chunk_size: Most items in one request; None: the mode's maximum.
        allow_defaults: Take the pool's overlap for rows that name none (API parameter).
        skip_invalid_items: Create the good rows even if others are bad; off: a bad row found here means that nothing
            is sent. Also an API parameter.
        overlap: Overlap for rows that name none.
        suite_size: Group rows into suites of so many, in file order.
    """

    mode: str = "async"
    chunk_size: int | None = None
    allow_defaults: bool = True
    skip_invalid_items: bool = False
    overlap: int | None = None
    suite_size: int | None = None

    @property
    def limits(self) -> Limits:
        """What one request may carry."""
        most = MOST_ITEMS_SYNC if self.mode == "sync" else MOST_ITEMS_ASYNC
        return Limits(items=min(self.chunk_size or most, most))

    def __post_init__(self) -> None:
        _positive("--chunk-size", self.chunk_size)
        _positive("--suite-size", self.suite_size)
        most = MOST_ITEMS_SYNC if self.mode == "sync" else MOST_ITEMS_ASYNC
        if self.chunk_size and self.chunk_size > most:
            raise UsageProblem(
                f"--chunk-size {self.chunk_size} is over the most that a request may carry in "
                f"{self.mode} mode: {most}."
            )
        if self.overlap is not None and not 1 <= self.overlap <= 30_000:
            raise UsageProblem(f"--overlap {self.overlap} is not between 1 and 30000.")


OPERATION_TIMEOUT = 7200.0
"""Seconds: the official SDK gives up after an hour at most (its `wait_operation`)."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast, how patiently, and when to give up.

    Attributes:
        rate: Items per time unit; None: any number.
        daily_limit: Items in any 24 hours, over all runs of this account on this machine; None: any number.
        concurrency: Most operations in flight on a pool; None: it finds its own level.
        timeout: Seconds without a byte after which a request is given up. In all it may take so long, and longer only
            as it moves 8 KiB a second, at most twelve times as long.
        retry_for: Seconds without any success after which a failing service is given up.
        operation_timeout: Seconds since its request after which an operation that does not end is left as unknown, so
            that it does not hold the pool; None: never.
        try_again_for: Seconds after which status 75, run after run, becomes 69, which nobody takes for temporary; None:
            never.
        wait_quota: Wait when the day's quota is used up, instead of ending.
        wait_lock: Seconds to wait for another run that holds the pool.
        settle_pause: Seconds between two looks into a pool's listing for rows without an answer. What is missing at
            the second was not created; after four of them a request that got no answer is taken not to arrive.
        max_errors: Stop sending once more rows than that were rejected.
        fail_fast: Stop when all rows of the first chunks are refused for one reason.
    """

    rate: Window | None = RATE
    daily_limit: int | None = DAILY_LIMIT
    concurrency: int | None = None
    timeout: float = 60.0
    retry_for: float = 900.0
    operation_timeout: float | None = OPERATION_TIMEOUT
    try_again_for: float | None = None
    wait_quota: bool = False
    wait_lock: float = 0.0
    settle_pause: float = 5.0
    max_errors: MaxErrors | None = None
    fail_fast: bool = True

    @classmethod
    def usual(cls, env: str) -> Pacing:
        """What holds where nothing is named: the emulator inside this process has no limits."""
        return cls(rate=None, daily_limit=None) if env == "local" else cls()

    @property
    def windows(self) -> list[Window]:
        """The limits on items, as windows of time."""
        day = [Window(self.daily_limit, 86_400.0, "day")] if self.daily_limit else []
        return [self.rate, *day] if self.rate else day

    def __post_init__(self) -> None:
        _positive("--concurrency", self.concurrency)
        _positive("--daily-limit", self.daily_limit)
        if not 0 < self.timeout <= MOST_SECONDS:
            raise UsageProblem(
                f"--timeout takes seconds above zero, at most {MOST_SECONDS}: a day."
            )


@dataclass(frozen=True, slots=True)
class Budget:
    """What an upload may cost.

    Attributes:
        fee: The platform's part, in percent on top of what workers get; None: not known, and not counted.
        max_cost: Send nothing that may cost more.
        ignore_unknown: Compare the least cost where the most cannot be told.
        confirm_over: Ask before sending what may cost more, or nobody knows how much.
        confirm: Whom to ask: gets the question, returns whether to go on. None: nobody, so nothing is sent.
    """

    fee: Decimal | None = None
    max_cost: Decimal | None = None
    ignore_unknown: bool = False
    confirm_over: Decimal | None = None
    confirm: Callable[[str], bool] | None = None

    @property
    def holds_back(self) -> bool:
        """Whether nothing may be sent before all costs are known."""
        return self.max_cost is not None or self.confirm_over is not None


@dataclass(frozen=True, slots=True)
class Settings:
    """One run.

    Attributes:
        files: Inputs in order; `-` is standard input.
        target: The API.
        pool: The pool for rows that name none; None: every row names its own.
        command: What is done: `upload`, `verify`, `undo` or `adopt`.
        of_run: The past run that it is done to.
        state_dir: Where journals, the rate's ledger and the local emulator's data live.
        check: Check rows against the project's spec before sending.
        dry_run: Plan and send nothing.
        again: Upload even what the pool has from an earlier run.
        resend_unknown: Send rows again whose fate could not be settled. They may be doubled.
        wait: Wait for the operations' ends; else the next run settles them.
        open_pool: Open the pool once everything is in.
        results: Where each row's outcome goes.
        rejects: Where rejected rows go; None: `<stem>.rejects<ext>` in the working directory, or the next free name.
        force: Write to the file that `rejects` names though it is there already.
    """

    files: tuple[str, ...]
    target: Target
    pool: str | None
    state_dir: Path
    reading: ReadOptions = field(default_factory=ReadOptions)
    requests: Requests = field(default_factory=Requests)
    pacing: Pacing = field(default_factory=Pacing)
    budget: Budget = field(default_factory=Budget)
    command: str = "upload"
    of_run: str = ""
    check: bool = True
    dry_run: bool = False
    again: bool = False
    resend_unknown: bool = False
    wait: bool = True
    open_pool: bool = False
    results: Path | None = None
    rejects: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if not self.files and self.command == "upload":
            raise UsageProblem("No file to upload. Name one, or - for standard input.")
        if self.files.count("-") > 1:
            raise UsageProblem("Standard input (-) can be read once only.")
        if self.open_pool and not self.wait:
            raise UsageProblem(
                "--open-pool needs to wait for every row; it cannot go with --no-wait."
            )

    @property
    def needs_api(self) -> bool:
        """Whether the run speaks to the API at all: a dry run without the check does not."""
        return not (self.dry_run and not self.check)

    @property
    def limits(self) -> Limits:
        """What one request may carry: never more than a time unit's items, or it could never be sent."""
        limits = self.requests.limits
        return limits._replace(
            items=min([limits.items, *(window.items for window in self.pacing.windows)])
        )

    @property
    def travel_kind(self) -> str | None:
        """`task-suites` where rows are grouped into suites, else None: the input tells."""
        grouped = self.requests.suite_size or self.reading.suites_by_blank_line
        return "task-suites" if grouped else None


_POOL_ADDRESS = re.compile(r"/(?:pool|training)s?/(\d+)(?:[/?#]|$)")


def pool_id(text: str) -> str:
    """A pool's id from what the user gave: the number, or the pool's web address.

    Raises:
        UsageProblem: It is neither.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return text.lstrip("0") or "0"
    found = _POOL_ADDRESS.search(text)
    if not found:
        raise UsageProblem(
            f"--pool (or TOLOKA_POOL) {text!r} is neither a pool's number nor its web address (…/project/1/pool/21)."
        )
    return found.group(1).lstrip("0") or "0"


def _positive(option: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageProblem(f"{option} takes a number above zero, not {value}.")
