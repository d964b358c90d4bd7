"""All inputs of a run, opened and planned one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO

from toloka_upload.planning.planner import Planner
from toloka_upload.rows import RowFile, open_rows
from toloka_upload.session.outside import call_outside
from toloka_upload.session.session import Session


async def plan_files(
    session: Session,
    planner: Planner,
    spec: Mapping[str, Any] | None,
    begun: Callable[[RowFile], None],
    *,
    stdin: BinaryIO | None = None,
) -> None:
    """
    Plan the files that the settings name, to their ends.

    Args:
        spec: What the cells of tables become.
        begun: Is told of each file before its first row.
        stdin: Where `-` reads from.
    """
    with ExitStack() as stack:
        files: list[RowFile] = []
        reading = session.settings.reading
        for name in session.settings.files:
            # A pipe may have no writer yet, and a signal must be heard meanwhile.
            files.append(await call_outside(session, open_rows, name, reading, spec, stdin=stdin))
            stack.callback(files[-1].close)
        sizes = [file.size for file in files]
        total = sum(size or 0 for size in sizes) if None not in sizes else None
        before = 0
        for file in files:
            begun(file)
            await planner.plan(file, before, total)
            for warning in file.warnings:
                session.recorder.warn(f"{file.name}: {warning}")
            before += file.size or 0
        await planner.finish()
