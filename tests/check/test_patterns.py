"""A project's regular expressions: quick ones by `re`, the others in bounded time, or not at all and told."""

from __future__ import annotations

import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.check import Spec
from toloka_upload.check.patterns import (
    MOST_SECONDS,
    Matches,
    _linear,
    compile_pattern,
    cost,
)

ENDLESS = [
    r"^(\w+\s?)*$",
    r"(a+)+",
    r"(a|a)*",
    r"(?:a*)*b",
    r"(a?){30}" + "a{30}",
    "a?" * 30 + "a" * 30,
    "((a+)+){0}(b|b)*",
    "(" * 9 + "a?" + "){8}" * 9,
    r".*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*",
]
HOSTILE = ["a" * 40 + "!", "b" * 40 + "!", "word " * 300 + "!", "a" * 5000 + "!"]


def compiled(pattern: str) -> Matches:
    """A pattern whose values that are not checked nobody counts."""
    return compile_pattern(pattern, lambda: None)


@pytest.mark.parametrize("pattern", ENDLESS)
@pytest.mark.parametrize("engine", ["with google-re2", "without"])
def test_no_pattern_keeps_the_check_for_ever(pattern, engine, monkeypatch):
    """Patterns that `re` would not finish in a lifetime take no time that anybody notices."""
    if engine == "without":
        monkeypatch.setitem(sys.modules, "re2", None)
    matches = compiled(pattern)
    started = time.perf_counter()
    for value in HOSTILE:
        matches(value)
    assert time.perf_counter() - started < 4


def test_with_the_extra_such_patterns_are_checked():
    """Nothing is left out, and the answer is right."""
    matches = compiled(r"^(\w+\s?)*$")
    assert matches("many words " * 1000)
    assert not matches("many words " * 1000 + "!")


def test_what_is_not_checked_is_told_once_with_its_field(monkeypatch):
    """Without the extra the value passes: the API decides, and the user knows."""
    monkeypatch.setitem(sys.modules, "re2", None)
    notes: list[str] = []
    field = {"type": "string", "pattern": r"(\w+\s?)*"}
    check = Spec.compile({"input_spec": {"words": field}}, notes.append).check_input
    assert check({"words": "!"})
    assert notes == []
    for _ in range(3):
        assert not check({"words": "many words " * 100 + "!"})
    (note,) = notes
    assert 'field "words": pattern' in note
    assert "pip install google-re2" in note


def test_long_matches_have_a_budget(monkeypatch):
    """The seconds of all longer matches of a field are counted; when they are used up, such values pass unchecked."""
    monkeypatch.setitem(sys.modules, "re2", None)
    now = iter(range(0, 1000, int(MOST_SECONDS)))
    noted: list[int] = []
    matches = compile_pattern(r".*a.*b", lambda: noted.append(1), lambda: float(next(now)))
    assert not matches("x" * 1000)
    assert matches("x" * 1000)
    assert not matches("x" * 10)
    assert noted == [1]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+",
        r"[+*?()|]{2,}",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"https?://[^/]+",
        r"(jpg|png|gif)",
        r"(?:ab)*",
        r"\(+",
    ],
)
def test_usual_patterns_cost_nothing_more(pattern):
    """They are matched by `re` itself, not even by a function around it."""
    assert compiled(pattern) == re.compile(pattern, re.ASCII).fullmatch


PIECES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", r"\w", ".", r"\s"]),
    lambda inner: st.one_of(
        st.builds("({}|{})".format, inner, inner),
        st.builds("({}{})".format, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{1,3}", "{2,}", "+?"])),
    ),
    max_leaves=6,
)


@given(PIECES, st.text("ab \n", max_size=9))
def test_the_engines_agree(pattern, value):
    """Whichever engine answers, it says what `re` says."""
    expected = bool(re.compile(pattern, re.ASCII).fullmatch(value))
    linear = _linear(pattern)
    assert linear is not None
    assert bool(linear(value)) == bool(compiled(pattern)(value)) == expected
    assert cost(pattern).steps(len(value)) >= 1
