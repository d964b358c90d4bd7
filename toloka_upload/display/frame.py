"""The live display's picture: what is known of a run as a few styled lines. Pure but for rich."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

from rich.text import Text

from toloka_upload.api.target import shown
from toloka_upload.display.narrate import ACCOUNT_WORDS, ON_THEIR_WAY, main_words
from toloka_upload.display.progress import Flight, Progress
from toloka_upload.display.width import fit
from toloka_upload.errors import ExitStatus
from toloka_upload.text import count, counted, duration, listed, plain

FLIGHTS_SHOWN = 8
BAR_NARROWEST = 8
LABEL_WIDTH = 11
NARROW = 60
"""Cells below which the picture leaves out what is least wanted."""

_LEFT = (False, False, True, True, False, False)

DONE, FLYING, LOST, REST, QUIET, ALERT = "cyan", "dim cyan", "red", "dim", "dim", "yellow"
PRODUCTION = "bold reverse"


class Glyphs(NamedTuple):
    """The characters of the bar, and what joins and shortens words."""

    full: str
    half: str
    flying: str
    lost: str
    rest: str
    dot: str
    arrow: str
    ellipsis: bool


UNICODE = Glyphs("━", "╸", "╍", "✗", "─", " · ", "→", ellipsis=True)
ASCII = Glyphs("#", "#", "=", "x", "-", ", ", "->", ellipsis=False)


class Look(NamedTuple):
    """What a picture is drawn on: cells across and down, characters, and what the clock on the wall shows."""

    width: int
    height: int
    glyphs: Glyphs
    wall: float = 0.0


def frame(progress: Progress, now: float, look: Look) -> list[Text]:
    """Return the lines of the picture, each at most `look.width` cells, together fewer than `look.height`.

    What goes where, the bar, speeds and counts, operations in flight, what is waited for: when
    the terminal is low, the operations give way first, then what goes where.
    """
    tail = _waits(progress, now, look.width)
    head = [bar_line(progress, now, look), *_side(progress, now, look)]
    if len(head) + len(tail) < look.height - 1:
        head = [*_header(progress, look), *head]
    room = max(0, look.height - 1 - len(head) - len(tail))
    lines = [*head, *_flights(progress, now, min(FLIGHTS_SHOWN, room), look.width), *tail]
    return _cut(lines[: max(1, look.height - 1)], look)


def last_frame(
    progress: Progress, now: float, look: Look, *, summary_follows: bool = False
) -> list[Text]:
    """Return what stays on the screen when the run is over: the bar, where there is anything to see, and its counts.

    Where the summary follows on the same screen, the counts are left to it.
    """
    seconds = progress.report.seconds if progress.report else now - progress.started
    words = [*_speed(progress, now), *_counts(progress), f"in {seconds:.1f} s"]
    known = summary_follows and progress.report is not None
    if progress.dry_run or progress.created or progress.sending or progress.command:
        side = [] if known else _wrapped(words, look)
        return _cut([bar_line(progress, now, look), *side], look)
    if known:
        return []
    line = Text().append(f"{_label(progress, now):<{LABEL_WIDTH}}", style="bold")
    if not progress.already_uploaded:
        words = [f"{counted(progress.read, 'row')} read", *words]
    return _cut([line.append(look.glyphs.dot.join(words))], look)


def _cut(lines: list[Text], look: Look) -> list[Text]:
    for line in lines:
        line.truncate(look.width, overflow="ellipsis" if look.glyphs.ellipsis else "crop")
    return lines


def _header(progress: Progress, look: Look) -> list[Text]:
    """The environment first, for it matters most and must not be cut off; then what goes where."""
    if not progress.files:
        return []
    place = plain(shown(progress.env, progress.url))
    line = Text()
    if place == "production":
        line.append(" PRODUCTION ", style=PRODUCTION)
    else:
        line.append(place, style="bold")
    pool = f"pool {plain(progress.pool)}" if progress.pool else "the pools its rows name"
    name = f" ({plain(progress.pool_name, 40)})" if progress.pool_name else ""
    rows = f"{look.glyphs.dot}{counted(progress.read, 'row')}" if progress.finished_reading else ""
    line.append(f"  {listed(progress.files)} {look.glyphs.arrow} {pool}")
    if len(line) + len(name) + len(rows) <= look.width:
        line.append(name, style=QUIET)
    return [line.append(rows)]


def bar_line(progress: Progress, now: float, look: Look) -> Text:
    """Return label, bar, share and rows; the label goes first where there is no room, then the bar."""
    text = _main(progress, look.width)
    label = f"{_label(progress, now):<{LABEL_WIDTH}}"
    if look.width - len(label) - len(text) - 2 < BAR_NARROWEST:
        label = ""
    bar = look.width - len(label) - len(text) - 2
    line = Text().append(label, style="bold")
    if bar >= BAR_NARROWEST:
        line.append_text(_bar(progress, bar, look.glyphs)).append("  ")
    return line.append(text)


def _main(progress: Progress, width: int) -> str:
    """Share and rows, padded to the width they will have at the end, so that the bar stays calm."""
    rows, *share = main_words(progress)
    total = progress.total
    if not progress.checking and total is not None:
        rows = " " * (len(count(total)) - len(count(progress.in_pool))) + rows
    if width < NARROW:
        rows = rows.partition(" row")[0]
    return "  ".join([*(f"{word:>5}" for word in share), rows])


def _label(progress: Progress, now: float) -> str:
    report = progress.report
    if progress.command and not progress.stopping:
        doing, done = ACCOUNT_WORDS[progress.command]
        over = report is not None and int(report.exit_status) in {0, 1, 3}
        return done if over else "Stopped" if report is not None or progress.left else doing
    if report is not None and report.exit_status in {ExitStatus.OK, ExitStatus.REJECTED}:
        if progress.dry_run:
            return "Checked"
        return "Uploaded" if progress.created or progress.rejected else "No change"
    if report is not None or progress.left:
        return "Stopped"
    if progress.stopping:
        return "Stopping"
    if progress.looking_up(now):
        return "Looking up"
    if progress.checking:
        return "Checking" if progress.read else "Starting"
    return "Uploading"


def _bar(progress: Progress, width: int, glyphs: Glyphs) -> Text:
    """What is in the pool; what the server has done of what is in flight; what was lost; what is left."""
    share, total = progress.share or 0.0, progress.total
    counting = progress.sending and total
    lost = (progress.rejected + progress.unknown) / total if counting and total else 0.0
    flying = progress.in_flight / total if counting and total else 0.0
    halves = math.floor(2 * width * share + 1e-9)
    full, half = divmod(halves, 2)
    red = min(width - full - half, math.ceil(width * min(lost, 1.0)))
    light = min(width - full - half - red, round(width * flying))
    bar = Text().append(glyphs.full * full + glyphs.half * half, style=DONE)
    bar.append(glyphs.flying * light, style=FLYING)
    bar.append(glyphs.lost * red, style=LOST)
    return bar.append(glyphs.rest * (width - full - half - red - light), style=REST)


def _side(progress: Progress, now: float, look: Look) -> list[Text]:
    words = _speed(progress, now)
    words.append(f"after {duration(math.floor(now - progress.started))}")
    left = progress.seconds_left(now)
    if left is not None:
        words.append(f"{duration(left)} left, until {_clock(look.wall, left)}")
    if progress.sending and not progress.finished_reading:
        words.append(f"{count(progress.read)} read")
    return _wrapped([*words, *_counts(progress)], look)


def _speed(progress: Progress, now: float) -> list[str]:
    rate = progress.rate(now)
    return [] if rate is None else [f"{rate:,.0f}{'' if progress.command else ' rows'}/s"]


def _counts(progress: Progress) -> list[str]:
    """Chunks, and the outcomes that are not the usual one; what is zero is left out."""
    words = []
    if progress.chunks and progress.report is None:
        chunks = max(progress.chunks, progress.chunks_done + len(progress.flights))
        words.append(f"{count(progress.chunks_done)} of {counted(chunks, 'chunk')} done")
    for number, name in (
        (progress.retries, "retries" if progress.retries > 1 else "retry"),
        (progress.rejected, "rejected"),
        (progress.unknown, ON_THEIR_WAY if progress.interrupted else "unknown"),
        (progress.already_uploaded, "already uploaded"),
    ):
        if number:
            words.append(f"{count(number)} {name}")
    return words


def _clock(wall: float, left: float) -> str:
    """The local time so many seconds from now, with the day where it is another one."""
    then = time.localtime(wall + math.ceil(left))
    same_day = then.tm_yday == time.localtime(wall).tm_yday
    return time.strftime("%H:%M:%S" if left < 3600 else "%H:%M" if same_day else "%a %H:%M", then)


def _wrapped(words: list[str], look: Look) -> list[Text]:
    """Join words into as many lines as they need."""
    indent = " " * (LABEL_WIDTH if look.width >= NARROW else 0)
    lines = [Text(indent)]
    for word in words:
        dot = look.glyphs.dot if len(lines[-1]) > len(indent) else ""
        if dot and len(lines[-1]) + len(dot) + len(word) > look.width:
            lines.append(Text(indent))
            dot = ""
        lines[-1].append(dot, style=QUIET).append(word, style=_style_of(word))
    return lines


def _style_of(word: str) -> str:
    if word.endswith("rejected"):
        return LOST
    return ALERT if word.endswith(("unknown", ON_THEIR_WAY, "retry", "retries")) else ""


def _flights(progress: Progress, now: float, room: int, width: int) -> list[Text]:
    flights = list(progress.flights.values())
    if not flights or room < 1:
        return []
    shown = flights if len(flights) <= room else flights[: room - 1]
    lines = _table([_cells(flight, now, width) for flight in shown])
    if len(shown) < len(flights):
        lines.append(Text(f"  + {count(len(flights) - len(shown))} more", style=QUIET))
    return lines


def _cells(flight: Flight, now: float, width: int) -> list[tuple[str, str]]:
    """Return an operation's cells and their styles: chunk, rows, id, status, percent, age."""
    status = plain(flight.status, 12)
    again = f", try {flight.attempt}" if flight.attempt > 1 else ""
    if flight.refused and flight.status == "sent":
        status, left = (
            plain(flight.refused.event.message.partition(",")[0], 30),
            flight.refused.until - now,
        )
        again = f", again in {duration(left)}" if left > 0 else ", goes again"
    rows = f"{count(flight.rows)} rows" if width >= NARROW else count(flight.rows)
    name = plain(flight.operation_id or "")[:8]
    done = "" if flight.percent is None else f"{flight.percent} %"
    return [
        (f"#{flight.chunk}", ""),
        (rows if flight.rows else "", ""),
        (name if width >= NARROW else "", QUIET),
        (status + again, DONE if flight.status == "RUNNING" else ""),
        (done, ""),
        ("" if flight.refused else duration(math.floor(now - flight.since)), QUIET),
    ]


def _table(rows: list[list[tuple[str, str]]]) -> list[Text]:
    """Align cells in columns: words to the left, numbers to the right."""
    widths = [max(len(cell) for cell, _ in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = Text()
        for (cell, style), width, left in zip(row, widths, _LEFT, strict=True):
            if not width:
                continue
            padded = f"{cell:<{width}}" if left else f"{cell:>{width}}"
            line.append("  ").append(padded, style=style)
        lines.append(line)
    return lines


def _waits(progress: Progress, now: float, width: int) -> list[Text]:
    words = [f"  {plain(wait.words(now), 200)}" for wait in progress.waits(now)[-2:]]
    return [Text(line, style=ALERT) for line in fit(words, width)]
