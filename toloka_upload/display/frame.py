"""The live display's picture: what is known of a run as a few styled lines. Pure but for rich."""

from __future__ import annotations

import math
from typing import NamedTuple

from rich.text import Text

from toloka_upload.display.narrate import ACCOUNT_WORDS, main_words, side_words
from toloka_upload.display.progress import Flight, Progress
from toloka_upload.errors import ExitStatus
from toloka_upload.text import count, duration, plain

FLIGHTS_SHOWN = 8
BAR_WIDEST = 40
BAR_NARROWEST = 8
LABEL_WIDTH = 11
NARROW = 60
"""Cells below which the picture leaves out what is least wanted."""

_LEFT = (False, False, True, True, False, False)

DONE, LOST, REST, QUIET, ALERT = "cyan", "red", "dim", "dim", "yellow"


class Glyphs(NamedTuple):
    """The characters of the bar, and what joins and shortens words."""

    full: str
    half: str
    lost: str
    rest: str
    dot: str
    ellipsis: bool


UNICODE = Glyphs("━", "╸", "╍", "─", " · ", ellipsis=True)
ASCII = Glyphs("#", "#", "x", "-", ", ", ellipsis=False)


def frame(progress: Progress, now: float, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return the lines of the picture, each at most `width` cells, together fewer than `height`.

    The bar, speeds and counts, operations in flight, what is waited for, late row faults: when
    the terminal is low, the operations give way first.
    """
    tail = [*_waits(progress, now), *_faults(progress)]
    head = [bar_line(progress, width, glyphs), *_side(progress, now, width, glyphs)]
    room = max(0, height - 1 - len(head) - len(tail))
    lines = [*head, *_flights(progress, now, min(FLIGHTS_SHOWN, room), width), *tail]
    lines = lines[: max(1, height - 1)]
    for line in lines:
        line.truncate(width, overflow="ellipsis" if glyphs.ellipsis else "crop")
    return lines


def last_frame(progress: Progress, now: float, width: int, glyphs: Glyphs) -> list[Text]:
    """Return what stays on the screen when the run is over: the bar, and its counts."""
    seconds = progress.report.seconds if progress.report else now - progress.started
    words = [*side_words(progress, now), f"in {seconds:.1f} s"]
    lines = [bar_line(progress, width, glyphs), _pieces(words, width, glyphs)]
    for line in lines:
        line.truncate(width, overflow="ellipsis" if glyphs.ellipsis else "crop")
    return lines


def bar_line(progress: Progress, width: int, glyphs: Glyphs) -> Text:
    """Return label, bar, share and rows; the label goes first where there is no room, then the bar."""
    text = _main(progress, width)
    label = f"{_label(progress):<{LABEL_WIDTH}}"
    if width - len(label) - len(text) - 2 < BAR_NARROWEST:
        label = ""
    bar = min(BAR_WIDEST, width - len(label) - len(text) - 2)
    line = Text().append(label, style="bold")
    if bar >= BAR_NARROWEST:
        line.append_text(_bar(progress, bar, glyphs)).append("  ")
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


def _label(progress: Progress) -> str:
    report = progress.report
    if progress.command and not progress.stopping:
        doing, done = ACCOUNT_WORDS[progress.command]
        over = report is not None and int(report.exit_status) in {0, 1, 3}
        return done if over else "Stopped" if report is not None or progress.left else doing
    if report is not None and report.exit_status in {ExitStatus.OK, ExitStatus.REJECTED}:
        return "Checked" if progress.dry_run else "Uploaded"
    if report is not None or progress.left:
        return "Stopped"
    if progress.stopping:
        return "Stopping"
    if progress.checking:
        return "Checking" if progress.read else "Starting"
    return "Uploading"


def _bar(progress: Progress, width: int, glyphs: Glyphs) -> Text:
    share, total = progress.share or 0.0, progress.total
    lost = (progress.rejected + progress.unknown) / total if progress.sending and total else 0.0
    halves = math.floor(2 * width * share + 1e-9)
    full, half = divmod(halves, 2)
    red = min(width - full - half, math.ceil(width * min(lost, 1.0)))
    bar = Text().append(glyphs.full * full + glyphs.half * half, style=DONE)
    bar.append(glyphs.lost * red, style=LOST)
    return bar.append(glyphs.rest * (width - full - half - red), style=REST)


def _side(progress: Progress, now: float, width: int, glyphs: Glyphs) -> list[Text]:
    words = side_words(progress, now)
    if progress.sending and not progress.finished_reading:
        words.append(f"{count(progress.read)} read")
    return [
        _pieces([*words, f"after {duration(math.floor(now - progress.started))}"], width, glyphs)
    ]


def _pieces(words: list[str], width: int, glyphs: Glyphs) -> Text:
    """Join as many words as there is room for; the last one, the time, stays to the end."""
    indent = LABEL_WIDTH if width >= NARROW else 0
    while len(words) > 1 and indent + len(glyphs.dot.join(words)) > width:
        words = [*words[:-2], words[-1]]
    line = Text(" " * indent)
    for position, word in enumerate(words):
        line.append(glyphs.dot if position else "", style=QUIET)
        line.append(word, style=_style_of(word))
    return line


def _style_of(word: str) -> str:
    if word.endswith("rejected"):
        return LOST
    return ALERT if word.endswith("unknown") else ""


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
    rows = f"{count(flight.rows)} rows" if width >= NARROW else count(flight.rows)
    name = plain(flight.operation_id or "")[:8]
    done = "" if flight.percent is None else f"{flight.percent} %"
    return [
        (f"#{flight.chunk}", ""),
        (rows if flight.rows else "", ""),
        (name if width >= NARROW else "", QUIET),
        (status + again, DONE if flight.status == "RUNNING" else ""),
        (done, ""),
        (duration(math.floor(now - flight.since)), QUIET),
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


def _waits(progress: Progress, now: float) -> list[Text]:
    words = [plain(wait.words(now), 200) for wait in progress.waits(now)[-2:]]
    return [Text(f"  {line}", style=ALERT) for line in words]


def _faults(progress: Progress) -> list[Text]:
    return [Text(f"  {line}", style=QUIET) for line in progress.late_faults]
