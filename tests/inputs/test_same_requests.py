"""The same two rows in every format, delimiter, compression and encoding give exactly the same requests."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from input_runs import Run, Service, upload, world
from make_xlsx import xlsx

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AWKWARD = 'a comma, "quotes", a\ttab, a; semicolon, щи, \\ and 😀'
ROWS: list[dict[str, Any]] = [
    {
        "image": "https://example.com/?a=1,2;3",
        "text": AWKWARD,
        "number": 12345678901234567890,
        "score": 1.5,
        "checked": True,
        "meta": {"a": [1, "x, y"], "b": {"щ": None}},
        "tags": ["a,b", 'say "hi"', "😀"],
    },
    {"image": "https://example.com/2", "text": "“quoted”\nand broken", "number": 0, "tags": ["x"]},
]
COLUMNS = list(ROWS[0])
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}
ENCODINGS = ["utf-8-sig", "utf-16", "utf-32-le", "gb18030"]


def compact(value: object) -> str:
    """JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def cell(value: object) -> str:
    """A value as people write it into a cell; an absent one is empty."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join('"' + item.replace('"', '""') + '"' for item in value)
    return value if isinstance(value, str) else compact(value)


def table(rows: list[dict[str, Any]], prefix: str = "INPUT:") -> list[list[str]]:
    """Rows as a table."""
    body = [[cell(row.get(name)) for name in COLUMNS] for row in rows]
    return [[prefix + name for name in COLUMNS], *body]


def separated(rows: list[list[str]], delimiter: str, end: str = "\n", **how: Any) -> str:
    """A table as a CSV writer writes it."""
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator=end, **how).writerows(rows)
    return held.getvalue()


def forms(rows: list[dict[str, Any]]) -> dict[str, str]:
    """File names, and the rows in the form that the name tells."""
    tasks = [{"input_values": row} for row in rows]
    old = [{f"INPUT:{name}": value for name, value in row.items()} for row in rows]
    web, bare = table(rows), table(rows, "")
    return {
        "flat.jsonl": "".join(compact(row) + "\n" for row in rows),
        "tasks.jsonl": "".join(compact(task) + "\n" for task in tasks),
        "crlf.jsonl": "\r\n\r\n".join(map(compact, tasks)),
        "old.ndjson": "".join(compact(row) + "\n" for row in old),
        "flat.json": compact(rows),
        "lines.json": "[\n" + ",\n".join(map(compact, tasks)) + "\n]\n",
        "old.json": compact(old),
        "comma.csv": separated(web, ","),
        "bare.csv": separated(bare, ","),
        "excel.csv": separated(web, ";", "\r\n"),
        "all-quoted.csv": separated(bare, ";", "\r\n", quoting=csv.QUOTE_ALL),
        "tabs.csv": separated(web, "\t"),
        "web.tsv": separated(web, "\t"),
        "bare.tab": separated(bare, "\t", "\r\n"),
    }


def requests(
    make_service: Callable[..., Service], path: Path, state: Path, **how: Any
) -> list[bytes]:
    """The bodies of all requests that uploading a file into an empty pool takes."""
    service = make_service()
    run: Run = upload(service, state, path, **how)
    assert (run.exit, run.faults) == (0, [])
    return service.bodies


@pytest.fixture(scope="module")
def expected() -> bytes:
    """The request, written by hand."""
    items = (
        f'{{"input_values":{compact(row)},"pool_id":"21","__item_idx":"{number}"}}'
        for number, row in enumerate(ROWS)
    )
    return f"[{','.join(items)}]".encode()


@pytest.mark.parametrize("encoding", ["utf-8", *ENCODINGS])
@pytest.mark.parametrize("name", forms(ROWS))
def test_every_format_in_every_encoding(name, encoding, expected, make_service, tmp_path):
    """Told by the extension; only another encoding than UTF-8 is named."""
    path = tmp_path / name
    path.write_bytes(forms(ROWS)[name].encode(encoding))
    named = {} if encoding.startswith("utf-8") else {"encoding": encoding}
    assert requests(make_service, path, tmp_path / "state", **named) == [expected]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", ["flat.jsonl", "lines.json", "excel.csv", "web.tsv"])
def test_every_format_in_every_compression(name, suffix, expected, make_service, tmp_path):
    """Under its usual name."""
    path = tmp_path / (name + suffix)
    path.write_bytes(PACKERS[suffix](forms(ROWS)[name].encode()))
    assert requests(make_service, path, tmp_path / "state") == [expected]


def test_a_workbook(expected, make_service, tmp_path):
    """With cells as text, and with numbers and truth values as a spreadsheet makes them of what is typed."""
    header, first, second = table(ROWS)
    typed = [{"1.5": 1.5, "true": True}.get(value, value) for value in first]
    for number, rows in enumerate(([header, first, second], [header, typed, second])):
        path = tmp_path / f"{number}.xlsx"
        path.write_bytes(xlsx(rows))
        assert requests(make_service, path, tmp_path / f"state{number}") == [expected]


def test_a_pipe_is_told_by_its_content(expected, make_service, tmp_path):
    """JSON Lines, JSON, semicolons and tabs, packed or not, all through standard input without any option."""
    for number, name in enumerate(["flat.jsonl", "lines.json", "excel.csv", "web.tsv"]):
        for pack in (bytes, gzip.compress):
            service, data = make_service(), pack(forms(ROWS)[name].encode())
            run = upload(service, tmp_path / f"{number}{pack}", "-", stdin=io.BytesIO(data))
            assert (run.exit, service.bodies) == (0, [expected])


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "mac-cyrillic"])
def test_the_encodings_of_one_byte(encoding, make_service, tmp_path):
    """What a code page can hold arrives as it does from UTF-8, in every format."""
    rows = [dict(ROWS[1], text='щи, "каша"; ёж\tи №1' if encoding != "koi8-r" else "щи, каша")]
    found = []
    for name, text in forms(rows).items():
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        found += requests(make_service, path, tmp_path / name.replace(".", "-"), encoding=encoding)
    assert len(found) == len(forms(rows))
    assert len(set(found)) == 1


def test_suites_of_rows_are_the_same_suites_too(make_service, tmp_path):
    """`--suite-size 2` over every format."""
    inner = ",".join(f'{{"input_values":{compact(row)}}}' for row in ROWS)
    expected = f'[{{"tasks":[{inner}],"pool_id":"22","__item_idx":"0"}}]'.encode()
    for name, text in forms(ROWS).items():
        path = tmp_path / name
        path.write_text(text)
        state = tmp_path / name.replace(".", "-")
        assert requests(make_service, path, state, pool="22", suite_size=2) == [expected]


def test_golden_rows_are_the_same_in_tables_and_json(make_service, tmp_path):
    """`GOLDEN:`, `HINT:text` and `TASK:overlap` are what the API's own form says."""
    task = {
        "input_values": {"image": "https://example.com/1"},
        "known_solutions": [{"output_values": {"result": "OK", "count": 3}}],
        "message_on_unknown_solution": "щи, каша",
    }
    header = ["INPUT:image", "GOLDEN:result", "GOLDEN:count", "HINT:text", "TASK:overlap"]
    line = ["https://example.com/1", "OK", "3", "щи, каша", "7"]
    files = {
        "a.jsonl": (compact({**task, "overlap": 7}) + "\n").encode(),
        "a.json": compact([{**task, "overlap": 7}]).encode(),
        "a.csv": separated([header, line], ",").encode(),
        "a.tsv": separated([header, line], "\t").encode(),
        "a.xlsx": xlsx([header, [*line[:2], 3, line[3], 7]]),
    }
    found = {}
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        [body] = requests(make_service, path, tmp_path / name.replace(".", "-"))
        found[name] = json.loads(body)
    wanted = [{**task, "overlap": 7, "pool_id": "21", "__item_idx": "0"}]
    assert found == dict.fromkeys(files, wanted)


def test_without_a_spec_every_cell_is_a_string(make_service, tmp_path):
    """A project without fields says nothing of types: `7` in a table is `"7"`."""
    service = make_service(world({}, {}))
    path = tmp_path / "a.csv"
    path.write_text("a,b\n7,true\n")
    assert upload(service, tmp_path / "state", path).exit == 0
    assert service.items()[0]["input_values"] == {"a": "7", "b": "true"}
