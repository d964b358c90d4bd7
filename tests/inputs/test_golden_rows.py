"""Control and training rows: overlap as the web interface sets it, hints, several right answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from input_runs import Service, upload
from make_xlsx import xlsx

URL = "https://example.com/"
HEADER = ["INPUT:image", "GOLDEN:result", "HINT:text", "TASK:overlap"]
ROWS = [
    [URL + "general", "", "", ""],
    [URL + "control", "OK", "", ""],
    [URL + "training", "BAD", "Look at the sign", ""],
    [URL + "own", "OK", "", "5"],
]
OVERLAPS = ("overlap", "infinite_overlap")


def files(tmp_path: Path) -> list[Path]:
    """The rows in every form that has columns."""
    lines = [HEADER, *ROWS]
    csv, tsv, book, old = (tmp_path / name for name in ("a.csv", "a.tsv", "a.xlsx", "a.json"))
    csv.write_text("".join(",".join(line) + "\n" for line in lines))
    tsv.write_text("".join("\t".join(line) + "\n" for line in lines))
    book.write_bytes(xlsx(lines))
    objects = [{k: v for k, v in zip(HEADER, row, strict=True) if v} for row in ROWS]
    old.write_text(json.dumps(objects))
    return [csv, tsv, book, old]


def overlaps(service: Service) -> dict[str, dict[str, Any]]:
    """The overlap that each row was sent with, by the end of its address."""
    return {
        task["input_values"]["image"].removeprefix(URL): {
            name: task[name] for name in OVERLAPS if name in task
        }
        for task in service.items()
    }


ENDLESS = {"infinite_overlap": True}
CASES: list[tuple[dict[str, Any], dict[str, dict[str, Any]]]] = [
    ({}, {"general": {}, "control": ENDLESS, "training": ENDLESS, "own": {"overlap": 5}}),
    (
        {"infinite_golden": False},
        {"general": {}, "control": {}, "training": {}, "own": {"overlap": 5}},
    ),
    (
        {"overlap": 7},
        {
            **{name: {"overlap": 7} for name in ("general", "control", "training")},
            "own": {"overlap": 5},
        },
    ),
]


@pytest.mark.parametrize(("options", "expected"), CASES)
def test_golden_rows_of_tables_do_not_run_out(options, expected, make_service, tmp_path) -> None:
    """Endless unless the row, `--overlap` or `--no-infinite-golden` says otherwise; the same in every form."""
    for path in files(tmp_path):
        service = make_service()
        run = upload(service, tmp_path / path.suffix, path, **options)
        assert (run.exit, run.faults) == (0, [])
        assert overlaps(service) == expected


def test_answers_and_hints_arrive(make_service, tmp_path: Path) -> None:
    """`GOLDEN:` is a known solution, `HINT:text` the message on an unknown one; empty cells are neither."""
    for path in files(tmp_path):
        service = make_service()
        assert upload(service, tmp_path / path.suffix, path).exit == 0
        general, control, training, _ = service.items()
        assert general.keys() == {"input_values", "pool_id"}
        assert control["known_solutions"] == [{"output_values": {"result": "OK"}}]
        assert "message_on_unknown_solution" not in control
        assert training["message_on_unknown_solution"] == "Look at the sign"


def test_json_gets_nothing_added(service: Service, tmp_path: Path) -> None:
    """Several right answers with weights, and overlap as written or not at all: byte for byte the line."""
    line = (
        '{"input_values": {"image": "https://example.com/"}, "known_solutions": ['
        '{"output_values": {"result": "OK"}, "correctness_weight": 1},'
        ' {"output_values": {"result": "BAD", "count": 2}, "correctness_weight": 0.50}],'
        ' "message_on_unknown_solution": "щи"'
    )
    path = tmp_path / "a.jsonl"
    path.write_text(line + "}\n" + line.replace("com/", "com/2") + ', "infinite_overlap": true}\n')
    assert upload(service, tmp_path / "state", path).exit == 0
    first, second = service.sent()
    assert first == line.encode() + b',"pool_id":"21"}'
    assert json.loads(second)["infinite_overlap"] is True


def test_answers_are_checked_as_the_output_spec_says(service: Service, tmp_path: Path) -> None:
    """Type, list of values, required fields and unknown ones, in tables and in JSON, under the answer's own path."""
    csv, jsonl = tmp_path / "a.csv", tmp_path / "a.jsonl"
    csv.write_text(
        "INPUT:image,GOLDEN:result,GOLDEN:count,GOLDEN:other\n"
        f"{URL}1,ok,x,\n{URL}2,,3,\n{URL}3,OK,3,4\n{URL}4,OK,3,\n"
    )
    answer = "known_solutions.0.output_values."
    wanted = [
        (2, answer + "count", "INTEGER_EXPECTED"),
        (2, answer + "result", "VALUE_NOT_ALLOWED"),
        (3, answer + "result", "VALUE_REQUIRED"),
        (4, answer + "other", "VALUE_NOT_ALLOWED"),
    ]
    run = upload(service, tmp_path / "state", csv)
    assert (run.exit, run.faults) == (65, wanted)
    solutions = [{"result": "OK"}, {"result": "no", "count": 1.5}, {}]
    row = {
        "input_values": {"image": URL},
        "known_solutions": [{"output_values": values} for values in solutions],
    }
    jsonl.write_text(json.dumps(row) + "\n")
    assert upload(service, tmp_path / "state", jsonl).faults == [
        (1, "known_solutions.1.output_values.result", "VALUE_NOT_ALLOWED"),
        (1, "known_solutions.1.output_values.count", "INTEGER_EXPECTED"),
        (1, "known_solutions.2.output_values.result", "VALUE_REQUIRED"),
    ]
