"""The spool: what was planned is what is sent."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.errors import CannotWrite
from toloka_upload.items.chunks import Chunk, Chunker, Items, Limits
from toloka_upload.items.identity import digest
from toloka_upload.items.spool import Spool

items = st.lists(
    st.tuples(st.binary(min_size=1, max_size=20), st.integers(1, 3), st.booleans()), min_size=1
)


def chunks_of(rows: list[tuple[bytes, int, bool]], most: int) -> list[Chunk]:
    """Chunks of items of so many rows, which a listing shows under another content or not; no item has a line break."""
    chunks: list[Chunk] = []
    chunker = Chunker("21", "task-suites", Limits(items=most), chunks.append)
    for number, (text, count, same) in enumerate(rows):
        identities = [digest(b"%d.%d" % (number, row)) for row in range(count)]
        content = identities[0] if same else digest(text)
        lines = [number * 10 + row for row in range(count)]
        one_line, size = text.replace(b"\n", b" "), len(text)
        chunker.add(
            Items([one_line], [size], [0], [content], identities, [text] * count, lines, [count]),
            "file",
        )
    chunker.flush()
    return chunks


@given(items, st.integers(1, 4), st.data())
def test_chunks_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[bytes, int, bool]],
    most: int,
    data: st.DataObject,
) -> None:
    """Every column of every chunk, in whatever order and however often they are read."""
    chunks = chunks_of(rows, most)
    chunks[0].attempt, chunks[0].replaces = 2, 17
    with closing(Spool(tmp_path_factory.getbasetemp() / "spool")) as spool:
        planned = [spool.add(chunk) for chunk in chunks]
        assert [one.number for one in planned] == list(range(1, len(chunks) + 1))
        for index in data.draw(st.lists(st.sampled_from(range(len(chunks))), min_size=1)):
            assert spool.load(planned[index]) == chunks[index]
            assert planned[index].items == chunks[index].items
            assert planned[index].rows == chunks[index].rows


def test_the_spool_leaves_nothing_behind(tmp_path: Path) -> None:
    """Not even while it is in use: the file has no name, so a killed run leaves none."""
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.add(chunks_of([(b"x" * 100_000, 1, True)], 1)[0])
        assert list((tmp_path / "spool").iterdir()) == []


def test_the_spool_is_private(tmp_path: Path) -> None:
    """Rows may be confidential."""
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.add(chunks_of([(b"x", 1, True)], 1)[0])
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "file").write_bytes(b"")
    with closing(Spool(tmp_path / "file" / "spool")) as spool, pytest.raises(CannotWrite) as caught:
        spool.add(chunks_of([(b"x", 1, True)], 1)[0])
    assert "--state-dir" in str(caught.value)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """With how much room it takes."""
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.add(chunks_of([(b"x", 1, True)], 1)[0])
        assert spool._file
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, spool._file.fileno())
        os.close(full)
        with pytest.raises(CannotWrite, match=r"No space left.*Make room"):
            spool.add(chunks_of([(b"x", 1, True)], 1)[0])
