"""Writes the golden files anew from today's code. Ask yourself first why anything in them may change.

python tests/golden/keep.py [CASE...]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import old_journal
from cases import CASES, Case
from recorder import Service, expected_operation_id, journals, run, serving

KEPT = Path(__file__).parent / "kept"


def record(case: Case, folder: Path) -> dict[str, Any]:
    """Do what a case says; return what must not change."""
    for name, data in case.files.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    with serving() as service:
        found = [run(service, folder, list(files), **case.options) for files in _runs(case)]
        known = journals(folder)
        _judge_operation_ids(service, known)
    return {"runs": found, "journals": known}


def _runs(case: Case) -> tuple[tuple[str, ...], ...]:
    return case.runs or (tuple(case.files),)


def _judge_operation_ids(service: Service, known: dict[str, list[dict[str, Any]]]) -> None:
    """An operation id depends on the service's address, so it is not kept but derived; nor are digests of bodies."""
    sent = {query.get("operation_id") for _, query, _ in service.posts}
    for pool, chunks in known.items():
        for chunk in chunks:
            identity = chunk["request"][0]
            if identity is not None:
                assert identity == expected_operation_id(service.url, pool, chunk)
            assert identity in sent
            _, digest, parameters, generation, attempt = chunk["request"]
            chunk["request"] = [digest.hex(), parameters, generation, attempt]


def shown(found: dict[str, Any]) -> str:
    """As it is kept."""
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


JOURNAL, GONE_ON = KEPT / "journal-2.sql", KEPT / "journal-2.json"


def keep_journal() -> None:
    """Write the journal that later code must go on with, and what today's code makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        JOURNAL.write_text(old_journal.make(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        GONE_ON.write_text(shown(old_journal.go_on(JOURNAL.read_text(), Path(folder))))


def main(names: list[str]) -> None:
    """Write the files of some cases, or of all; the journal only if it is named (`journal-2`)."""
    KEPT.mkdir(exist_ok=True)
    if "journal-2" in names:
        names.remove("journal-2")
        keep_journal()
        if not names:
            return
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as folder:
            (KEPT / f"{name}.json").write_text(shown(record(CASES[name], Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
