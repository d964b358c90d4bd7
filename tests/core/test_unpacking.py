"""Bodies of answers: unpacked within bounds, whatever a server sends."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.api.unpacking import Unusable, unpacked


@given(st.lists(st.binary(max_size=3000), min_size=1), st.integers(1, 500))
def test_gzip_reads_back_however_it_is_cut(members: list[bytes], step: int) -> None:
    """Members one after the other are one body; pieces may end anywhere."""
    packed = b"".join(gzip.compress(member) for member in members)
    parts = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert unpacked(parts, "gzip", 10**6) == b"".join(members)
    assert unpacked(parts, "", 10**6) == packed


def test_a_bomb_is_given_up_before_it_fills_the_memory() -> None:
    """64 MB in 64 kB, one piece: no more than the bound and a step are ever held."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(Unusable, match="longer than"):
        unpacked([bomb], "gzip", 1024 * 1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate", "zstd", "x"])
def test_only_what_was_asked_for_is_undone(encoding: str) -> None:
    """A server that packs twice wants our memory."""
    with pytest.raises(Unusable, match="not asked for"):
        unpacked([gzip.compress(gzip.compress(b"{}"))], encoding, 1000)


def test_what_is_damaged_or_cut_off_is_no_answer() -> None:
    """Rather than half of one."""
    packed = gzip.compress(bytes(range(256)) * 50)
    with pytest.raises(Unusable, match="cut off"):
        unpacked([packed[:-9]], "gzip", 10**6)
    with pytest.raises(Unusable, match="cannot be unpacked"):
        unpacked([b"no gzip at all"], "gzip", 10**6)
    assert unpacked([], "gzip", 10) == b""
