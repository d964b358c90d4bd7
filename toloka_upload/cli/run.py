"""Carries out an upload for the command line: settings, display, signals, summary."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Protocol

from toloka_upload.cli.confirm import Confirmation
from toloka_upload.cli.keep import to_keep
from toloka_upload.cli.options import UploadOptions
from toloka_upload.cli.typed import remembering
from toloka_upload.cli.watch import display_of
from toloka_upload.configure import open_to_others, read
from toloka_upload.display import Display, colour_wanted, fitting
from toloka_upload.errors import Denied, ExitStatus, Interrupted, Terminated
from toloka_upload.policies.amounts import parse_amount, parse_percent
from toloka_upload.policies.durations import parse_duration
from toloka_upload.policies.rate import parse_rate
from toloka_upload.policies.stop import parse_max_errors
from toloka_upload.report.command_line import CommandLine
from toloka_upload.report.events import EventsFile
from toloka_upload.report.observer import Observer, Warned, both
from toloka_upload.report.outputs import Use, inputs, outputs_of, refuse_clashes, streams
from toloka_upload.report.summary import Report
from toloka_upload.report.text import summary_text
from toloka_upload.rows.model import ReadOptions
from toloka_upload.run.inputs import look_at
from toloka_upload.run.upload import Upload
from toloka_upload.settings import DAILY_LIMIT, RATE, Budget, Pacing, Requests, Settings, pool_id
from toloka_upload.text import encodable

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_KEPT, _MOST_KEPT = 4 * 1024 * 1024, 32 * 1024 * 1024
"""Bytes of one piece, and of all, that are kept when freed to be used again: requests and answers, not big tables."""
_QUIET_COLLECTIONS = 100_000
"""Objects between two runs of the garbage collector: logs of 10,000 entries make many, and no cycles."""


def run_upload(files: list[str], options: UploadOptions, command: CommandLine) -> int:
    """Upload, telling people or programs what happens; return the exit status."""
    tame_memory()
    confirmation = Confirmation()
    try:
        settings = settings_from(files, options, confirmation)
    except Denied:
        look_at(files)  # a name that was typed wrong is found sooner than a token
        raise
    events, token_file = options.events, options.token_file
    outputs = outputs_of(settings)
    if options.report:
        outputs.append(Use("--report", options.report))
    if events and events != "-":
        outputs.append(Use("--events", Path(events)))
    refuse_clashes(outputs, to_keep(settings.files, token_file))
    for stream in streams(1, 2):  # which may well be one file
        refuse_clashes([stream], inputs(settings.files))
    with ExitStack() as stack:
        display = stack.enter_context(display_of(options, stdout_busy=events == "-"))
        observer: Observer = display
        confirmation.display = display
        if events:
            writer = EventsFile.open(
                events, sys.stdout.buffer, time.time, lambda message: display(Warned(message))
            )
            observer = both(display, stack.enter_context(writer))
        if open_to_others(token_file):
            observer(
                Warned(
                    f"{token_file} can be read by others on this machine: chmod 600 {token_file}"
                )
            )
        upload = Upload(settings, both(remembering(command, settings.state_dir), observer))
        obey_signals(upload, display)
        report = upload.run()
    if options.report:
        from toloka_upload.cli.report import write_page

        write_page(report, command, settings.state_dir, options.report)
    _print_summary(report, command, json_output=options.json_output, events=events)
    return report.exit_status


def tame_memory() -> None:
    """Keep memory flat and the collector quiet: this process is ours to tune, unlike that of a library's user."""
    gc.freeze()
    gc.set_threshold(_QUIET_COLLECTIONS)
    # glibc gives every thread a heap of its own, and each keeps the megabytes of its largest answer: one heap will do.
    # It also gives each freed megabyte back to the system, which then has to clear it for the next request.
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _KEPT)
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)


def settings_from(
    files: list[str], options: UploadOptions, confirm: Callable[[str], bool] | None = None
) -> Settings:
    """The settings that options ask for.

    Raises:
        UsageProblem: They cannot be.
        Denied: The token file cannot be read.
    """
    return Settings(
        files=tuple(files),
        target=options.target(),
        pool=pool_id(options.pool) if options.pool else None,
        state_dir=options.directory(),
        reading=ReadOptions(
            options.format,
            options.delimiter,
            options.encoding,
            options.sheet,
            options.suites_by_blank_line,
            options.infinite_golden,
        ),
        requests=Requests(
            "async" if options.asynchronous else "sync",
            options.chunk_size,
            options.allow_defaults,
            options.skip_invalid_items,
            options.overlap,
            options.suite_size,
        ),
        pacing=_pacing(options),
        budget=Budget(
            read("--fee", options.fee, parse_percent),
            read("--max-cost", options.max_cost, parse_amount),
            options.max_cost_ignore_unknown,
            read("--confirm-over", options.confirm_over, parse_amount),
            confirm,
        ),
        check=options.check,
        dry_run=options.dry_run,
        again=options.again,
        resend_unknown=options.resend_unknown,
        wait=options.wait,
        open_pool=options.open_pool,
        results=options.results,
        rejects=options.rejects,
        force=options.force,
    )


def _pacing(options: UploadOptions) -> Pacing:
    # The embedded emulator has no quotas; everyone else gets the documented ones.
    usual = (None, None) if options.env == "local" else (RATE, DAILY_LIMIT)
    return Pacing(
        rate=read("--rate", options.rate, parse_rate) or usual[0],
        daily_limit=usual[1] if options.daily_limit is None else options.daily_limit,
        concurrency=options.concurrency,
        timeout=options.timeout,
        retry_for=read("--retry-for", options.retry_for, parse_duration) or 0.0,
        operation_timeout=read("--operation-timeout", options.operation_timeout, parse_duration),
        try_again_for=read("--try-again-for", options.try_again_for, parse_duration),
        wait_quota=options.wait_quota,
        wait_lock=read("--wait-lock", options.wait_lock, parse_duration) or 0.0,
        settle_pause=read("--settle-pause", options.settle_pause, parse_duration) or 0.0,
        max_errors=read("--max-errors", options.max_errors, parse_max_errors),
        fail_fast=options.fail_fast,
    )


class Interruptible(Protocol):
    """What a signal stops."""

    def interrupt(self, error: Interrupted) -> None:
        """Begin nothing new, and end."""
        ...


def obey_signals(work: Interruptible, display: Display) -> None:
    """The first signal ends the run in order, the second at once; the journal is right in both cases."""
    received: list[int] = []

    def handler(number: int, _: FrameType | None) -> None:
        received.append(number)
        status = ExitStatus.TERMINATED if number == signal.SIGTERM else ExitStatus.INTERRUPTED
        if len(received) > 1:
            display.close()
            os._exit(status)
        kind = Terminated if number == signal.SIGTERM else Interrupted
        name = signal.Signals(number).name
        work.interrupt(
            kind(
                f"Stopped by {name}. Nothing new is sent; the journal knows what was. Run the same command again: "
                "it goes on from there.",
                code=name,
            )
        )

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup keeps its promise
            signal.signal(number, handler)


def _print_summary(
    report: Report, command: CommandLine, *, json_output: bool, events: str | None
) -> None:
    if json_output:
        # In ASCII: names of undecodable bytes become escapes, whatever standard output's encoding is.
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    elif events != "-":
        text = summary_text(
            report,
            command,
            colour=colour_wanted(sys.stdout, os.environ),
            wrap=partial(fitting, stream=sys.stdout),
        )
        sys.stdout.write(encodable(text, sys.stdout.encoding))
