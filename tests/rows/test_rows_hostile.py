"""Hostile input: whatever the bytes, rows or one clear refusal; bounded memory; no row lost."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_xlsx import xlsx
from rows_reading import SPEC, open_bytes
from test_rows_same_everywhere import TEXTS

from toloka_upload.errors import BadInput, NoInput, UsageProblem
from toloka_upload.rows.source import MAX_ROW

FORMATS = ["jsonl", "json", "csv", "tsv", "xlsx", None]
ENCODINGS = [
    None,
    None,
    "cp1251",
    "utf-16",
    "utf-32",
    "utf-7",
    "gb18030",
    "iso2022_jp",
    "hz",
    "unicode_escape",
]
SEEDS = [
    *(text.encode() for text in TEXTS.values()),
    xlsx([["string"], ["a"]]),
    gzip.compress(b'{"a":1}\n'),
    bz2.compress(b"a,b\n1,2\n"),
    lzma.compress(b'[{"a":1}]'),
    b'\xef\xbb\xbf"a";"b"\r\n"1""";\r\n;;\r\n',
    b'{"INPUT:a":1,"Al:latitude":"x"}\n{"latitude":[],"input_values":7}',
]


def survive(data: bytes, **options: object) -> None:
    """Read all; a refusal names the input and its line, and every row is either good or says why not."""
    try:
        file = open_bytes(data, SPEC, **options)
        for row in file:
            assert row.line >= 1
            assert bool(row.text) != bool(row.faults)
            assert all(fault.code and fault.message for fault in row.faults)
        assert file.rejects_suffix in (".jsonl", ".csv", ".tsv")
        assert isinstance(file.rejects_head, bytes)
    except (BadInput, NoInput) as error:
        assert str(error).startswith("-:")  # noqa: PT017
    except UsageProblem:
        assert options.get("encoding") or options.get("suites_by_blank_line")


@given(st.binary(max_size=200), st.sampled_from(FORMATS), st.sampled_from(ENCODINGS))
def test_any_bytes_are_survived(data, format_name, encoding):
    """Bytes without any sense, in any format and encoding."""
    survive(data, format=format_name, encoding=encoding)


@given(st.text('{}[]",:\\ \n\t;aN1.-e\ufeff\0я', max_size=60), st.sampled_from(FORMATS))
def test_any_marks_are_survived(text, format_name):
    """Bytes with nearly sense: brackets, quotes, breaks and digits in any order."""
    survive(text.encode(), format=format_name)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_changed_files_are_survived(seed):
    """Real files, cut, repeated and with bytes changed."""
    dice = random.Random(seed)
    for _ in range(60):
        data = bytearray(SEEDS[seed])
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data) + 1)
            piece = bytes(data[at : at + dice.randint(0, 30)])
            data[at : at + dice.randint(0, 5)] = dice.choice(
                [b"", b'"', b"\n", b"{", b"}", b"\xff", b"\0", piece]
            )
        survive(bytes(data), format=dice.choice(FORMATS), encoding=dice.choice(ENCODINGS))
        survive(bytes(data))


BOMB = """
import resource, sys, zlib
from toloka_upload.errors import BadInput
from toloka_upload.rows import ReadOptions, open_rows
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seen = []
try:
    for batch in open_rows("-", ReadOptions(format=sys.argv[1]), None).batches():
      for row in batch if type(batch) is list else batch.rows():
        seen.append(f"{row.line}:{row.faults[0].code if row.faults else 'good'}")
except BadInput as error:
    seen.append(str(error))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base)
print(*seen, sep="\\n")
"""


def bomb(start: bytes, middle: bytes, end: bytes) -> bytes:
    """A gzip file with `middle` 256 MiB long."""
    packer = zlib.compressobj(1, wbits=31)
    piece = middle * ((1 << 20) // len(middle))
    parts = [
        packer.compress(start),
        *(packer.compress(piece) for _ in range(256)),
        packer.compress(end),
    ]
    return b"".join(parts) + packer.flush()


@pytest.mark.parametrize(
    ("format_name", "start", "middle", "end", "seen"),
    [
        (
            "jsonl",
            b'{"a":1}\n{"a":"',
            b"x",
            b'"}\n{"a":2}\n',
            ["1:good", "2:ROW_TOO_LONG", "3:good"],
        ),
        (
            "json",
            b'[{"a":1},\n{"a":"',
            b"x",
            b'"},\n{"a":2}]\n',
            ["1:good", "2:ROW_TOO_LONG", "3:good"],
        ),
        ("csv", b"a,b\n1,2\n3,", b"x", b"\n5,6\n", ["2:good", "3:ROW_TOO_LONG", "4:good"]),
        ("csv", b'a,b\n1,2\n3,"', b"xxxxxxx\n", b'"\n', ["2:good", "quote is not closed within"]),
        ("csv", b"", b"a,", b"", ["the header is longer than"]),
        ("json", b'[{"a":1},', b"[", b"", ["1:good", "nested deeper"]),
        ("jsonl", b"", b" " * 1023 + b"\n", b'{"a":1}\n', ["262145:good"]),
        ("jsonl", b'{"a":1}\n{"a":"', b"x", b"", ["1:good", "2:ROW_TOO_LONG"]),
    ],
)
def test_a_row_without_end_is_passed_over_in_flat_memory(format_name, start, middle, end, seen):
    """256 MiB in one row take no more than the longest row there may be, a few times over."""
    done = subprocess.run(
        [sys.executable, "-c", BOMB, format_name],
        input=bomb(start, middle, end),
        capture_output=True,
        check=True,
    )
    grown, *lines = done.stdout.decode().splitlines()
    assert int(grown) * 1024 < 4 * MAX_ROW
    assert len(lines) == len(seen)
    assert all(part in line for part, line in zip(seen, lines, strict=True))
