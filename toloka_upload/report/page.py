"""A run as a page to look at: one HTML file that asks nobody for anything, and has no scripts.

    page(report, chunks, next_step) -> the file's text

All that comes from files, servers and paths is escaped. It prints, and follows the reader's light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from toloka_upload._version import __version__
from toloka_upload.api.target import shown
from toloka_upload.report.account import account_facts
from toloka_upload.report.charts import concurrency_chart, rows_chart, shares_chart, timeline_chart
from toloka_upload.text import count, counted, duration, plain

ERRORS_SHOWN = 100
"""Kinds of rejected rows that are listed: the results file and the rejects have them all."""


class Carried(NamedTuple):
    """A chunk's time in the air. Times are seconds since the run began; `settled` is None if it has no outcome."""

    number: int
    sent: float
    settled: float | None
    rows: int
    created: int


_LONGEST = 500
"""Most characters of a foreign text that are shown."""


def page(
    report: dict[str, Any], chunks: Sequence[Carried], next_step: str, *, started: str = ""
) -> str:
    """
    The page of a run.

    Args:
        report: The summary, as `--json` prints it; what it lacks is left out.
        chunks: What travelled, in the order in which it was sent.
        next_step: What to do now, in words; empty if nothing.
        started: When it began, in words.
    """
    seconds = float(report.get("seconds") or 0.0)
    sections = [
        _head(report, started),
        _tiles(report),
        _section("What to do next", f"<p>{_text(_capital(next_step))}</p>") if next_step else "",
        _error(report.get("error")),
        _charts(report, chunks, seconds),
        _errors(report.get("errors") or []),
        _section("Cost", _facts(_cost(report))) if _cost(report) else "",
        _section("Since then", _facts(since)) if (since := account_facts(report)) else "",
        _section("The run", _facts(_about(report))),
        _list("Warnings", report.get("warnings") or []),
    ]
    title = _text(f"{' '.join(report.get('files') or ['upload'])}: {report.get('exit_reason', '')}")
    return _FRAME.format(title=title, style=_STYLE, body="\n".join(filter(None, sections)))


def _head(report: dict[str, Any], started: str) -> str:
    status = int(report.get("exit_code") or 0)
    kind = "good" if status == 0 else "fair" if status in (1, 3, 75, 130, 143) else "bad"
    place = shown(str(report.get("env") or ""), str(report.get("url") or ""))
    names = ", ".join(report.get("files") or []) or "no files"
    pools = ", ".join(report.get("pools") or []) or "none"
    dry = " · dry run" if report.get("dry_run") else ""
    return (
        f'<header class="{kind}"><h1>{_text(names)} → pool {_text(pools)}</h1>'
        f'<p><b class="status">{_text(report.get("exit_reason", ""))}</b> (exit {status}) · '
        f"<b>{_text(place)}</b> · {_text(started)} · run {_text(report.get('run_id', ''))}{dry}</p></header>"
    )


def _tiles(report: dict[str, Any]) -> str:
    """The counts, and a bar of their shares."""
    counts = report.get("counts") or {}
    read = counts.get("read", 0)
    tiles = "".join(
        f'<div class="tile {name}"><b>{count(number)}</b>{_text(name.replace("_", " "))}</div>'
        for name, number in counts.items()
        if number or name in ("read", "created")
    )
    parts = "".join(
        f'<i class="{name}" style="width:{100 * number / read:.2f}%"></i>'
        for name, number in counts.items()
        if name != "read" and number and read
    )
    return f'<div class="tiles">{tiles}</div><div class="bar">{parts}</div>'


def _charts(report: dict[str, Any], chunks: Sequence[Carried], seconds: float) -> str:
    parts = []
    if chunks and seconds > 0:
        sent = [(chunk.sent, chunk.settled, chunk.rows) for chunk in chunks]
        settled = [(chunk.settled, chunk.created) for chunk in chunks if chunk.settled is not None]
        parts.append(_section("Rows created over time", rows_chart(settled, seconds)))
        parts.append(_section("Chunks in flight", concurrency_chart(sent, seconds)))
        words = f"{counted(len(chunks), 'chunk')}, each from its request to its outcome"
        parts.append(_section("Operations", f"<p>{words}.</p>{timeline_chart(sent, seconds)}"))
    shares = (report.get("bottleneck") or {}).get("shares")
    if shares:
        parts.append(_section("Where the time went", shares_chart(shares, seconds)))
    return "\n".join(parts)


def _error(error: dict[str, Any] | None) -> str:
    if not error:
        return ""
    request = f" Request {_text(error['request_id'])}." if error.get("request_id") else ""
    message = _text(error.get("message", ""))
    return _section(
        "What ended it", f"<p>{message}{request}</p><p><code>{_text(error['code'])}</code></p>"
    )


def _errors(groups: list[dict[str, Any]]) -> str:
    if not groups:
        return ""
    rows = "".join(
        f"<tr><td class=n>{count(group['count'])}</td><td><code>{_text(group['code'])}</code></td>"
        f"<td><code>{_text(group['field'])}</code></td>"
        f"<td>{_text(group['file'])}:{group['line']}</td><td>{_text(group['message'])}</td></tr>"
        for group in groups[:ERRORS_SHOWN]
    )
    more = len(groups) - ERRORS_SHOWN
    rest = f"<p>and {count(more)} more kinds</p>" if more > 0 else ""
    head = "<tr><th class=n>rows</th><th>code</th><th>field</th><th>first at</th><th>for example</th></tr>"
    return _section("Rejected rows", f"<table>{head}{rows}</table>{rest}")


def _cost(report: dict[str, Any]) -> list[tuple[str, str]]:
    cost = (report.get("plan") or {}).get("cost") or report.get("cost") or {}
    currency = str(cost.get("currency", ""))
    found = []
    for name in ("assignments", "reward", "total"):
        bounds = cost.get(name)
        if bounds:
            least, most = bounds.get("min"), bounds.get("max")
            unit = "" if name == "assignments" else f" {currency}"
            upper = "no upper bound" if most is None else f"{most:,}"
            found.append(
                (name, f"{least:,}{unit}" if least == most else f"{least:,} to {upper}{unit}")
            )
    if cost.get("balance") is not None:
        found.append(("balance", f"{cost['balance']:,} {currency}"))
    return found


def _about(report: dict[str, Any]) -> list[tuple[str, str]]:
    operations, waited = report.get("operations") or {}, report.get("waited_seconds") or {}
    facts = [("took", duration(float(report.get("seconds") or 0.0)))]
    facts += [
        (f"waited for {name.replace('_', ' ')}", duration(value))
        for name, value in waited.items()
        if value
    ]
    facts += [
        (f"operations {name}", count(number)) for name, number in operations.items() if number
    ]
    facts += [(name, count(report[name])) for name in ("requests", "retries") if report.get(name)]
    facts += [
        (name, str(report[name]))
        for name in ("kind", "mode", "url", "results", "rejects")
        if report.get(name)
    ]
    return [*facts, ("program", f"toloka-upload {__version__}")]


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts)
    return f"<dl>{rows}</dl>"


def _list(title: str, items: Sequence[str]) -> str:
    entries = "".join(f"<li>{_text(item)}</li>" for item in items[:ERRORS_SHOWN])
    return _section(title, f"<ul>{entries}</ul>") if items else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _text(value: object) -> str:
    """Foreign text, harmless to a browser and to a reader."""
    return escape(plain(str(value), _LONGEST))


_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>
{body}
</main></body></html>
"""

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--quiet:#667;--paper:#fff;--line:#dde;--created:#0891b2;--air:#a5d8e6;
--good:#15803d;--fair:#b45309;--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--quiet:#9aa3ad;--paper:#14171a;--line:#2c3238;--created:#22d3ee;
--air:#155e6e;--good:#4ade80;--fair:#fbbf24;--bad:#f87171}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem}
header{border-left:.5rem solid;padding:.2rem 1rem}header.good{border-color:var(--good)}
header.fair{border-color:var(--fair)}header.bad{border-color:var(--bad)}
header.good .status{color:var(--good)}header.fair .status{color:var(--fair)}header.bad .status{color:var(--bad)}
h1{font-size:1.4rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .5rem}p{margin:.3rem 0}
header p,dt{color:var(--quiet)}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0 .6rem}
.tile{border:1px solid var(--line);border-radius:.4rem;padding:.5rem 1rem;color:var(--quiet)}
.tile b{display:block;font-size:1.4rem;color:var(--ink);font-variant-numeric:tabular-nums}
.bar{display:flex;height:.7rem;background:var(--line);border-radius:.35rem;overflow:hidden}.bar i{display:block}
i.created{background:var(--created)}i.already_uploaded{background:var(--air)}i.rejected{background:var(--bad)}
i.unknown{background:var(--fair)}i.unsent{background:var(--line)}
svg{width:100%;height:auto;display:block}svg text{fill:var(--quiet);font:11px system-ui,sans-serif}
svg .grid{stroke:var(--line)}svg .curve{fill:none;stroke:var(--created);stroke-width:2}svg .area{fill:var(--air)}
svg .op{fill:var(--created)}svg .lost{fill:var(--fair)}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.25rem .6rem .25rem 0;
border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}.n{text-align:right}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.2rem;margin:0}dd{margin:0;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace}
@media print{:root{--paper:#fff;--ink:#000;--line:#ccc}main{max-width:none;padding:0}section{break-inside:avoid}
*{print-color-adjust:exact}}
"""
