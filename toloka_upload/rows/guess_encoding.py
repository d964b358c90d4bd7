"""Which encoding a text may be in that is not UTF-8: those that decode it, the likeliest first, each with a sample."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_CODECS = (
    "cp1252",
    "cp1251",
    "cp1250",
    "koi8-r",
    "cp866",
    "shift_jis",
    "gb18030",
    "euc-kr",
    "big5",
)
"""What tables are saved in, if not in UTF-8: Western, Cyrillic, Central European; older Cyrillic; East Asian."""
_MOST = 3
_SHOWN = 50
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = ("LATIN", "CYRILLIC", "HIRAGANA", "KATAKANA", "CJK", "HANGUL")


class Candidate(NamedTuple):
    """An encoding's name, and a line of the file as it reads in it."""

    codec: str
    sample: str


def candidates(lines: list[bytes]) -> list[Candidate]:
    """Return the encodings that decode all lines, at most three; those that read like words come first.

    Args:
        lines: Lines with bytes beyond ASCII; the first is the sample.
    """
    found: list[tuple[float, Candidate]] = []
    for codec in _CODECS:
        try:
            text = b"\n".join(lines).decode(codec)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(text):
            continue
        found.append((_likeness(text), Candidate(codec, _sample(text.split("\n")[0]))))
    found.sort(key=lambda pair: -pair[0])
    return [candidate for _, candidate in found[:_MOST]]


def _likeness(text: str) -> float:
    """How much of what is not ASCII stands in plausible words, from 0 to 1: of one script, without odd capitals."""
    good = sum(map(_strange, filter(_plausible, _WORD.findall(text))))
    return good / max(1, _strange(text))


def _strange(text: str) -> int:
    return sum(character > "\x7f" for character in text)


def _plausible(word: str) -> bool:
    scripts = {_script(character) for character in word}
    if len(scripts) != 1 or not (word.islower() or word.isupper() or word.istitle()):
        # What is written without capitals is neither; there a word is of one script, or of Japanese ones.
        return scripts <= {"CJK", "HIRAGANA", "KATAKANA"} or scripts == {"HANGUL"}
    accented = _strange(word)
    return scripts != {"LATIN"} or accented <= max(1, len(word) // 2)


def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), name)


def _sample(line: str) -> str:
    """The part of a line around the first character that is not ASCII."""
    first = next((at for at, character in enumerate(line) if character > "\x7f"), 0)
    start = max(0, first - _SHOWN // 2)
    return line[start : start + _SHOWN].strip()
