"""Files with bad rows, from the first message to the mended file, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from input_runs import INPUT_SPEC, Service, upload, world
from make_xlsx import ERROR, xlsx

GOOD = "https://example.com/"

NINE_LINES = [
    '{"image": "https://example.com/1", "text": "good"}',
    '{"text": "no image"}',
    '{"image": "not a url"}',
    '{"image": "https://example.com/2", "category": "Cat"}',
    '{"image": "https://example.com/3", "number": "7"}',
    '["a", "list"]',
    '{"image": "https://example.com/4", "txt": "an unknown field"}',
    '{"image": "https://example.com/5", "checked": "yes"}',
    "",
    '{"image": "https://example.com/6", "place": "north"}',
    '{"image": "https://example.com/7", "score": NaN}',
    '{"image": "https://example.com/8", "text": "щи, “каша”\\t😀"}',
]
NINE_FAULTS = [
    (2, "input_values.image", "VALUE_REQUIRED"),
    (3, "input_values.image", "INVALID_URL_SYNTAX"),
    (4, "input_values.category", "VALUE_NOT_ALLOWED"),
    (5, "input_values.number", "INTEGER_EXPECTED"),
    (6, "", "OBJECT_EXPECTED"),
    (7, "input_values.txt", "VALUE_NOT_ALLOWED"),
    (8, "input_values.checked", "BOOLEAN_EXPECTED"),
    (10, "input_values.place", "INVALID_COORDINATES_SYNTAX"),
    (11, "", "INVALID_JSON"),
]

CELLS: list[list[str]] = [
    ["INPUT:image", "INPUT:text", "INPUT:number", "INPUT:checked", "INPUT:numbers", "TASK:overlap"],
    [GOOD + "1", "хорошо, “да”", "1", "true", "1,2", ""],
    ["", "no image", "", "", "", ""],
    ["not a url", "", "", "", "", ""],
    [GOOD + "3", "", "1.5", "", "", ""],
    [GOOD + "4", 'two\nlines, "да"', "-1", "", "", ""],
    [GOOD + "5", "", "", "yes", "", ""],
    [GOOD + "6", "", "", "", "1,b", ""],
    [GOOD + "7", "", "", "", "", "0"],
    [GOOD + "8", "", "", "", "", "", "too many"],
    [GOOD + "9", "too few"],
    [GOOD + "10", "good, too", "7", "false", "", "2"],
]
CELL_FAULTS = [
    ("input_values.image", "VALUE_REQUIRED"),
    ("input_values.image", "INVALID_URL_SYNTAX"),
    ("input_values.number", "INTEGER_EXPECTED"),
    ("input_values.number", "VALUE_LESS_THAN_MIN"),
    ("input_values.checked", "BOOLEAN_EXPECTED"),
    ("input_values.numbers", "INTEGER_EXPECTED"),
    ("overlap", "VALUE_LESS_THAN_MIN"),
    ("", "WRONG_CELL_COUNT"),
    ("", "WRONG_CELL_COUNT"),
]


def record(cells: list[str], delimiter: str) -> str:
    """One row as a CSV writer writes it."""
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return held.getvalue()


class Form(NamedTuple):
    """A file with bad rows, and what its rejects file must hold byte for byte."""

    name: str
    data: bytes
    rejects_name: str
    rejects: bytes
    lines: list[int]
    how: dict[str, Any]


def delimited(name: str, delimiter: str, encoding: str = "utf-8", *, packed: bool = False) -> Form:
    """The table, as CSV or TSV."""
    records = [record(row, delimiter) for row in CELLS]
    data = "".join(records).encode(encoding)
    starts = [1]
    for text in records:
        starts.append(starts[-1] + text.count("\n"))
    how = {} if encoding.startswith("utf-8") else {"encoding": encoding}
    stem, _, ending = name.removesuffix(".gz").partition(".")
    return Form(
        name,
        gzip.compress(data) if packed else data,
        f"{stem}.rejects.{ending}",
        "".join([records[0], *records[2:-1]]).encode(encoding),
        starts[2:-2],
        how,
    )


def sheet() -> Form:
    """The table, as a workbook; its rejects are CSV. A sheet's rows have no number of cells."""
    records = [CELLS[0], *(row + [""] * (6 - len(row)) for row in CELLS[1:])]
    written = [",".join(csv_cell(cell) for cell in row) + "\n" for row in records]
    bad = "".join([written[0], *written[2:9], written[9]])
    cells = [*CELLS[:-2], CELLS[-1]]
    return Form("book.xlsx", xlsx(cells), "book.rejects.csv", bad.encode(), [*range(3, 11)], {})


def lines_of(path: Path) -> list[Any]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def csv_cell(cell: str) -> str:
    """A cell as CSV, quoted where it must be."""
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n;') else cell


FORMS = {
    form.name: form
    for form in [
        delimited("comma.csv", ","),
        delimited("excel.csv", ";", "utf-8-sig"),
        delimited("tabs.tsv", "\t"),
        delimited("packed.csv.gz", ",", packed=True),
        delimited("russian.csv", ";", "cp1251"),
        delimited("wide.tsv", "\t", "utf-16"),
        sheet(),
    ]
}


def test_nine_faults_and_nothing_is_sent(service: Service, tmp_path: Path) -> None:
    """Exit 65; each bad line is named once, with field and code; the file's good rows are counted as unsent."""
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(NINE_LINES) + "\n")
    run = upload(service, tmp_path / "state", path)
    assert run.exit == 65
    assert run.faults == NINE_FAULTS
    assert run.counts == {"read": 11, "rejected": 9, "unsent": 2}
    assert service.bodies == []


def test_the_rejects_are_the_bad_rows_byte_for_byte(service: Service, tmp_path: Path) -> None:
    """With `--skip-invalid-items` the good rows go; the reasons stand beside the rejects, one a fault."""
    path = tmp_path / "tasks.jsonl"
    path.write_bytes("\r\n".join(NINE_LINES).encode())
    run = upload(service, tmp_path / "state", path, skip_invalid_items=True)
    assert (run.exit, run.counts) == (1, {"read": 11, "created": 2, "rejected": 9})
    bad = [NINE_LINES[line - 1] for line, _, _ in NINE_FAULTS]
    assert (
        Path("tasks.rejects.jsonl").read_bytes() == "".join(line + "\r\n" for line in bad).encode()
    )
    assert run.report.rejects == "tasks.rejects.jsonl"
    reasons = lines_of(Path("tasks.rejects.jsonl.errors.jsonl"))
    assert [(r["line"], r["field"], r["code"]) for r in reasons] == NINE_FAULTS
    assert {r["file"] for r in reasons} == {str(path)}
    assert [r["message"] for r in reasons] == run.messages
    assert {task["input_values"]["image"] for task in service.pool()} == {GOOD + "1", GOOD + "8"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_tables_name_line_field_and_code(form: Form, service: Service, tmp_path: Path) -> None:
    """Every fault at the physical line where its row starts, although cells have line breaks; nothing is sent."""
    path = tmp_path / form.name
    path.write_bytes(form.data)
    run = upload(service, tmp_path / "state", path, **form.how)
    found = [(field, code) for _, field, code in run.faults]
    assert (run.exit, service.bodies) == (65, [])
    assert found == CELL_FAULTS[: len(form.lines)]
    assert [line for line, _, _ in run.faults] == form.lines


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_mending_the_rejects_and_uploading_them_finishes(
    form: Form, service: Service, tmp_path: Path
) -> None:
    """The rejects are the bad rows as they came; mended in a text editor and uploaded with the same options: exit 0."""
    path = tmp_path / form.name
    path.write_bytes(form.data)
    run = upload(service, tmp_path / "state", path, skip_invalid_items=True, **form.how)
    bad = len(form.lines)
    assert (run.exit, run.counts) == (1, {"read": bad + 2, "created": 2, "rejected": bad})
    rejects = Path(form.rejects_name)
    assert rejects.read_bytes() == form.rejects
    encoding = form.how.get("encoding", "utf-8-sig" if form.rejects[:1] == b"\xef" else "utf-8")
    rejects.write_bytes(mended(form.rejects.decode(encoding)).encode(encoding))
    again = upload(service, tmp_path / "state", rejects, **form.how)
    assert (again.exit, again.faults) == (0, [])
    assert again.counts == {"read": bad, "created": bad}
    assert len(service.pool()) == bad + 2
    assert upload(service, tmp_path / "state", rejects, **form.how).counts == {
        "read": bad,
        "already_uploaded": bad,
    }


def mended(text: str) -> str:
    """What someone does in an editor, whatever the delimiter."""
    delimiter = text.partition("INPUT:image")[2][0]
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, row in enumerate(rows):
        row[0] = f"{GOOD}mended/{number}"
        row[2:] = ["1", "true", "1", "1"]
    return record(header, delimiter) + "".join(record(row[:6], delimiter) for row in rows)


def test_mended_json_lines_and_arrays_finish(make_service, tmp_path: Path) -> None:
    """A JSON array's rejects are JSON Lines; both go through the door that the input came from."""
    rows: list[Any] = [
        {"image": GOOD + "1"},
        {"image": 1, "text": "щи\u2028"},
        7,
        {"image": GOOD + "2", "meta": {"b": [1.10, {}]}},
    ]
    mended = {"image": GOOD + "3", "text": "щи\u2028"}
    text = json.dumps(rows, ensure_ascii=False, indent=1).replace("1.1", "1.10")
    for name, data in {
        "a.json": text.encode(),
        "b.json": gzip.compress(text.encode()),
        "c.jsonl": "\n".join(json.dumps(row) for row in rows).encode(),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        service, state = make_service(), tmp_path / name[0]
        run = upload(service, state, path, skip_invalid_items=True)
        assert (run.exit, run.counts) == (1, {"read": 4, "created": 2, "rejected": 2})
        rejects = Path(f"{name[0]}.rejects.jsonl")
        kept = [json.loads(line) for line in rejects.read_bytes().splitlines()]
        assert kept == rows[1:3]
        rejects.write_text(json.dumps(mended, ensure_ascii=False) + "\n")
        again = upload(service, state, rejects, format="json" if name != "c.jsonl" else None)
        assert (again.exit, again.counts) == (0, {"read": 1, "created": 1})


def test_mending_the_original_does_as_well(service: Service, tmp_path: Path) -> None:
    """The whole file again, mended: only what the pool has not got is sent."""
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(NINE_LINES) + "\n")
    upload(service, tmp_path / "state", path, skip_invalid_items=True)
    good = [line for line in NINE_LINES if line]
    for line, _, _ in NINE_FAULTS:
        good[good.index(NINE_LINES[line - 1])] = json.dumps({"image": f"{GOOD}mended/{line}"})
    path.write_text("\n".join(good) + "\n")
    run = upload(service, tmp_path / "state", path)
    assert (run.exit, run.counts) == (0, {"read": 11, "created": 9, "already_uploaded": 2})


def test_rows_that_the_api_refuses_come_into_the_rejects(make_service, tmp_path: Path) -> None:
    """With reason and bytes as those that fail here, in every format, whatever shape the API's log has."""
    strict = {**INPUT_SPEC, "text": {"type": "string", "required": False, "max_length": 5}}
    header, rows = ["image", "text"], [[GOOD + "1", "short"], [GOOD + "2", "too long, this"]]
    jsonl = "".join(f'{{"image": "{image}", "text":  "{text}"}}\n' for image, text in rows)
    separated = "".join(record(row, ",") for row in [header, *rows])
    files = {
        "a.jsonl": (jsonl.encode(), jsonl.splitlines(keepends=True)[1].encode()),
        "a.csv": (separated.encode(), (record(header, ",") + record(rows[1], ",")).encode()),
        "a.xlsx": (xlsx([header, *rows]), f'image,text\n{GOOD}2,"too long, this"\n'.encode()),
    }
    for log_errors in ("flat", "envelope"):
        for name, (data, expected) in files.items():
            service = make_service(world(strict), log_errors=log_errors)
            path = tmp_path / name
            path.write_bytes(data)
            state = tmp_path / (log_errors + name)
            run = upload(service, state, path, skip_invalid_items=True, check=False)
            assert (run.exit, run.counts) == (1, {"read": 2, "created": 1, "rejected": 1})
            [(_, field, code)] = run.faults
            assert (field, code) == ("input_values.text", "STRING_LENGTH_GREATER_THAN_MAX")
            rejects = Path("a.rejects" + (".jsonl" if name == "a.jsonl" else ".csv"))
            assert rejects.read_bytes() == expected
            rejects.unlink()
            Path(f"{rejects}.errors.jsonl").unlink()


def test_all_or_nothing_at_the_api_names_the_bad_rows_only(make_service, tmp_path: Path) -> None:
    """Without `--skip-invalid-items` the API creates nothing of a request with a bad row: only that row is rejected."""
    strict = {**INPUT_SPEC, "text": {"type": "string", "required": False, "max_length": 5}}
    service = make_service(world(strict))
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(
            json.dumps({"image": f"{GOOD}{n}", "text": "x" * (6 if n == 3 else 1)}) + "\n"
            for n in range(10)
        )
    )
    run = upload(service, tmp_path / "state", path, check=False)
    assert [line for line, _, _ in run.faults] == [4]
    assert run.counts["rejected"] == 1
    assert run.counts.get("created", 0) + run.counts.get("unsent", 0) == 9
    assert run.exit == 1
    assert len(service.pool()) == run.counts.get("created", 0)


def test_error_cells_of_a_workbook_are_rejected_not_emptied(
    service: Service, tmp_path: Path
) -> None:
    """`#DIV/0!` in an optional field is a fault: sent without it, the row would be another."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx([["image", "text"], [GOOD, ERROR], [GOOD, "fine"]]))
    run = upload(service, tmp_path / "state", path)
    assert (run.exit, run.faults) == (65, [(2, "input_values.text", "INVALID_VALUE")])


def test_a_pool_of_an_older_version_gets_the_hint(make_service, tmp_path: Path) -> None:
    """When every row fails the check for one reason, the likely cause is told, and `--no-check` gets the rows in."""
    newer = {**INPUT_SPEC, "added": {"type": "string", "required": True}}
    older = {"input_spec": INPUT_SPEC, "output_spec": {}}
    service = make_service(world(newer, enforced_task_spec=older))
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"image": f"{GOOD}{n}"}) + "\n" for n in range(5)))
    run = upload(service, tmp_path / "state", path)
    assert (run.exit, run.counts) == (65, {"read": 5, "rejected": 5})
    assert any("--no-check" in warning for warning in run.warnings)
    assert upload(service, tmp_path / "state", path, check=False).counts == {
        "read": 5,
        "created": 5,
    }


def test_all_faults_of_a_row_are_told_at_once(service: Service, tmp_path: Path) -> None:
    """Cells that cannot be their type, and what the spec says of the others: nobody mends a row twice."""
    wanted = [
        (2, "input_values.number", "INTEGER_EXPECTED"),
        (2, "overlap", "VALUE_LESS_THAN_MIN"),
        (2, "input_values.image", "VALUE_REQUIRED"),
        (2, "input_values.category", "VALUE_NOT_ALLOWED"),
        (2, "input_values.nubmer", "VALUE_NOT_ALLOWED"),
    ]
    header = ["INPUT:image", "INPUT:category", "INPUT:number", "INPUT:nubmer", "TASK:overlap"]
    row = ["", "Cat", "seven", "8", "0"]
    old = dict(zip(header, row, strict=True))
    del old["INPUT:image"], old["INPUT:number"]
    for name, data in {
        "a.csv": (record(header, ",") + record(row, ",")).encode(),
        "a.xlsx": xlsx([header, row]),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        run = upload(service, tmp_path / "state", path)
        assert (run.exit, run.faults) == (65, wanted)
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(old) + "\n")
    run = upload(service, tmp_path / "state", path)
    assert run.faults == [(1, field, code) for _, field, code in wanted[1:]]


def test_values_that_only_the_api_refuses_tell_of_an_older_pool(
    make_service, tmp_path: Path
) -> None:
    """The check passed, so it was made against another version than the pool's: said once, in the warnings."""
    older = {"input_spec": {"old": {"type": "string", "required": True}}, "output_spec": {}}
    service = make_service(world(enforced_task_spec=older))
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"image": f"{GOOD}{n}"}) + "\n" for n in range(5)))
    run = upload(service, tmp_path / "state", path, skip_invalid_items=True)
    assert run.counts == {"read": 5, "rejected": 5}
    assert [text for text in run.warnings if "older version" in text] == run.warnings
    assert len(run.warnings) == 1


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_row_that_is_nested_too_deep_is_a_fault_of_its_row(
    service: Service, tmp_path: Path, name: str
) -> None:
    """It can be parsed and cannot be written; its neighbours go on without it."""
    deep = "[" * 300 + "]" * 300
    rows = [f'{{"image": "{GOOD}1"}}', f'{{"image": "{GOOD}2", "meta": {{"a": {deep}}}}}']
    rows.append(f'{{"image": "{GOOD}3"}}')
    text = "\n".join(rows) if name == "a.jsonl" else f"[{','.join(rows)}]"
    (tmp_path / name).write_text(text)
    run = upload(service, tmp_path / "state", tmp_path / name, skip_invalid_items=True)
    assert (run.exit, run.counts) == (1, {"read": 3, "created": 2, "rejected": 1})
    assert [(field, code) for _, field, code in run.faults] == [("", "INVALID_JSON")]


def test_rows_for_many_pools_are_told_in_their_order(make_service, tmp_path: Path) -> None:
    """Faults of rows that name different pools, or none, are reported as the rows stand in the file."""
    service = make_service()
    rows: list[dict[str, Any]] = []
    for number in range(12):
        row: dict[str, Any] = {"input_values": {"image": f"{GOOD}{number}"}, "pool_id": "21"}
        if number % 3 == 1:
            row["input_values"]["image"] = "no"
        if number % 4 == 2:
            del row["pool_id"]
        rows.append(row)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = upload(service, tmp_path / "state", path, pool=None, skip_invalid_items=True)
    lines = [line for line, _, _ in run.faults]
    assert lines == sorted(lines)
    assert set(lines) == {2, 3, 5, 7, 8, 11}
    assert run.counts == {"read": 12, "created": 6, "rejected": 6}


def test_faults_of_a_sheet_name_its_cell(make_service, tmp_path: Path) -> None:
    """Those that the check finds as well, by the project's spec; in every report of them."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx([["text", "image", "tags"], ["a", "no url", ""], ["b", "", "[1"]]))
    run = upload(make_service(), tmp_path / "state", path)
    assert [message.split(":")[0] for message in run.messages] == ["cell B2", "cell C3", "cell B3"]
    assert {group.message.split(":")[0] for group in run.report.errors} == {
        "cell B2",
        "cell C3",
        "cell B3",
    }
