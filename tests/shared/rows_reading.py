"""What the tests of the reading rooms share: reading bytes, and a spec with a field of every type."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from toloka_upload.rows import ReadOptions, Row, RowFile, open_rows

TYPES = ("string", "url", "integer", "float", "boolean", "json", "coordinates")
SPEC = {
    "input_spec": {
        **{name: {"type": name, "required": False} for name in TYPES},
        **{f"array_{name}": {"type": f"array_{name}", "required": False} for name in TYPES},
    },
    "output_spec": {"result": {"type": "string"}, "count": {"type": "integer"}},
}


def open_bytes(data: bytes, spec: Mapping[str, Any] | None = SPEC, **options: Any) -> RowFile:
    """Open bytes as standard input."""
    return open_rows("-", ReadOptions(**options), spec, stdin=io.BytesIO(data))


def read(data: bytes, spec: Mapping[str, Any] | None = SPEC, **options: Any) -> list[Row]:
    """All rows of bytes."""
    return list(open_bytes(data, spec, **options))


def texts(data: bytes, spec: Mapping[str, Any] | None = SPEC, **options: Any) -> list[str]:
    """The texts of all rows, none of which may be wrong."""
    rows = read(data, spec, **options)
    assert [row.faults for row in rows if row.faults] == []
    return [row.text.decode() for row in rows]


def codes(row: Row) -> list[tuple[str, str]]:
    """A row's faults as field and code."""
    return [(fault.field, fault.code) for fault in row.faults]
