"""Rejects: rows as they came, to be fixed and uploaded, with the reasons beside them."""

from __future__ import annotations

import csv
import io
import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from toloka_upload.errors import CannotWrite
from toloka_upload.report.rejects import RejectsFiles
from toloka_upload.rows import ReadOptions, RowFile, open_rows
from toloka_upload.rows.model import Fault
from toloka_upload.text import plain

FAULT = Fault("input_values.image", "VALUE_REQUIRED", "May not be null")


def reject_all(rejects: RejectsFiles, *paths: Path, encoding: str | None = None) -> None:
    """Read files to their ends and reject every row of them."""
    for path in paths:
        file: RowFile = open_rows(str(path), ReadOptions(encoding=encoding), None)
        with closing(file):
            rejects.know(file)
            for row in file:
                rejects.write(str(path), row.line, row.raw, [FAULT])
    rejects.close()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects go to the working directory."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("t.jsonl", b'{"a": 1.10}\r\n{"b":  2}\n{"c":3}', b'{"a": 1.10}\r\n{"b":  2}\n{"c":3}\n'),
        ("t.csv", b'a;b\r\n"x\n""y""";1\r\nz;2', b'a;b\r\n"x\n""y""";1\r\nz;2\n'),
        ("t.tsv", b"INPUT:a\tINPUT:b\n1\t2\n", b"INPUT:a\tINPUT:b\n1\t2\n"),
    ],
)
def test_rows_are_rejected_byte_for_byte(
    tmp_path: Path, name: str, data: bytes, expected: bytes
) -> None:
    """Header, quoting, line ends and digits as they came; only a missing last line end is added."""
    path = tmp_path / name
    path.write_bytes(data)
    rejects = RejectsFiles(None)
    reject_all(rejects, path)
    assert Path(f"t.rejects{path.suffix}").read_bytes() == expected
    assert rejects.files == [Path(f"t.rejects{path.suffix}")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "cp1251"])
def test_rejects_read_back_in_the_inputs_encoding(tmp_path: Path, encoding: str) -> None:
    """What goes in with `--encoding` comes out with it."""
    path = tmp_path / "t.csv"
    path.write_bytes("имя,b\nщи,1\nёж,2".encode(encoding))
    reject_all(RejectsFiles(None), path, encoding=encoding)
    text = Path("t.rejects.csv").read_bytes().decode(encoding)
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))) == [
        ["имя", "b"],
        ["щи", "1"],
        ["ёж", "2"],
    ]


def test_json_is_rejected_as_jsonl(tmp_path: Path) -> None:
    """A part of an array is no array; one object a line can be uploaded as it is."""
    path = tmp_path / "t.json"
    path.write_bytes(b'[{"a": 1.10,\n"b": 2}, {"a": 2}]')
    reject_all(RejectsFiles(None), path)
    rows = Path("t.rejects.jsonl").read_bytes().splitlines()
    assert [json.loads(row) for row in rows] == [{"a": 1.1, "b": 2}, {"a": 2}]
    assert b"1.10" in rows[0]


def test_reasons_stand_beside(tmp_path: Path) -> None:
    """One line for each fault, with file, line, field, code and message."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"a":1}\n\n{"a":2}\n')
    reject_all(RejectsFiles(Path("bad.jsonl")), path)
    reasons = Path("bad.jsonl.errors.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in reasons] == [
        {"file": str(path), "line": line, **FAULT._asdict()} for line in (1, 3)
    ]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("caf\udce9.jsonl", "caf\udce9.rejects.jsonl"),
        ("tasks.jsonl.gz", "tasks.rejects.jsonl"),
        ("tasks.v2.jsonl", "tasks.v2.rejects.jsonl"),
        ("tasks", "tasks.rejects.jsonl"),
        ("tasks.zst", "tasks.rejects.jsonl"),
    ],
)
def test_the_name_is_the_inputs_stem(tmp_path: Path, name: str, made: str) -> None:
    """Whatever it is packed in; the rejects are not packed."""
    path = tmp_path / name
    path.write_bytes(b'{"a":1}\n')
    reject_all(RejectsFiles(None), path)
    assert sorted(path.name for path in Path().iterdir()) == [made, f"{made}.errors.jsonl"]


def test_inputs_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """`a/tasks.jsonl` and `b/tasks.jsonl` in one run have a rejects file each."""
    paths = [tmp_path / folder / "tasks.jsonl" for folder in "ab"]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(b'{"n":%d}\n' % number)
    reject_all(RejectsFiles(None), *paths)
    assert Path("tasks.rejects.jsonl").read_bytes() == b'{"n":0}\n'
    assert Path("tasks.rejects-2.jsonl").read_bytes() == b'{"n":1}\n'


def test_a_named_file_takes_all_inputs_of_one_form(tmp_path: Path) -> None:
    """Rows of another form, or with another header, cannot stand in it: they go beside."""
    contents = {
        "a.jsonl": b'{"n":0}\n',
        "b.jsonl": b'{"n":1}\n',
        "c.csv": b"n\n2\n",
        "d.csv": b"m\n3\n",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    reject_all(RejectsFiles(Path("bad.jsonl")), *(tmp_path / name for name in contents))
    assert Path("bad.jsonl").read_bytes() == b'{"n":0}\n{"n":1}\n'
    assert Path("bad-2.jsonl").read_bytes() == b"n\n2\n"
    assert Path("bad-3.jsonl").read_bytes() == b"m\n3\n"


def test_rejects_that_somebody_is_fixing_are_left_alone(tmp_path: Path) -> None:
    """Any run after the first takes the next free name, and tells; what was fixed by hand is not lost."""
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(b'{"n":1}\n')
    told: list[str] = []
    for _ in range(3):
        reject_all(RejectsFiles(None, warn=told.append), path)
        Path("tasks.rejects.jsonl").write_text("fixed by hand")
    assert Path("tasks.rejects.jsonl").read_text() == "fixed by hand"
    for number in (2, 3):
        assert Path(f"tasks.rejects-{number}.jsonl").read_bytes() == b'{"n":1}\n'
        assert Path(f"tasks.rejects-{number}.jsonl.errors.jsonl").exists()
    assert [line.split()[-1] for line in told] == ["tasks.rejects-2.jsonl", "tasks.rejects-3.jsonl"]


def test_a_symlink_at_the_default_name_is_not_followed(tmp_path: Path) -> None:
    """Neither one that leads to a file, nor one that leads to nothing yet; nor one in the place of the reasons."""
    path, elsewhere = tmp_path / "tasks.jsonl", tmp_path / "elsewhere"
    path.write_bytes(b'{"n":1}\n')
    elsewhere.write_text("mine")
    Path("tasks.rejects.jsonl").symlink_to(elsewhere)
    Path("tasks.rejects-2.jsonl").symlink_to(tmp_path / "nothing")
    Path("tasks.rejects-3.jsonl.errors.jsonl").symlink_to(elsewhere)
    rejects = RejectsFiles(None)
    reject_all(rejects, path)
    assert rejects.files == [Path("tasks.rejects-4.jsonl")]
    assert elsewhere.read_text() == "mine"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("name", ["bad.jsonl", "bad.jsonl.errors.jsonl"])
def test_a_named_file_that_is_there_ends_the_run_before_it_begins(
    tmp_path: Path, name: str
) -> None:
    """The rejects or their reasons; `force` overwrites both."""
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(b'{"n":1}\n')
    Path(name).write_text("mine")
    with pytest.raises(CannotWrite, match="--force"):
        RejectsFiles(Path("bad.jsonl"))
    assert Path(name).read_text() == "mine"
    reject_all(RejectsFiles(Path("bad.jsonl"), force=True), path)
    assert Path("bad.jsonl").read_bytes() == b'{"n":1}\n'


def test_rejects_may_go_to_a_device(tmp_path: Path) -> None:
    """`--rejects /dev/null` throws them away, reasons too, and nothing is said to be in the way."""
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(b'{"n":1}\n')
    reject_all(RejectsFiles(Path(os.devnull)), path)
    assert list(Path().iterdir()) == []


def test_reasons_are_no_escape_sequences(tmp_path: Path) -> None:
    """What a server says is escaped in the file: C1, DEL, direction overrides, invisible tags. It reads back."""
    path, message = tmp_path / "t.jsonl", "\x9b2J \x7f \u202eevil \U000e0041 naïve"
    path.write_bytes(b'{"a":1}\n')
    rejects = RejectsFiles(None)
    with closing(open_rows(str(path), ReadOptions(), None)) as file:
        rejects.know(file)
        rejects.write(str(path), 1, b"{}", [Fault("f", "CODE", message)])
    rejects.close()
    written = Path("t.rejects.jsonl.errors.jsonl").read_text("utf-8")
    assert json.loads(written)["message"] == message
    assert plain(written.rstrip("\n")) == written.rstrip("\n")
    assert "naïve" in written


def test_no_rejects_no_file(tmp_path: Path) -> None:
    """The file is written only if there are any, and an old one is left alone."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"a":1}\n')
    rejects = RejectsFiles(Path("bad.jsonl"))
    with closing(open_rows(str(path), ReadOptions(), None)) as file:
        rejects.know(file)
    rejects.close()
    assert list(Path().iterdir()) == []
    assert rejects.files == []


def test_rejects_that_cannot_be_written_name_the_file(tmp_path: Path) -> None:
    """And what to do."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"a":1}\n')
    with pytest.raises(CannotWrite, match=r"missing/bad\.jsonl.*--rejects"):
        reject_all(RejectsFiles(Path("missing/bad.jsonl")), path)
