"""What must never change, whatever the program looks like inside: pinned from outside, byte for byte.

The kept files have, for each form of input and kind of trouble: the requests' bytes, what each row is known by
(identities, contents, and with them the operation ids), the order of rows, every fault of every row in the order
in which it was reported, the results, the rejects and the counts. `keep.py` writes them anew, only when asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import old_journal
from cases import CASES
from keep import GONE_ON, JOURNAL, KEPT, record


@pytest.mark.parametrize("name", CASES)
def test_what_is_sent_known_and_reported_stays(name: str, tmp_path: Path) -> None:
    """A row uploaded by an earlier version is the same row to this one, and its request the same request."""
    assert record(CASES[name], tmp_path) == json.loads((KEPT / f"{name}.json").read_text())


def test_a_journal_of_format_2_is_gone_on_with(tmp_path: Path) -> None:
    """What an earlier version left in the air is settled, sent again as the very same request, or known."""
    found = old_journal.go_on(JOURNAL.read_text(), tmp_path)
    assert found == json.loads(GONE_ON.read_text())
    assert found["sending"] in found["sent"]


def test_every_kept_file_is_looked_at() -> None:
    """A case that was dropped leaves no file behind."""
    assert {path.stem for path in KEPT.iterdir()} == {*CASES, "journal-2"}
