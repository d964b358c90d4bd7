"""Small charts as SVG, for the page of a run. Pure: numbers in, text out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from toloka_upload.text import count, duration, percent, plain

WIDTH, HEIGHT, LEFT, FOOT = 900, 180, 70, 20
LANES_SHOWN = 40
BARS_SHOWN = 1000
"""Bars of a timeline: more would be thinner than a pixel."""

Flight = tuple[float, float | None, int]
"""When a chunk was sent, when it had its outcome (None: never), and its rows."""


def rows_chart(settled: Iterable[tuple[float, int]], seconds: float) -> str:
    """The rows that were created, added up over time."""
    total, points = 0, [(0.0, 0.0)]
    for when, rows in sorted(settled):
        total += rows
        points.append((when, total))
    return _curve([*points, (seconds, total)], seconds, max(total, 1), fill=False)


def concurrency_chart(flights: Iterable[Flight], seconds: float) -> str:
    """How many chunks were in flight at each moment."""
    moments: list[tuple[float, int]] = []
    for sent, settled, _ in flights:
        moments += [(sent, 1), (seconds if settled is None else settled, -1)]
    now, points = 0, [(0.0, 0.0)]
    for when, change in sorted(moments):
        points.append((when, now))
        now += change
        points.append((when, now))
    most = max(value for _, value in points)
    return _curve([*points, (seconds, now)], seconds, max(most, 1), fill=True)


def timeline_chart(flights: Sequence[Flight], seconds: float) -> str:
    """Each chunk as a bar from its request to its outcome, in as many lanes as were in flight at once."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    bars, lanes = [], 0
    for sent, settled, rows in sorted(flights[:BARS_SHOWN], key=lambda flight: flight[0]):
        while busy and busy[0][0] <= sent:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, lanes = lanes, lanes + 1
        end = seconds if settled is None else settled
        heapq.heappush(busy, (end, lane))
        if lane < LANES_SHOWN:
            kind = "lost" if settled is None else "op"
            bars.append(_bar(kind, sent, end, lane, rows, seconds))
    height = min(lanes, LANES_SHOWN) * 14 + FOOT
    return _svg(height, "".join(bars) + _seconds_axis(height, seconds))


def shares_chart(shares: Mapping[str, float], seconds: float) -> str:
    """What the run waited for, as bars; the shares add up to one."""
    lines = []
    known = sorted(
        ((share, name) for name, share in shares.items() if share >= 0.005), reverse=True
    )
    for row, (share, name) in enumerate(known):
        y = row * 22
        width = max(1.0, share * (WIDTH - 420))
        words = f"{percent(share)}, {duration(share * seconds)}"
        label = escape(plain(name))
        lines.append(
            f'<text x="0" y="{y + 14}">{label}</text><rect class="op" x="170" y="{y + 4}" width="{width:.1f}" '
            f'height="12"/><text x="{178 + width:.0f}" y="{y + 14}">{words}</text>'
        )
    return _svg(len(known) * 22 + 4, "".join(lines))


def _bar(kind: str, sent: float, end: float, lane: int, rows: int, seconds: float) -> str:
    x, width = _x(sent, seconds), max(1.0, _x(end, seconds) - _x(sent, seconds) - 1)
    title = f"<title>{count(rows)} rows, {end - sent:.1f} s</title>"
    return f'<rect class="{kind}" x="{x:.1f}" y="{lane * 14 + 1}" width="{width:.1f}" height="11">{title}</rect>'


def _curve(
    points: Sequence[tuple[float, float]], seconds: float, most: float, *, fill: bool
) -> str:
    def y(value: float) -> float:
        return (HEIGHT - FOOT) - (HEIGHT - FOOT - 14) * value / most

    path = " ".join(f"{_x(when, seconds):.1f},{y(value):.1f}" for when, value in points)
    ground = y(0)
    area = (
        f'<polygon class="area" points="{LEFT},{ground} {path} {WIDTH},{ground}"/>' if fill else ""
    )
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{count(round(value))}</text>'
        for value in (0, most)
    )
    curve = f'{area}<polyline class="curve" points="{path}"/>'
    return _svg(HEIGHT, grid + curve + _seconds_axis(HEIGHT, seconds))


def _seconds_axis(height: float, seconds: float) -> str:
    ticks = []
    for part in range(5):
        x = _x(seconds * part / 4, seconds)
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        label = duration(seconds * part / 4)
        ticks.append(f'<text x="{x:.0f}" y="{height - 5}" text-anchor="{anchor}">{label}</text>')
    return "".join(ticks)


def _x(when: float, seconds: float) -> float:
    return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, when / seconds))


def _svg(height: float, content: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{content}</svg>'
