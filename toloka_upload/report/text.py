"""The summary for people: what happened, where to look, what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toloka_upload.api.target import shown
from toloka_upload.errors import ExitStatus
from toloka_upload.explanations import EXPLANATIONS, LATER, STATUSES
from toloka_upload.report.command_line import CommandLine
from toloka_upload.report.next_step import Step, next_steps
from toloka_upload.report.summary import ErrorGroup, Report
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

GROUPS_SHOWN = 10
"""Groups of row errors told; `--json` has them all."""

_RED, _GREEN, _YELLOW = "31", "32", "33"
_COLOURS = {
    ExitStatus.OK: _GREEN,
    ExitStatus.REJECTED: _YELLOW,
    ExitStatus.UNKNOWN: _YELLOW,
    ExitStatus.TRY_AGAIN: _YELLOW,
    ExitStatus.INTERRUPTED: _YELLOW,
    ExitStatus.TERMINATED: _YELLOW,
}

Fact = tuple[str, str]
Paint = Callable[[str, str], str]
"""Wraps our own words in the style of an SGR code, or leaves them as they are."""


def summary_text(
    report: Report,
    command: CommandLine | None = None,
    *,
    colour: bool = False,
    wrap: Callable[[str], str] = str,
) -> str:
    """Return the summary as lines of text, the last one ended.

    Sections, each left out when it has nothing to say: how it ended, and why; a table of facts; a dry run's plan; the
    rows' errors grouped; what to do next. Where nothing was read, the first and the last are all there is to say.

    Args:
        report: What happened.
        command: The command line that it was, for the next one; None: a program began the run.
        colour: Whether to colour and embolden headings; foreign text is harmless either way.
        wrap: Wraps text at a terminal's width; command lines stay whole, so that they can be copied.
    """
    paint = _in_colour if colour else _in_black
    ended = _ended(report, paint)
    steps = _steps(next_steps(report, command), paint, wrap)
    if report.counts.read == 0:
        return "\n".join([*map(wrap, ended), *steps]) + "\n"
    sections = [
        ended,
        _table(_facts(report)),
        _plan(report.plan, paint) if report.dry_run and report.plan is not None else [],
        _groups(report.errors, paint),
    ]
    told = [wrap("\n".join(lines)) for lines in sections if lines]
    return "\n\n".join([*told, *(["\n".join(steps)] if steps else [])]) + "\n"


def _ended(report: Report, paint: Paint) -> list[str]:
    """The headline; where an error ended the run, that is the error, with what its support asks for."""
    error, style = report.error, f"1;{_COLOURS.get(report.exit_status, _RED)}"
    if error is None or _said_by_counts(report):
        return [paint(headline(report), style)]
    message = error.message.removesuffix(LATER).rstrip()  # the next step says it
    first, *rest = message.splitlines() or [error.code]
    how = "Stopped" if _something_sent(report) else "Nothing was sent"
    lines = [f"{paint(f'{how}:', style)} {plain(first, MESSAGE_LIMIT)}"]
    lines += [f"  {plain(line, MESSAGE_LIMIT)}" for line in rest]
    return [*lines[:-1], f"{lines[-1]}{error.reference}"]


def _said_by_counts(report: Report) -> bool:
    """Whether the headline says all that the error says."""
    rows_rejected = report.error is not None and report.error.code == "ROWS_REJECTED"
    return rows_rejected or _interrupted(report)


def _steps(steps: list[Step], paint: Paint, wrap: Callable[[str], str]) -> list[str]:
    """What to do next; the command lines indented, and never wrapped."""
    lines = []
    for number, step in enumerate(steps):
        words = step.sentence[0].upper() + step.sentence[1:] if number else step.sentence
        lines.append(wrap(words if number else f"{paint('Next:', '1')} {words}"))
        lines += [f"  {command}" for command in step.commands]
    return lines


def headline(report: Report) -> str:
    """Return the one line that says how it ended."""
    counts, status = report.counts, report.exit_status
    pools = _pools(report)
    match status:
        case ExitStatus.OK if report.dry_run:
            return f"Dry run: {counted(counts.read, 'row')} checked, nothing was sent."
        case ExitStatus.OK if counts.read == 0:
            return "Nothing to upload: the input has no rows."
        case ExitStatus.OK if counts.already_uploaded == counts.read:
            rows = f"all {counted(counts.read, 'row')}" if counts.read > 1 else "its one row"
            return f"Nothing left to do: {rows} reached {pools} in an earlier upload."
        case ExitStatus.OK:
            return f"Uploaded {counted(counts.created, 'row')} to {pools}."
        case ExitStatus.REJECTED if _something_sent(report):
            here = counts.created + counts.already_uploaded
            rows = counted(counts.read, "row")
            return f"Finished: {count(here)} of {rows} are in {pools}, {_rejected(report)}."
        case ExitStatus.UNKNOWN:
            rows = counted(counts.unknown, "row")
            return f"Not settled: what became of {rows} is not known."
        case ExitStatus.INTERRUPTED | ExitStatus.TERMINATED:
            return "Interrupted: what was done is saved."
    return _trouble(report)


def _interrupted(report: Report) -> bool:
    return report.exit_status in {ExitStatus.INTERRUPTED, ExitStatus.TERMINATED}


def _trouble(report: Report) -> str:
    """Of a run that an error ended: how, in general; the summary has the error itself."""
    rejected, status = report.counts.rejected, report.exit_status
    reason = STATUSES[status].cause
    if status in {ExitStatus.BAD_INPUT, ExitStatus.REJECTED} and rejected:
        reason = f"{counted(rejected, 'row')} failed the check."
    how = "Stopped" if _something_sent(report) else "Nothing was sent"
    return f"{how}: {reason}"


def _something_sent(report: Report) -> bool:
    counts = report.counts
    return bool(report.operations.submitted or counts.created or counts.already_uploaded)


def _rejected(report: Report) -> str:
    number = report.counts.rejected
    return f"{counted(number, 'row')} {'was' if number == 1 else 'were'} rejected"


def _pools(report: Report) -> str:
    if not report.pools:
        return "the pool"
    return f"{'pool' if len(report.pools) == 1 else 'pools'} {listed(report.pools)}"


def _facts(report: Report) -> Iterator[Fact]:
    counts = report.counts
    if report.files:
        yield "files" if len(report.files) > 1 else "file", listed(report.files)
    if report.pools:
        opened = ", now open" if report.pool_opened else ""
        pools = f"{listed(report.pools)}{_at(report)}{opened}"
        yield "pools" if len(report.pools) > 1 else "pool", pools
    width = len(count(counts.read))
    for name, number, always in (
        ("read", counts.read, True),
        ("created", counts.created, not report.dry_run),
        ("already uploaded", counts.already_uploaded, False),
        ("rejected", counts.rejected, False),
        ("on their way" if _interrupted(report) else "unknown", counts.unknown, False),
        ("unsent", 0 if report.dry_run else counts.unsent, False),
    ):
        if number or always:
            yield name, f"{count(number):>{width}}"
    if not report.dry_run and _costs(report):
        yield "cost", cost_words((report.plan or {})["cost"])
    yield from _efforts(report)
    for name, path in (("results", report.results), ("rejects", report.rejects)):
        if path:
            yield name, plain(path)


def _costs(report: Report) -> bool:
    """Whether there is a cost to tell of."""
    cost = (report.plan or {}).get("cost")
    return cost is not None and cost["assignments"]["max"] != 0


def _efforts(report: Report) -> Iterator[Fact]:
    created, seconds = report.counts.created, report.seconds
    rate = f", {created / seconds:,.0f} rows/s" if created and seconds > 0 else ""
    yield "time", f"{seconds:.1f} s{rate}"
    if report.requests:
        retries = f", {count(report.retries)} of them retries" if report.retries else ""
        yield "requests", count(report.requests) + retries
    waited = [
        f"{duration(seconds)} for {what}"
        for seconds, what in (
            (report.waited.rate_limit, "rate limits"),
            (report.waited.server, "the server"),
        )
        if seconds >= 0.5
    ]
    if waited:
        yield "waited", ", ".join(waited)
    if report.bottleneck and (report.operations.submitted or report.counts.created):
        name, share = report.bottleneck.get("name", ""), report.bottleneck.get("share")
        told = f" ({percent(share)} of the time)" if isinstance(share, float | int) else ""
        yield "held back by", f"{plain(str(name))}{told}"


def _at(report: Report) -> str:
    return f" at {plain(shown(report.env, report.url))}" if report.env else ""


def _plan(plan: dict[str, Any], paint: Paint) -> list[str]:
    """Tell a plan: what is missing or zero is left out.

    Its keys: `rows` (task kind to number), `suites`, `chunks`, `requests`, `bytes` of all bodies,
    least `seconds` under the quotas, `first` and `last` (`file`, `line`, `sent`: the JSON text of
    the item), `cost`, `warnings`.
    """
    rows = plan.get("rows") or {}
    kinds = [f"{count(number)} {kind}" for kind, number in rows.items() if number]
    facts: list[Fact] = [("tasks", ", ".join(kinds))] if kinds else []
    numbers = ("suites", "chunks", "requests", "bytes")
    facts += [(name, count(plan[name])) for name in numbers if plan.get(name)]
    if plan.get("seconds") is not None:
        facts.append(("time", f"at least {duration(plan['seconds'])} under the quotas"))
    if plan.get("cost"):
        facts.append(("cost", cost_words(plan["cost"])))
        if plan["cost"]["balance"] is not None:
            facts.append(("balance", f"{plan['cost']['balance']:,.2f} {plan['cost']['currency']}"))
    lines = [paint("Plan", "1"), *_table(facts)]
    for key, name in (("first", "First row as sent"), ("last", "Last row as sent")):
        sample = plan.get(key)
        if sample:
            place = f"{plain(str(sample['file']))}:{sample['line']}"
            lines += [f"{name} ({place}):", f"  {plain(str(sample['sent']), MESSAGE_LIMIT)}"]
    warnings = plan.get("warnings") or []
    return lines + [f"warning: {plain(str(warning), MESSAGE_LIMIT)}" for warning in warnings]


def cost_words(cost: dict[str, Any]) -> str:
    """A plan's `cost` in words: "1.50 to 3.00 USD for 30 to 60 assignments"."""
    total, assignments = cost["total"], cost["assignments"]
    fee = f" with a fee of {cost['fee_percent']:g} %" if cost["fee_percent"] is not None else ""
    words = f"{_between(total, '{:,.2f}')} {cost['currency']}{fee} for {_between(assignments, '{:,}')} assignments"
    return f"{words} ({'; '.join(cost['unbounded'])})" if cost["unbounded"] else words


def _between(bounds: dict[str, Any], form: str) -> str:
    least, most = bounds["min"], bounds["max"]
    if most is None:
        return f"at least {form.format(least)}"
    one, other = form.format(least), form.format(most)
    return one if one == other else f"{one} to {other}"


def _groups(groups: list[ErrorGroup], paint: Paint) -> list[str]:
    if not groups:
        return []
    shown = groups[:GROUPS_SHOWN]
    width = max(len(count(group.count)) for group in shown)
    lines = [paint("Rejected rows, the first of each kind", "1")]
    explained: set[str] = set()
    for group in shown:
        text = fault_line(group.file, group.line, group.field, group.code, group.message)
        lines.append(f"  {count(group.count):>{width}} x  {text}")
        if group.code in EXPLANATIONS and group.code not in explained:
            explained.add(group.code)
            lines.append(f"  {'':{width}}    {EXPLANATIONS[group.code].fix}")
    if len(groups) > len(shown):
        kinds = "kind" if len(groups) - len(shown) == 1 else "kinds"
        lines.append(f"  and {count(len(groups) - len(shown))} more {kinds}")
    return lines


def _table(facts: Iterable[Fact]) -> list[str]:
    known = list(facts)
    width = max((len(name) for name, _ in known), default=0)
    return [f"  {name:<{width}}  {value}" for name, value in known]


def _in_colour(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _in_black(text: str, _code: str) -> str:
    return text
