"""Which reader an input gets: by `--format`, else by its extension, else by its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from toloka_upload.errors import BadInput
from toloka_upload.rows.jsonl import JsonLines
from toloka_upload.rows.model import ReadOptions, RowFile
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.source import Source


def open_rows(
    name: str,
    options: ReadOptions,
    task_spec: Mapping[str, Any] | None,
    *,
    stdin: BinaryIO | None = None,
) -> RowFile:
    """Open an input and read as much of it as tells its format."""
    source = Source(name, encoding=options.encoding, stdin=stdin)
    try:
        return JsonLines(source, options)
    except Damaged as error:
        raise BadInput(f"{name}:1: {error}") from error
