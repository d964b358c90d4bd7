"""Messages, help and pages are in plain English: the field's words, and no riddles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import ROOT

INSTEAD = {
    r"mend(s|ed|ing)?": "fix",
    r"pass(ed|es)? over": "skip",
    r"bears?|borne": "allow",
    r"told": "said, shown, reported, detected",
    r"cures?": "fix",
    r"for the \d+\. time": "3rd try",
    r"not in order": "in the wrong order",
}
"""Words that readers stumble over, and what is written instead."""
WORST = re.compile("|".join(rf"\b(?:{word})\b" for word in INSTEAD), re.IGNORECASE)
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "samples").iterdir()),
]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What a module may print: its texts without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node.lineno, node.value


def test_no_message_and_no_help_has_one_of_the_worst_words() -> None:
    """In all rooms, the emulator too."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "toloka_upload").rglob("*.py"))
        for line, text in texts(path)
        if WORST.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_one_of_the_worst_words(page: Path) -> None:
    """Nor a sample."""
    found = [line for line in page.read_text("utf-8").splitlines() if WORST.search(line)]
    assert found == []
