"""Opening: what is no input, what format and compression an input has, what encoding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import sys
import tarfile
import zipfile
from contextlib import closing

import pytest
from make_xlsx import xlsx
from rows_reading import open_bytes, read, texts

from toloka_upload.errors import BadInput, NoInput, UsageProblem
from toloka_upload.rows import Kind, ReadOptions, open_rows

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd.compress}
LINES = b'{"a":1}\n{"a":2}\n'


def test_a_missing_file_is_told_when_it_is_opened(tmp_path):
    """NoInput names the file and the reason before any row is asked for."""
    with pytest.raises(NoInput, match=r"nope\.jsonl: there is no such file"):
        open_rows(str(tmp_path / "nope.jsonl"), ReadOptions(), None)


def test_a_directory_is_no_input(tmp_path):
    """A directory is refused at once."""
    with pytest.raises(NoInput, match="directory"):
        open_rows(str(tmp_path), ReadOptions(), None)


def test_an_unreadable_file_is_no_input(tmp_path):
    """Missing permission is told as such (root reads everything: then there is nothing to see)."""
    path = tmp_path / "secret.jsonl"
    path.write_bytes(LINES)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(NoInput, match="permission"):
        open_rows(str(path), ReadOptions(), None)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_an_impossible_name_is_no_input(name):
    """Names that no file can have are no traceback."""
    with pytest.raises(NoInput):
        open_rows(name, ReadOptions(), None)


def test_an_input_that_fails_while_it_is_read_is_no_input():
    """An error of the device is told as one."""

    class Broken(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 50:
                raise OSError(5, "Input/output error")
            return super().read1(min(20, size or 20))

    rows = iter(open_rows("-", ReadOptions(), None, stdin=Broken(LINES * 10)))
    with pytest.raises(NoInput, match="Input/output error"):
        list(rows)


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows"])
def test_compression_is_told_by_first_bytes_whatever_the_name(tmp_path, packer, name):
    """A wrong or missing extension of a packed file changes nothing; members in a row are one text."""
    path = tmp_path / name
    path.write_bytes(PACKERS[packer](LINES) + PACKERS[packer](b'{"a":3}\n'))
    with closing(open_rows(str(path), ReadOptions(), None)) as file:
        assert [row.value["a"] for row in file] == [1, 2, 3]
        assert file.position == file.size == path.stat().st_size


@pytest.mark.parametrize("packer", PACKERS)
def test_a_cut_or_damaged_packed_file_is_refused_with_its_line(packer):
    """What cannot be unpacked to its end is no input, wherever it was cut."""
    packed = PACKERS[packer](LINES)
    for cut in range(6, len(packed)):
        with pytest.raises(BadInput, match=rf"^-:\d+: .*{packer}"):
            read(packed[:cut], format="jsonl")
    with pytest.raises(BadInput, match=packer):
        read(packed + b"junk", format="jsonl")
    assert len(read(packed + b"\0" * 512, format="jsonl")) == 2


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.jsonl", b'{"a":1}', "jsonl"),
        ("a.NDJSON", b'{"a":1}', "jsonl"),
        ("a.json", b'[{"a":1}]', "json"),
        ("a.json", b'{"a":1}\n{"a":2}', "jsonl"),
        ("a.json", b'{\n"a":1}', "json"),
        ("a.json", b"", "json"),
        ("a.csv", b"a\n1", "csv"),
        ("a.csv.gz", b"a\n1", "csv"),
        ("a.tsv", b"a\n1", "tsv"),
        ("a.tsv", xlsx([["a"], [1]]), "xlsx"),
        ("a.txt", b" \n[{}]", "json"),
        ("a.txt", b'\n{"a":1}\n', "jsonl"),
        ("a", b"a;b\n", "csv"),
        ("a", b"a\tb\n", "tsv"),
        ("a", b"", "csv"),
    ],
)
def test_format_is_told_by_extension_else_content(tmp_path, name, data, told):
    """`.json` holds JSON Lines as often as JSON: there the content decides."""
    path = tmp_path / name
    path.write_bytes(data)
    with closing(open_rows(str(path), ReadOptions(), None)) as file:
        assert file.format == told


def test_an_explicit_format_wins(tmp_path):
    """`--format` is believed against extension and content."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'{"a":1}\n')
    with closing(open_rows(str(path), ReadOptions(format="jsonl"), None)) as file:
        assert file.format == "jsonl"
    with pytest.raises(UsageProblem, match="jsonl, json, csv, tsv, xlsx"):
        open_rows(str(path), ReadOptions(format="yaml"), None)


def zipped(*names: str) -> bytes:
    """A ZIP archive with members of these names."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return held.getvalue()


def tarred() -> bytes:
    """A tar archive with one file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("tasks.csv"))
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file"),
        ("a", b"%PDF-1.7\n", "a PDF"),
        ("a.jsonl", b"ARROW1\0\0\xff", "an Arrow (Feather) file"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        ("a.tsv", tarred(), "a tar archive"),
        ("a.csv", gzip.compress(tarred(), mtime=0), "a tar archive"),
        ("a.csv", bytes(10240), "no text: it has NUL bytes"),
        ("a.csv", "a,b\nc,d\n".encode("utf-16-le"), "needs --encoding utf-16-le"),
        ("a.xlsx", zipped(), "an empty ZIP archive"),
        ("a.xlsx", zipped("mimetype", "content.xml"), "an OpenDocument file (ODS)"),
        ("a.xlsx", zipped("word/document.xml"), "a Word document (DOCX)"),
        ("a.xlsx", zipped("xl/workbook.bin"), "a binary workbook (XLSB)"),
        ("a.zip", zipped("tasks.csv"), "a ZIP archive with 'tasks.csv' in it"),
        ("a.csv", b"<!DOCTYPE html>\n<html>...", "HTML, a web page"),
        ("a.json", b"  <html lang='en'>", "HTML, a web page"),
        ("a", b"\xef\xbb\xbf<?xml version='1.0'?><rows/>", "XML"),
        ("a.jsonl", b"<rows>\n<row/>", "XML"),
        ("a.csv", b'{"image":"a"}\n{"image":"b"}\n', "JSON, and no table: add --format jsonl"),
        ("a.tsv", b'[{"image":"a"}]', "JSON, and no table: add --format json,"),
        (
            "a.jsonl",
            b"INPUT:image,INPUT:text\na,b\n",
            "a table, and no JSON Lines: add --format csv",
        ),
        ("a.jsonl", b"image\ttext\na\tb\n", "a table, and no JSON Lines: add --format tsv"),
        ("a.jsonl", b'{"a":1}\r{"a":2}\r', "line ends of an old Mac"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid", "run git lfs pull"),
    ],
)
def test_what_is_no_task_file_is_named(tmp_path, name, data, what):
    """A web page in place of a download must not end as a success without rows: a cron job would never notice."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(
        BadInput, match=f"this seems to be {re.escape(what)}|{re.escape(what)}"
    ) as caught:
        open_rows(str(path), ReadOptions(), None)
    assert caught.value.code == "NOT_A_TASK_FILE"


@pytest.mark.parametrize(
    ("data", "format_name"),
    [
        (b'{"a":1}\r', "jsonl"),
        (b'{"a":"\\u0000"}', "jsonl"),
        (b"a < b,c\n1,2\n", "csv"),
        (b'"{x}",b\n1,2\n', "csv"),
        (b"MZ,b\n1,2\n", "csv"),
    ],
)
def test_a_task_file_is_not_taken_for_something_else(data, format_name):
    """Odd beginnings are beginnings of task files, too."""
    assert len(read(data, None, format=format_name)) == 1


def test_a_file_without_end_is_no_table():
    """`/dev/zero` is told at once."""
    with pytest.raises(BadInput, match="NUL bytes"):
        open_rows("/dev/zero", ReadOptions(format="csv"), None)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is part of Python")
def test_a_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch):
    """No traceback of an import, but what to type."""
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    with pytest.raises(BadInput, match=r"pip install 'backports\.zstd>=1\.0'"):
        open_bytes(PACKERS["zstd"](LINES))


@pytest.mark.parametrize(
    "encoding",
    ["cp1251", "utf-16", "utf-16-le", "utf-32", "gb18030", "iso2022_jp", "koi8-r", "utf-7"],
)
@pytest.mark.parametrize("format_name", ["jsonl", "json", "csv"])
def test_encodings_are_read_and_rejects_are_in_them_again(encoding, format_name):
    """The text is UTF-8; rows for the rejects file are the input's bytes, and read back by the same command."""
    data = {
        "jsonl": '{"string":"лыжи"}\n{"string":"ищи"}\n',
        "json": '[{"string":"лыжи"},\n{"string":"ищи"}]',
        "csv": "string\nлыжи\nищи\n",
    }[format_name]
    file = open_bytes(data.encode(encoding), encoding=encoding, format=format_name)
    rows = list(file)
    assert [str(row.value).count("лыжи") for row in rows] == [1, 0]
    if format_name != "json" and encoding != "iso2022_jp":
        assert file.rejects_head + b"".join(row.raw for row in rows) == data.encode(encoding)
    rejects = file.rejects_head + b"".join(row.raw for row in rows)
    assert [row.value for row in read(rejects, encoding=encoding, format=format_name)] == [
        row.value for row in rows
    ]


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32", "cp1251"])
def test_a_last_line_without_its_end_gets_one_in_its_own_encoding(encoding):
    """What is appended to it in the rejects file must not run into it, or shift it by a byte."""
    data = 'string,url\n"a","b'.encode(encoding)
    file = open_bytes(data, encoding=encoding, format="csv")
    row = next(iter(file))
    assert row.faults
    assert (file.rejects_head + row.raw).decode(encoding) == 'string,url\n"a","b\n'


def test_utf_8_with_a_byte_order_mark_is_utf_8():
    """Excel's mark is no part of the first column, and stands before a table's rejects."""
    file = open_bytes(b"\xef\xbb\xbfstring\nx\n", format="csv")
    assert [row.value for row in file] == [{"input_values": {"string": "x"}}]
    assert file.rejects_head == b"\xef\xbb\xbfstring\n"
    assert texts(b'\xef\xbb\xbf{"a":1}') == ['{"a":1}']


def test_utf_16_without_its_name_is_told():
    """A mark of another encoding says which option is missing."""
    with pytest.raises(BadInput, match="add --encoding utf-16"):
        open_bytes('{"a":1}'.encode("utf-16"))


def test_an_undecodable_byte_spoils_its_row_and_no_other():
    """Line and byte offset are told, and the rejected row keeps the byte."""
    rows = read(b'{"a":"\xe0"}\n{"b":"\x98"}\n{"c":"\xe0"}\n', encoding="cp1251", format="jsonl")
    assert [len(row.faults) for row in rows] == [0, 1, 0]
    assert rows[1].line == 2
    assert rows[1].raw == b'{"b":"\x98"}\n'
    assert "byte 0x98 at byte offset 6 of the line is not cp1251" in rows[1].faults[0].message
    rows = read(b'{"a":1}\n{"b":"\xff"}\n', format="jsonl", encoding="utf-8")
    assert (
        "byte 0xff at byte offset 6 of the line (14 of the input) is not UTF-8"
        in rows[1].faults[0].message
    )
    rows = read(b"string\nx\n\xff\n", format="csv", encoding="utf-8")
    assert rows[1].faults[0].code == "INVALID_ENCODING"
    assert "byte offset 0 of the line (9 of the input)" in rows[1].faults[0].message


TEXTS = {
    "cp1252": "image,text\nx,Müller grüßt im Café\ny,naïve Straße\n",
    "cp1251": "image,text\nx,Привет, мир\n",
    "cp1250": "image,text\nx,Příliš žluťoučký kůň\n",
    "koi8-r": "image,text\nx,Привет, Мир\n",
    "cp866": "image,text\nx,Привет, мир\n",
    "shift_jis": "image,text\nx,日本語のテキスト\n",
    "gb18030": "image,text\nx,这是中文文本\n",
    "euc-kr": "image,text\nx,한국어 텍스트\n",
}


@pytest.mark.parametrize("codec", TEXTS)
@pytest.mark.parametrize("long", [0, 40_000])
def test_a_file_in_another_encoding_is_one_error_with_those_that_may_be_meant(codec, long):
    """Not an error for each row: the file is refused, and the encoding that reads right is shown with a sample."""
    text = TEXTS[codec].replace("\n", "\n" + "ascii,alone\n" * long, 1)
    with pytest.raises(BadInput, match=rf"^-:{long + 2}: byte 0x.. at byte offset") as caught:
        read(text.encode(codec), None, format="csv")
    _, *told, _ = str(caught.value).splitlines()
    sample = TEXTS[codec].splitlines()[1]
    assert f"--encoding {codec:9}  reads it as  {sample}" in told
    assert codec == "euc-kr" or told[0].split()[1] == codec
    assert caught.value.code == "WRONG_ENCODING"


def test_bytes_that_no_encoding_has_are_no_guess():
    """Then there is no candidate to show, and what to do is said."""
    with pytest.raises(BadInput, match="save the file as UTF-8, or name its encoding") as caught:
        read(b"a,\xff\x81\xff\x00\x98\xa0\x81\n1,2\n", format="csv")
    assert "reads it as" not in str(caught.value)


@pytest.mark.parametrize("text", ["é", "я", "€", "😀", "\ud800"])
@pytest.mark.parametrize("before", [0, (1 << 18) - 3, (1 << 18) - 2, (1 << 18) - 1, 1 << 18])
def test_the_first_character_beyond_ascii_shows_that_a_file_is_utf_8(text, before):
    """Wherever it stands, cut in two by a piece of the reading or not; half a pair of surrogates spoils its own row."""
    start = b'{"a":"' + b"x" * (before - 6) if before else b'{"a":"'
    data = start + text.encode("utf-8", "surrogatepass") + b'"}\n{"b":"\xff"}\n'
    rows = read(data, format="jsonl")
    assert [len(row.faults) for row in rows] == [int(text == "\ud800"), 1]


def test_a_broken_wide_encoding_ends_the_reading_with_its_line():
    """Half a character of UTF-16 shifts all that follows: nothing after it is trusted."""
    with pytest.raises(BadInput, match=r"^-:2: byte offset 18 of the input"):
        read('{"a":1}\n'.encode("utf-16") + b"\x00", encoding="utf-16", format="jsonl")


@pytest.mark.parametrize("encoding", ["nope", "base64", "unicode_escape", "idna", "a\0b", ""])
def test_an_unknown_encoding_is_a_usage_problem(encoding):
    """Codecs that are no text encodings are unknown, too."""
    with pytest.raises(UsageProblem, match="--encoding"):
        open_bytes(LINES, encoding=encoding)


def test_blank_line_suites_go_with_csv_and_tsv_only():
    """In other formats a blank line means nothing; asking for it is a mistake to be told."""
    with pytest.raises(UsageProblem, match="CSV and TSV"):
        open_bytes(LINES, format="jsonl", suites_by_blank_line=True)


def test_an_empty_input_has_no_rows_in_any_format():
    """Nothing in, nothing out; a header alone is no row either."""
    for format_name in ("jsonl", "json", "csv", "tsv"):
        assert read(b"", format=format_name) == []
        assert read(b"\n \n", format=format_name) == []
    assert read(b"string\n", format="csv") == []
    assert read(xlsx([]), format="xlsx") == []
    assert read(xlsx([["string"]]), format="xlsx") == []
    assert open_bytes(b"", format="csv").kind is Kind.TASK
