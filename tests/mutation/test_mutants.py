"""The changes that the mutation script makes."""

from __future__ import annotations

import pytest
from mutants import mutants


def changes(source: str) -> list[str]:
    """What each mutant has in place of a line."""
    return [mutant.what.partition("  ->  ")[2] for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a = b < c", {"a = b <= c"}),
        ("a = b and c", {"a = b or c"}),
        ("a = not b", {"a = not not b"}),
        ("a = b + 1", {"a = b - 1", "a = b + 2"}),
        ("a += 2", {"a -= 2", "a += 3"}),
        ("a = True", {"a = False"}),
        ("if a:\n    b()", {"if not a:", "None"}),
        ("def f():\n    return a", {"return None"}),
        ("for a in b:\n    continue", {"break"}),
        ("raise a", {"None"}),
        ("a('UPDATE t SET x = ?')", {"a('SELECT 1 WHERE 0 IN (?)')", "None"}),
    ],
)
def test_each_kind_of_change(source: str, changed: set[str]) -> None:
    """One at a time, and each may be told from what was there."""
    assert set(changes(source)) == changed


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        "LIMIT = 7 * 86_400",
        "LIMIT: int = 7",
        "def f(a: b | c) -> d | e:\n    pass",
        "if TYPE_CHECKING:\n    import a",
        "a = 'text' + b",
        "def f():\n    return None",
        "@a(1)\ndef f():\n    pass",
    ],
)
def test_what_is_no_logic_stays_as_it_is(source: str) -> None:
    """Texts, annotations, decorators, named constants."""
    assert changes(source) == []


def test_a_mutant_is_the_whole_module_with_one_change() -> None:
    """It says in which line, and the rest is as it was."""
    (first, second) = mutants("a = 1\nb = 2\n")
    assert (first.line, first.source) == (1, "a = 2\nb = 2")
    assert (second.line, second.source) == (2, "a = 1\nb = 3")
