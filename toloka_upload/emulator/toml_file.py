"""A world or a plan of faults, as a TOML file has it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_toml(path: Path, lists: Iterable[str], others: Iterable[str]) -> dict[str, Any]:
    """What the file says: a list of tables (`[[name]]`) under each name of `lists`, and whatever under `others`.

    Raises:
        ValueError: It is no TOML, has another name, or something else than tables in a list; names the file.
        OSError: It cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{path}: {problem}") from None
    known = [*(f"[[{name}]]" for name in lists), *others]
    for name, value in data.items():
        if name in others:
            continue
        if name not in lists:
            raise ValueError(f"{path}: unknown key {name!r}; there are: {', '.join(known)}")
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise ValueError(f"{path}: {name} is a list of tables, each under [[{name}]]")
    return data
