"""docs/emulator.md tells of every switch and every fault, in the words of the code, and its samples work."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from toloka_upload.emulator import Switches
from toloka_upload.emulator.faults import ACTIONS, parse_fault
from toloka_upload.emulator.switches import about
from toloka_upload.emulator.world import load_world

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def shown(value: Any) -> str:
    """A value as TOML and the command line take it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or "(empty)"


def switch_rows() -> list[str]:
    """The rows of the table of switches."""
    usual = Switches()
    rows = []
    for name, (words, choices) in about().items():
        values = " ".join(f"`{choice}`" for choice in choices)
        kind = "text" if isinstance(getattr(usual, name), str) else "number"
        default = shown(getattr(usual, name))
        rows.append(f"| `{name}` | {values or kind} | `{default}` | {words} |")
    return rows


def fault_rows() -> list[str]:
    """The rows of the table of faults."""
    rows = []
    for name, action in ACTIONS.items():
        pairs = action.settings.items()
        settings = ", ".join(f"`{key}` = {json.dumps(value)}" for key, value in pairs)
        rows.append(f"| `{name}` | {action.phase} | {action.about} | {settings} |")
    return rows


def test_every_switch_is_documented() -> None:
    """Name, values, default, meaning."""
    missing = [row for row in switch_rows() if row not in TEXT]
    assert not missing, "docs/emulator.md lacks:\n" + "\n".join(missing)


def test_every_fault_is_documented() -> None:
    """Name, when, what, settings with their defaults."""
    missing = [row for row in fault_rows() if row not in TEXT]
    assert not missing, "docs/emulator.md lacks:\n" + "\n".join(missing)


def test_nothing_is_documented_that_is_not_there() -> None:
    """No row of either table names what the code does not know."""
    named = set(re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE))
    assert named == about().keys() | ACTIONS.keys()


def samples() -> list[str]:
    """The TOML samples of the document."""
    return re.findall(r"(?s)```toml\n(.*?)```", TEXT)


@pytest.mark.parametrize("sample", samples())
def test_the_samples_work(sample: str, tmp_path: Path) -> None:
    """Plans are plans and worlds are worlds."""
    data = tomllib.loads(sample)
    for fault in data.get("fault", []):
        parse_fault(fault)
    if "pool" in data:
        path = tmp_path / "world.toml"
        path.write_text(sample)
        world = load_world(path)
        Switches().changed(world.switches)
        assert world.pools


def test_there_are_samples_of_both() -> None:
    """A plan and a world."""
    assert any("[[fault]]" in sample for sample in samples())
    assert any("[[pool]]" in sample for sample in samples())
