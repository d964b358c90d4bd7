"""Words for people: foreign text made harmless, numbers, durations, the place of a fault.

Everything that prints passes text from files, servers and paths through `plain` first.
"""

from __future__ import annotations

import math
import re
import time
from unicodedata import east_asian_width

_MOST_LINES = 2
"""Lines that may follow the first one of a message about a row."""
MESSAGE_LIMIT = 1000
"""Most characters of a foreign message that are shown in one line."""

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences, line breaks
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction marks, overrides, isolates
    "\u200b\u2028\u2029\u2060-\u2065\ufeff\ufff9-\ufffb"  # invisible, or a line break to some
    "\ud800-\udfff"  # halves of surrogate pairs: undecodable bytes of paths
    "\U000e0000-\U000e007f"  # tag characters, invisible
    "]"
)


def plain(text: str, limit: int | None = None) -> str:
    r"""Return `text` as one line that a terminal shows and does not obey.

    Control characters, direction overrides, invisible characters and lone surrogates become
    escapes one can read (`\x1b`, `\n`, `\u202e`). The rest stays, in any script, emoji included.

    Args:
        text: Anything from a file, a server or a path.
        limit: Most characters of `text` to show; the number of those left out is told.
    """
    if limit is not None and len(text) > limit:
        rest = count(len(text) - limit)
        return f"{plain(text[:limit])}... ({rest} more characters)"
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def json_bytes(value: object) -> bytes:
    r"""Return `value` as JSON in UTF-8, where what `plain` escapes is escaped as well (`\u202e`): it may be shown.

    Raises:
        TypeError: JSON has no such value, or half a surrogate pair is in it.
    """
    import orjson  # a wrong command line does not wait for it

    line = orjson.dumps(value)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNSAFE.sub(_json_escape, line.decode()).encode()


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def encodable(text: str, encoding: str | None) -> str:
    """Return `text` with what `encoding` lacks written as escapes, so that printing cannot fail."""
    name = encoding or "ascii"
    return text.encode(name, "backslashreplace").decode(name)


def count(number: int) -> str:
    """Return `25000` as "25,000"."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """Return "1 row", "25,000 rows"."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def percent(share: float) -> str:
    """Return 0.4199 as "41 %": rounded down, so that 100 % means all."""
    return f"{math.floor(share * 100 + 1e-9)} %"


def duration(seconds: float) -> str:
    """Return a span of time in its two greatest units: "8 s", "1 min 20 s", "3 h 5 min", "2 d 1 h".

    Whole seconds, rounded up: what counts down shows 0 only when it is over.
    """
    whole = max(0, math.ceil(seconds - 1e-6))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        amount, whole = divmod(whole, size)
        if amount:
            parts.append(f"{amount} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def ordinal(number: int) -> str:
    """Return 3 as "3rd"."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def moment(seconds: float) -> str:
    """Return a moment, in seconds since the epoch, as local time with its zone: "2026-11-25 18:35 CET"."""
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(seconds))


def time_of_day(seconds: float, beside: float, *, zone: bool = False) -> str:
    """Return a moment as local time of day; with its date if that is not the date of the moment `beside`."""
    then, other = time.localtime(seconds), time.localtime(beside)
    date = "" if then[:3] == other[:3] else "%Y-%m-%d "
    return time.strftime(f"{date}%H:%M{' %Z' if zone else ''}", then)


def pointed(text: str, at: int) -> str:
    """Return two lines: what of `text` stands around a character, and a caret under that character."""
    start = max(0, at - 40)
    part = _UNSAFE.sub(" ", text[start : start + 60])
    before = part[: at - start]
    width = sum(1 + (east_asian_width(character) in "WF") for character in before)
    return f"{part}\n{' ' * width}^"


def fault_line(file: str, line: int, field: str, code: str, message: str) -> str:
    """Return one fault of one row as `tasks.jsonl:418: input_values.image: VALUE_REQUIRED: ...`.

    Where the message has more lines (what stands in the file, and a caret), they follow below.
    """
    parts = [f"{plain(file)}:{line}", *(plain(part) for part in (field, code) if part)]
    first, *rest = message.split("\n", _MOST_LINES)
    below = [f"    {plain(text, MESSAGE_LIMIT)}" for text in rest]
    return "\n".join([": ".join([*parts, plain(first, MESSAGE_LIMIT)]), *below])


def listed(names: list[str] | tuple[str, ...], most: int = 3) -> str:
    """Return names as "a, b, c and 4 more"."""
    shown = ", ".join(plain(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {count(len(names) - most)} more"
