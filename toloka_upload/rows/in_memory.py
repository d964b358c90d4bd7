"""Rows that Python code has in its hands: written down as JSON Lines, which is read like any other file.

Takes iterables of dicts, and data frames of pandas and polars, told by what they can do: neither is imported.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TAKEN = "a path, an iterable of rows (dicts), or a data frame of pandas or polars"


def as_files(inputs: Iterable[Any], stack: ExitStack) -> tuple[str, ...]:
    """
    Names of files that hold the inputs; what is no path is written to a file that the stack removes.

    Raises:
        TypeError: An input is nothing that can be uploaded, or a row is no dict, or holds what JSON cannot.
    """
    names, folder = [], None
    for given in inputs:
        if isinstance(given, str | os.PathLike):
            names.append(os.fspath(given))
            continue
        rows = rows_of(given)
        folder = folder or Path(stack.enter_context(TemporaryDirectory(prefix="toloka-upload-")))
        number = len(list(folder.iterdir())) + 1
        path = folder / ("rows.jsonl" if number == 1 else f"rows-{number}.jsonl")
        with path.open("w", encoding="ascii") as file:
            file.writelines(f"{_line(row, at)}\n" for at, row in enumerate(rows, 1))
        names.append(str(path))
    return tuple(names)


def rows_of(given: Any) -> Iterator[Any]:
    """The rows of an iterable or a data frame.

    Raises:
        TypeError: It is neither.
    """
    if callable(getattr(given, "iter_rows", None)):  # polars
        return (_without_nothing(row) for row in given.iter_rows(named=True))
    if callable(getattr(given, "itertuples", None)):  # pandas
        names = [str(name) for name in given.columns]
        tuples = given.itertuples(index=False, name=None)
        return (_without_nothing(dict(zip(names, row, strict=True))) for row in tuples)
    if isinstance(given, bytes | bytearray | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"{type(given).__name__} cannot be uploaded: give {TAKEN}.")
    return iter(given)


def _line(row: Any, at: int) -> str:
    if not isinstance(row, Mapping):
        raise TypeError(f"Row {at} is of type {type(row).__name__}: a row is a dict of its fields.")
    try:
        return json.dumps(dict(row), default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Row {at} cannot be written as JSON: {error}.") from error


def _without_nothing(row: dict[str, Any]) -> dict[str, Any]:
    """A data frame's row without its empty cells, as an empty cell of a table leaves its field out."""
    return {name: value for name, value in row.items() if not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _plain(value: Any) -> Any:
    """A number of numpy as Python's, a moment as ISO 8601: what is left has no form of its own in JSON."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
