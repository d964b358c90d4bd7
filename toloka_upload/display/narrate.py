"""Events told as lines of text: the same words in every form of the display."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from toloka_upload._version import __version__
from toloka_upload.api.target import shown
from toloka_upload.display.progress import Progress
from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev
from toloka_upload.report.account import AccountReport, named_counts
from toloka_upload.report.summary import Counts, Report
from toloka_upload.report.text import cost_words
from toloka_upload.text import (
    MESSAGE_LIMIT,
    count,
    counted,
    duration,
    fault_line,
    listed,
    percent,
    plain,
)

CAUSES_SHOWN = 10
"""Kinds of faults that are printed as lines of their own; the summary has all."""
WAIT_REPEATED = 30.0
"""Seconds before a wait for the same reason is worth another line."""


ON_THEIR_WAY = "on their way: the next run settles them"
"""What is said of rows in flight when a run was told to stop: nothing is wrong with them."""


class Level(IntEnum):
    """Who wants a line. Each form prints the lines from one level up."""

    DETAIL = 0
    """Each chunk, each retry: with `--verbose` only."""
    STEP = 1
    """Where there is no live display to show it: start, waits, end."""
    NOTE = 2
    """Worth a line on any display."""
    TROUBLE = 3
    """Errors and warnings: said even with `--quiet`."""


class Line(NamedTuple):
    """A line to print, without its line end, harmless to a terminal."""

    level: Level
    text: str


class Narrator:
    """Turns events into lines, and keeps what is said only once or only so often.

    A fault is said once a cause, that is a code and a field, with its first place; at the end, unless the summary
    follows, how many rows have it.

    Args:
        say_error: Say what ended the run as well; not wanted where the summary follows in the same place and says it.
    """

    def __init__(self, *, say_error: bool) -> None:
        self._say_error = say_error
        self._causes: set[tuple[str, str]] = set()
        self._told: dict[str, float] = {}

    def __call__(self, event: ev.Event, now: float) -> list[Line]:
        """Return the lines an event is worth at `now`, most often none."""
        match event:
            case ev.RowRejected():
                return self._fault(event)
            case ev.Waiting():
                return self._wait(event, now)
            case ev.Warned():
                return [Line(Level.TROUBLE, f"warning: {plain(event.message, MESSAGE_LIMIT)}")]
            case ev.Stopping():
                reason = plain(event.reason, MESSAGE_LIMIT)
                return [Line(Level.TROUBLE, f"stopping: {reason}")]
            case ev.RunStarted():
                return [Line(Level.STEP, start_line(event))]
            case ev.CostKnown():
                return [Line(Level.NOTE, f"cost: {plain(cost_words(event.cost), MESSAGE_LIMIT)}")]
            case ev.PoolOpened():
                said = "was open already" if event.already else "is open"
                return [Line(Level.NOTE, f"pool {plain(event.pool)} {said}")]
            case ev.AccountStarted():
                return [Line(Level.STEP, account_line(event))]
            case ev.AccountFinished():
                return list(self._end(event.report))
            case ev.RunFinished():
                return list(self._end(event.report))
        detail = _detail(event)
        return [Line(Level.DETAIL, detail)] if detail else []

    def _fault(self, event: ev.RowRejected) -> list[Line]:
        cause = (event.code, event.field)
        if cause in self._causes or len(self._causes) > CAUSES_SHOWN:
            return []
        self._causes.add(cause)
        if len(self._causes) > CAUSES_SHOWN:
            return [Line(Level.TROUBLE, "there are more kinds of faults; the summary has them")]
        text = fault_line(event.file, event.line, event.field, event.code, event.message)
        return [Line(Level.TROUBLE, text)]

    def _wait(self, event: ev.Waiting, now: float) -> list[Line]:
        if event.seconds <= 0:
            return []
        last = self._told.get(event.reason)
        fresh = last is None or now - last >= WAIT_REPEATED
        if fresh:
            self._told[event.reason] = now
        level = Level.STEP if fresh else Level.DETAIL
        words = event.words(event.seconds, zone=True)
        return [Line(level, f"waiting: {plain(words, MESSAGE_LIMIT)}")]

    def _end(self, report: Report | AccountReport) -> Iterator[Line]:
        if self._say_error and isinstance(report, Report):
            yield from _counted_causes(report)
        if report.error and self._say_error:
            lines = report.error.message.splitlines() or [report.error.code]
            yield Line(Level.TROUBLE, f"error: {plain(lines[0], MESSAGE_LIMIT)}")
            yield from (
                Line(Level.TROUBLE, f"  {plain(line, MESSAGE_LIMIT)}") for line in lines[1:]
            )
        if self._say_error or not _nothing_read(report):
            yield Line(Level.STEP, end_line(report))


def _counted_causes(report: Report) -> Iterator[Line]:
    """How many rows have each fault, where more than one has it."""
    for group in report.errors[:CAUSES_SHOWN]:
        if group.count > 1:
            where = f" in {plain(group.field)}" if group.field else ""
            text = f"{counted(group.count, 'row')} with {plain(group.code)}{where}, the first at "
            yield Line(Level.TROUBLE, f"{text}{plain(group.file)}:{group.line}")


def _nothing_read(report: Report | AccountReport) -> bool:
    """Whether an upload ended with an error before its first row: the error is all there is to say."""
    return isinstance(report, Report) and report.error is not None and report.counts.read == 0


def start_line(event: ev.RunStarted) -> str:
    """What goes where, in one line."""
    what = "checking" if event.dry_run else "uploading"
    where = f"pool {plain(event.pool)}" if event.pool else "the pools its rows name"
    place = plain(shown(event.env, event.url))
    return f"toloka-upload {__version__}: {what} {listed(event.files)} for {where} at {place}"


ACCOUNT_WORDS = {
    "verify": ("Verifying", "Verified"),
    "undo": ("Undoing", "Undone"),
    "adopt": ("Adopting", "Adopted"),
}


def account_line(event: ev.AccountStarted) -> str:
    """What a command of the account is about, in one line."""
    words = ACCOUNT_WORDS[event.command][0].lower()
    what = [f"run {plain(event.run_id)}"] if event.run_id else []
    what += [f"pool {plain(pool)}" for pool in event.pools]
    place = plain(shown(event.env, event.url))
    return f"toloka-upload {__version__}: {words} {', '.join(what)} at {place}"


def end_line(report: Report | AccountReport) -> str:
    """How the run ended and what became of its rows, in one line."""
    status = report.exit_status
    how = "finished" if status == 0 else f"ended with exit {int(status)} ({status.reason})"
    interrupted = status in {ExitStatus.INTERRUPTED, ExitStatus.TERMINATED}
    if _nothing_read(report):
        return f"{how}; {report.seconds:.1f} s"
    words = (
        named_counts(report.counts)
        if isinstance(report, AccountReport)
        else count_words(report.counts, ON_THEIR_WAY if interrupted else "unknown")
    )
    return f"{how}: {words}; {report.seconds:.1f} s"


def count_words(counts: Counts, unknown: str = "unknown") -> str:
    """Return "25,000 rows read, 24,990 created, 10 rejected": what is zero is left out."""
    parts = [
        (counts.created, "created"),
        (counts.already_uploaded, "already uploaded"),
        (counts.rejected, "rejected"),
        (counts.unknown, unknown),
        (counts.unsent, "unsent"),
    ]
    told = [f"{count(number)} {name}" for number, name in parts if number]
    return ", ".join([f"{counted(counts.read, 'row')} read", *told])


def progress_line(progress: Progress, now: float) -> str:
    """How far the run is, in one line: for the displays without a bar."""
    parts = [*main_words(progress), *side_words(progress, now)]
    if progress.flights:
        parts.append(f"{counted(len(progress.flights), 'chunk')} in flight")
    parts += (f"waiting: {plain(wait.words(now, zone=True))}" for wait in progress.waits(now))
    return f"after {duration(now - progress.started)}: {', '.join(parts)}"


def main_words(progress: Progress) -> list[str]:
    """Rows in the pool of all rows, and the share of them; while nothing was sent, rows read."""
    share = progress.share
    shown = [] if share is None else [percent(share)]
    if progress.command:
        done = progress.account
        if done is None:
            return ["begun"]
        of = "" if done.total is None else f" of {count(done.total)}"
        return [f"{count(done.done)}{of} {done.what}", *shown]
    if progress.checking:
        return [f"{counted(progress.read, 'row')} read", *shown]
    total = progress.total
    if total is None:
        return [f"{counted(progress.in_pool, 'row')} in the pool"]
    about = "" if progress.finished_reading else "about "
    return [f"{count(progress.in_pool)} of {about}{counted(total, 'row')} in the pool", *shown]


def side_words(progress: Progress, now: float) -> list[str]:
    """Speed, time left, and the outcomes that are not the usual one; the most wanted first."""
    parts = []
    rate, left = progress.rate(now), progress.seconds_left(now)
    if rate is not None:
        parts.append(f"{rate:,.0f}{'' if progress.command else ' rows'}/s")
    if left is not None:
        parts.append(f"{duration(left)} left")
    for number, name in (
        (progress.rejected, "rejected"),
        (progress.unknown, ON_THEIR_WAY if progress.interrupted else "unknown"),
        (progress.already_uploaded, "already uploaded"),
    ):
        if number:
            parts.append(f"{count(number)} {name}")
    return parts


def _detail(event: ev.Event) -> str:
    match event:
        case ev.PoolChecked():
            known = counted(event.known_rows, "row")
            return (
                f"pool {plain(event.pool)} ({plain(event.name)}, {plain(event.status)}) of project"
                f" {plain(event.project)}; {known} known from earlier uploads"
            )
        case ev.ChunkSent():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            name = f", operation {plain(event.operation_id)}" if event.operation_id else ""
            rows = counted(event.rows, "row")
            return f"chunk {event.chunk}: {rows} sent, {count(event.bytes)} bytes{name}{again}"
        case ev.ChunkSettled():
            counts = Counts(
                created=event.created,
                already_uploaded=event.already_uploaded,
                rejected=event.rejected,
                unknown=event.unknown,
            )
            words = count_words(counts).partition(", ")[2]
            return f"chunk {event.chunk}: {words or 'no rows'}"
        case ev.ChunkReturned():
            return f"chunk {event.chunk}: goes again: {plain(event.reason, MESSAGE_LIMIT)}"
    return ""
