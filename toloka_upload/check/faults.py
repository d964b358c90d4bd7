"""The API's words for what is wrong with a value.

Codes are those of the API's list of field errors; messages that the API is known to use are kept word for word, so
that people find them, and the others follow their tone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice

from toloka_upload.rows.model import Fault

NO_FAULTS: tuple[Fault, ...] = ()
"""What every check answers when nothing is wrong: always this very object."""

MOST_FAULTS = 100
"""Faults named for one row. More would only be memory: a 4 MB row can hold a million."""

PRESENT = "Value must be present and not equal to null"
SIMPLE = "Value must not be an object or an array"
URL = "Value must be in valid url format"
UNKNOWN = "Unknown field name"

_FOREIGN = {
    "data": f"{UNKNOWN}: if this is Label Studio's export, take the data out: jq -c '.[].data' FILE > tasks.jsonl",
}
"""What keys of other programs' files say."""
_LONGEST_SHOWN = 60
_LONGEST_GUESSED = 64
_MOST_BITS_SHOWN = 8192  # Python refuses to write out integers past 4,300 digits


def first_of(faults: Iterator[Fault]) -> Sequence[Fault]:
    """Collect a row's faults, at most `MOST_FAULTS`, and say so if there are more."""
    named = tuple(islice(faults, MOST_FAULTS))
    if next(faults, None) is None:
        return named
    more = Fault("", "VALIDATION_ERROR", f"More faults than the first {MOST_FAULTS} of this row")
    return (*named, more)


def required(path: str) -> Fault:
    """A value that must be there is missing or null."""
    return Fault(
        path, "VALUE_REQUIRED", f"{PRESENT}; the field is required, and this row has no value"
    )


def unknown(prefix: str, name: str, known: Iterable[str]) -> Fault:
    """A key that nothing declares; a key much like it is suggested."""
    guess = _closest(name, tuple(known)) if len(name) <= _LONGEST_GUESSED else None
    message = f"{UNKNOWN}: did you mean {quoted(guess)}?" if guess else _FOREIGN.get(name, UNKNOWN)
    return Fault(prefix + clipped(name), "VALUE_NOT_ALLOWED", message)


def shown(value: object) -> str:
    """A value as it would stand in JSON, shortened; an array or object is only named."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "an object"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS_SHOWN:
        return "a longer number"
    return clipped(str(value))


def quoted(text: str) -> str:
    """Text from a file or a project between quotes, shortened."""
    return f'"{clipped(text)}"'


def clipped(text: str) -> str:
    """Text, shortened to what a line of a terminal takes."""
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


@lru_cache(maxsize=1024)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    # Cached, because a misspelt column is unknown in each of a million rows.
    plain = {field.casefold(): field for field in reversed(known)}
    bare = name.casefold().removeprefix("input:").strip()
    matches = get_close_matches(bare, plain, n=1, cutoff=0.7)
    return plain[matches[0]] if matches else None
