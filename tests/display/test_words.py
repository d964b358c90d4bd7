"""`toloka_upload.text`: foreign text is shown and never obeyed; numbers and spans read well."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.text import (
    counted,
    duration,
    encodable,
    fault_line,
    listed,
    percent,
    plain,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_plain_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    """No control character, line break, direction override or lone surrogate is left."""
    shown = plain(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Zl", "Zp", "Cs"}
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("\udcff.jsonl", r"\udcff.jsonl"),
    ],
)
def test_what_is_replaced_stays_readable(text: str, shown: str) -> None:
    """A replaced character is written as the escape a programmer knows."""
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text", ["Вопрос про кошку", "日本語", "👩\u200d👩\u200d👧 é", "[bold]no markup[/]", "a\\b"]
)
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    """Only what a terminal would obey or hide is touched; joined emoji are not."""
    assert plain(text) == text


def test_long_text_is_cut_and_says_so() -> None:
    """The number of characters left out is told."""
    assert plain("x" * 1500, 10) == "xxxxxxxxxx... (1,490 more characters)"
    assert plain("x" * 10, 10) == "x" * 10


@given(ANY_TEXT, st.sampled_from(["ascii", "latin-1", "utf-8", "cp1251", None]))
def test_printing_never_fails_for_want_of_a_character(text: str, encoding: str | None) -> None:
    """What the stream's encoding lacks becomes an escape; unknown encodings count as ASCII."""
    encodable(plain(text), encoding).encode(encoding or "ascii")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (23.0, "23 s"),
        (59.5, "1 min"),
        (80, "1 min 20 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (11_100, "3 h 5 min"),
        (90_000, "1 d 1 h"),
        (-4, "0 s"),
    ],
)
def test_spans_are_told_in_their_two_greatest_units(seconds: float, words: str) -> None:
    """Rounded up to whole seconds: a countdown shows 0 only when it is over."""
    assert duration(seconds) == words


def test_a_fault_names_file_line_field_code_and_message() -> None:
    """The promised form; a fault of the row as a whole has no field."""
    line = fault_line("tasks.jsonl", 418, "input_values.image", "VALUE_REQUIRED", "is missing")
    assert line == "tasks.jsonl:418: input_values.image: VALUE_REQUIRED: is missing"
    assert fault_line("-", 1, "", "INVALID_JSON", "no JSON") == "-:1: INVALID_JSON: no JSON"


def test_a_share_is_rounded_down() -> None:
    """100 % means all."""
    assert [percent(share) for share in (0.0, 0.29, 0.99999, 1.0)] == [
        "0 %",
        "29 %",
        "99 %",
        "100 %",
    ]


def test_numbers_and_names_read_as_words() -> None:
    """Thousands are grouped, one is singular, long lists are cut."""
    assert [counted(number, "row") for number in (0, 1, 25_000)] == [
        "0 rows",
        "1 row",
        "25,000 rows",
    ]
    assert listed(("a", "b\n")) == r"a, b\n"
    assert listed([str(number) for number in range(10)]) == "0, 1, 2 and 7 more"
