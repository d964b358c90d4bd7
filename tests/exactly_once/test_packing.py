"""Columns of a journal: what was packed comes back."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from operator import itemgetter

import pytest
from desk import Desk, rows
from hypothesis import example, given
from hypothesis import strategies as st

from toloka_upload.errors import ExitStatus
from toloka_upload.journal.file import VERSION
from toloka_upload.journal.packing import pack, pack_ids, unpack, unpack_ids, unpack_some_ids

HEX = st.text("0123456789abcdef", min_size=1, max_size=6)
ANY = st.text(max_size=8)


@given(st.lists(st.integers(-(2**40), 2**40)))
def test_numbers_come_back(numbers: list[int]) -> None:
    """In their order."""
    assert list(unpack(pack(numbers))) == numbers


@given(
    st.lists(ANY, min_size=1)
    | st.builds(lambda head, tails: [head + tail for tail in tails], ANY, st.lists(HEX, min_size=1))
)
@example(["a-0f", "b-0f"])
@example(["a-0f", "a-0F"])
@example(["a-0f", "0f"])
@example(["a-0 f", "a-0f0"])
@example(["a-0f", ""])
@example(["a-", "a-"])
@example(["x\n-0f", "x\n-1e"])
@example(["[", "\n"])
def test_ids_come_back_whatever_they_are(ids: list[str]) -> None:
    """Of the API's form or of none: they are what a server said."""
    assert unpack_ids(pack_ids(ids)) == ids
    for step in (1, 2, 7):  # some of them, in any order
        chosen = range(len(ids) - 1, -1, -step)
        assert unpack_some_ids(pack_ids(ids), chosen) == [ids[index] for index in chosen]


def test_ids_of_the_api_take_half_their_digits() -> None:
    """12 bytes for 24 digits, and little for all that they have in common."""
    ids = [f"0000000015--{number * 0x9E3779B97F4A7C15 % 2**96:024x}" for number in range(1000)]
    assert len(pack_ids(ids)) < 12 * 1000 + 40


@pytest.mark.parametrize("ids", [["0000000015--5f", "0000000015--60"], ["a"]])
def test_ids_of_an_older_journal_are_read(ids: list[str]) -> None:
    """Format 1 had them as compressed lines."""
    assert unpack_ids(zlib.compress("\n".join(ids).encode(), 1)) == ids


def test_a_journal_of_format_1_is_gone_on_with(desk: Desk) -> None:
    """It is known to be of the newer format from then on; its rows stay known, with their ids."""
    desk.write(rows(5))
    desk.upload()
    (path,) = (desk.state / "journals").glob("*.db")
    with closing(sqlite3.connect(path)) as db, db:
        for chunk, ids in db.execute("SELECT chunk, ids FROM outcome").fetchall():
            older = zlib.compress("\n".join(unpack_ids(ids)).encode(), 1)
            db.execute("UPDATE outcome SET ids = ? WHERE chunk = ?", (older, chunk))
        db.execute("PRAGMA user_version = 1")
    before = desk.results.read_text()
    report = desk.upload()
    assert report.exit_status is ExitStatus.OK
    assert report.counts.already_uploaded == 5
    assert desk.results.read_text() == before.replace('"created"', '"already_uploaded"')
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_known_rows_are_told_their_ids_in_any_order(desk: Desk) -> None:
    """Each row of a shuffled file has the id that it was created with, whichever chunk that was in."""
    some = rows(60)
    desk.write(some)
    desk.upload(chunk_size=7)
    created = [entry["task_id"] for entry in sorted(desk.told(), key=itemgetter("line"))]
    order = sorted(range(60), key=lambda number: number * 37 % 60)
    desk.write([some[number] for number in order])
    assert desk.upload().counts.already_uploaded == 60
    found = [entry["task_id"] for entry in sorted(desk.told(), key=itemgetter("line"))]
    assert found == [created[number] for number in order]
