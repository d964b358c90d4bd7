"""Suites made of rows: how rows are grouped, what belongs to the suite, and how each row is still told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from input_runs import INPUT_SPEC, Run, Service, upload, world

URL = "https://example.com/"
IMAGES = [f"{URL}{n}" for n in range(7)]


def images(service: Service) -> list[list[str]]:
    """The images of each suite sent, in order."""
    return [[task["input_values"]["image"] for task in suite["tasks"]] for suite in service.items()]


def table(path: Path, header: str, *rows: str) -> Path:
    """A CSV file."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def results(path: Path) -> list[Any]:
    """The entries of a results file in the order of lines."""
    entries = (json.loads(line) for line in path.read_bytes().splitlines())
    return sorted(entries, key=lambda entry: entry["line"])


def suites(service: Service, state: Path, path: Path, **how: Any) -> Run:
    """Upload into the pool for suites."""
    return upload(service, state, path, pool="22", results=state.with_suffix(".results"), **how)


def test_rows_are_grouped_in_file_order(service: Service, tmp_path: Path) -> None:
    """`--suite-size 3` over seven rows: three, three, one. Rows are counted, not suites."""
    path = table(tmp_path / "a.csv", "image", *IMAGES)
    run = suites(service, tmp_path / "state", path, suite_size=3)
    assert (run.exit, run.counts) == (0, {"read": 7, "created": 7})
    assert images(service) == [IMAGES[:3], IMAGES[3:6], IMAGES[6:]]
    assert run.report.kind == "task-suites"


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_blank_line_ends_a_suite(suffix: str, service: Service, tmp_path: Path) -> None:
    """Several blank lines are one; so are those at the start and the end; a line of delimiters is blank as well."""
    header, gap = ("image,text", ",") if suffix == "csv" else ("image\ttext", "\t")
    rows = [image + gap for image in IMAGES]
    lines = ["", header, "", rows[0], rows[1], "", "", rows[2], gap, *rows[3:6], "", rows[6], ""]
    path = table(tmp_path / f"a.{suffix}", *lines)
    run = suites(service, tmp_path / "state", path, suites_by_blank_line=True)
    assert run.exit == 0
    assert images(service) == [IMAGES[:2], [IMAGES[2]], IMAGES[3:6], [IMAGES[6]]]


def test_blank_lines_and_a_size_together(service: Service, tmp_path: Path) -> None:
    """A suite is full at the size, and ends at a blank line before that."""
    path = table(tmp_path / "a.csv", "image", *IMAGES[:3], "", *IMAGES[3:])
    suites(service, tmp_path / "state", path, suites_by_blank_line=True, suite_size=2)
    assert images(service) == [IMAGES[:2], [IMAGES[2]], IMAGES[3:5], IMAGES[5:]]


def test_files_do_not_share_a_suite(service: Service, tmp_path: Path) -> None:
    """The end of a file is the end of its last suite."""
    one = table(tmp_path / "a.csv", "image", *IMAGES[:3])
    two = table(tmp_path / "b.csv", "image", *IMAGES[3:5])
    upload(service, tmp_path / "state", one, two, pool="22", suite_size=2)
    assert images(service) == [IMAGES[:2], [IMAGES[2]], IMAGES[3:5]]


def test_each_row_is_told_its_suite(service: Service, tmp_path: Path) -> None:
    """`--results` has `task_suite_id` in place of `task_id`, and that suite has that row's task."""
    path = table(tmp_path / "a.csv", "image", *IMAGES)
    suites(service, tmp_path / "state", path, suite_size=3)
    found = {suite["id"]: suite["tasks"] for suite in service.pool(22, "task-suites")}
    entries = results(tmp_path / "state.results")
    assert [entry["line"] for entry in entries] == [2, 3, 4, 5, 6, 7, 8]
    for entry, image in zip(entries, IMAGES, strict=True):
        assert entry["status"] == "created"
        assert "task_id" not in entry
        tasks = found[entry["task_suite_id"]]
        assert image in [task["input_values"]["image"] for task in tasks]
    assert len({entry["task_suite_id"] for entry in entries}) == 3


def test_a_growing_file_sends_new_suites_only(service: Service, tmp_path: Path) -> None:
    """Known rows are passed over, so the new rows make suites of their own; nothing is sent twice."""
    path = table(tmp_path / "a.csv", "image", *IMAGES[:4])
    suites(service, tmp_path / "state", path, suite_size=3)
    table(path, "image", *IMAGES)
    run = suites(service, tmp_path / "state", path, suite_size=3)
    assert run.counts == {"read": 7, "already_uploaded": 4, "created": 3}
    assert images(service) == [IMAGES[:3], [IMAGES[3]], IMAGES[4:]]
    entries = results(tmp_path / "state.results")
    assert len({entry["task_suite_id"] for entry in entries}) == 3
    assert suites(service, tmp_path / "state", path, suite_size=2).counts == {
        "read": 7,
        "already_uploaded": 7,
    }


def test_a_bad_row_leaves_its_suite_to_the_good_ones(service: Service, tmp_path: Path) -> None:
    """With `--skip-invalid-items` the next good row takes its place; the reject is the row alone."""
    path = table(tmp_path / "a.csv", "image", *IMAGES[:1], "no url", *IMAGES[1:4])
    run = suites(service, tmp_path / "state", path, suite_size=2, skip_invalid_items=True)
    assert (run.exit, run.counts) == (1, {"read": 5, "created": 4, "rejected": 1})
    assert run.faults == [(3, "input_values.image", "INVALID_URL_SYNTAX")]
    assert images(service) == [IMAGES[:2], IMAGES[2:4]]
    assert Path("a.rejects.csv").read_text() == "image\nno url\n"


def test_coordinates_belong_to_the_suite(service: Service, tmp_path: Path) -> None:
    """Rows that agree on their place, in whatever digits, make one suite with it; digits are the first row's."""
    header = "INPUT:image,Al:latitude,Al:longitude"
    rows = [f"{IMAGES[0]},55.70,37", f"{IMAGES[1]},55.7,37.0", "", f"{IMAGES[2]},-1,180"]
    path = table(tmp_path / "a.csv", header, *rows)
    run = suites(service, tmp_path / "state", path, suites_by_blank_line=True)
    assert (run.exit, run.faults) == (0, [])
    assert b'"latitude":55.70,"longitude":37' in service.sent()[0]
    places = [(suite["latitude"], suite["longitude"]) for suite in service.items()]
    assert places == [(55.7, 37), (-1, 180)]
    assert all("latitude" not in task for suite in service.items() for task in suite["tasks"])


def test_a_row_at_another_place_is_named(service: Service, tmp_path: Path) -> None:
    """Rows of one suite that disagree on their place, or of which one has none: the later row, with both values."""
    header = "INPUT:image,Al:latitude,Al:longitude"
    rows = [f"{IMAGES[0]},55.7,37", f"{IMAGES[1]},55.8,37", f"{IMAGES[2]},,37", f"{IMAGES[3]},91,0"]
    path = table(tmp_path / "a.csv", header, *rows)
    run = suites(service, tmp_path / "state", path, suite_size=4)
    assert run.exit == 65
    assert run.faults == [
        (3, "latitude", "VALUE_NOT_ALLOWED"),
        (4, "latitude", "VALUE_NOT_ALLOWED"),
        (5, "latitude", "VALUE_GREATER_THAN_MAX"),
    ]
    assert "55.8" in run.messages[0]
    assert "55.7" in run.messages[0]


def test_places_without_suites_are_refused_with_what_to_do(
    service: Service, tmp_path: Path
) -> None:
    """A task of its own has no place at the API: told before anything is sent, with the option that helps."""
    header = "INPUT:image,Al:latitude,Al:longitude"
    path = table(tmp_path / "a.csv", header, f"{IMAGES[0]},55.7,37")
    run = upload(service, tmp_path / "state", path)
    assert (run.exit, service.bodies) == (65, [])
    assert {field for _, field, _ in run.faults} == {"latitude", "longitude"}
    assert "--suite-size" in run.messages[0]


def test_json_rows_with_places_make_suites(service: Service, tmp_path: Path) -> None:
    """The web interface's JSON has coordinates beside `input_values`, as strings; the API wants numbers."""
    row = {"input_values": {"image": URL}, "latitude": "55.7", "longitude": "37"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row, row | {"input_values": {"image": URL + "2"}}]))
    assert suites(service, tmp_path / "state", path, suite_size=2).exit == 0
    [suite] = service.items()
    assert (suite["latitude"], suite["longitude"]) == (55.7, 37)


@pytest.mark.parametrize(
    ("options", "rows", "expected"),
    [
        ({}, ["", ""], {}),
        ({"overlap": 9}, ["", ""], {"overlap": 9}),
        ({}, ["5", ""], {"overlap": 5}),
        ({}, ["", "5"], {"overlap": 5}),
        ({"overlap": 9}, ["5", "5"], {"overlap": 5}),
    ],
)
def test_overlap_belongs_to_the_suite(
    options: dict[str, Any],
    rows: list[str],
    expected: dict[str, int],
    service: Service,
    tmp_path: Path,
) -> None:
    """That of its rows, where any names one; else `--overlap`; else the pool's."""
    lines = [f"{IMAGES[n]},{overlap}" for n, overlap in enumerate(rows)]
    path = table(tmp_path / "a.csv", "INPUT:image,TASK:overlap", *lines)
    assert suites(service, tmp_path / "state", path, suite_size=2, **options).exit == 0
    [suite] = service.items()
    assert {k: suite[k] for k in ("overlap", "infinite_overlap") if k in suite} == expected


def test_rows_that_disagree_on_overlap_are_named(service: Service, tmp_path: Path) -> None:
    """The later of two numbers."""
    path = table(tmp_path / "a.csv", "INPUT:image,TASK:overlap", f"{URL}1,5", f"{URL}2,6")
    run = suites(service, tmp_path / "state", path, suite_size=2)
    assert run.faults == [(3, "overlap", "VALUE_NOT_ALLOWED")]


def test_golden_rows_in_suites_keep_the_suites_overlap(service: Service, tmp_path: Path) -> None:
    """One golden row among others must not make all their tasks endless; a suite of golden rows alone is endless."""
    golden = [f"{URL}{n},OK" for n in range(2)]
    path = table(tmp_path / "a.csv", "INPUT:image,GOLDEN:result", *golden, f"{URL}2,OK", f"{URL}3,")
    assert suites(service, tmp_path / "state", path, suite_size=2).exit == 0
    first, second = service.items()
    assert first["infinite_overlap"] is True
    assert "infinite_overlap" not in second
    assert second["tasks"][0]["known_solutions"] == [{"output_values": {"result": "OK"}}]
    assert "known_solutions" not in second["tasks"][1]


def test_suites_as_rows_may_have_all_that_suites_have(service: Service, tmp_path: Path) -> None:
    """Faults are named with the task's place in its suite; the suite is the row."""
    good = {
        "tasks": [{"input_values": {"image": URL}}],
        "overlap": 2,
        "issuing_order_override": 1.5,
    }
    bad = {"tasks": [{"input_values": {"image": URL}}, {"input_values": {"image": "x", "text": 1}}]}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps(bad) + "\n")
    run = upload(service, tmp_path / "state", path, pool="22", skip_invalid_items=True)
    assert run.faults == [
        (2, "tasks.1.input_values.image", "INVALID_URL_SYNTAX"),
        (2, "tasks.1.input_values.text", "STRING_EXPECTED"),
    ]
    assert run.counts == {"read": 2, "created": 1, "rejected": 1}
    assert Path("a.rejects.jsonl").read_text() == json.dumps(bad) + "\n"


def test_a_suite_that_the_api_refuses_rejects_all_its_rows(make_service, tmp_path: Path) -> None:
    """Each with the reason that names the bad task; the rejects mended, all of them go."""
    strict = {**INPUT_SPEC, "text": {"type": "string", "required": False, "max_length": 3}}
    service = make_service(world(strict))
    rows = [f"{URL}1,abc", f"{URL}2,abcd", f"{URL}3,a"]
    path = table(tmp_path / "a.csv", "image,text", *rows)
    how = {"suite_size": 2, "skip_invalid_items": True}
    run = suites(service, tmp_path / "state", path, check=False, **how)
    assert (run.exit, run.counts) == (1, {"read": 3, "created": 1, "rejected": 2})
    assert {field for _, field, _ in run.faults} == {"tasks.1.input_values.text"}
    rejects = Path("a.rejects.csv")
    assert rejects.read_text() == "\n".join(["image,text", *rows[:2]]) + "\n"
    rejects.write_text(rejects.read_text().replace("abcd", "abc"))
    assert suites(service, tmp_path / "state", rejects, **how).counts == {"read": 2, "created": 2}


def test_limits_count_all_tasks_of_a_suite(service: Service, tmp_path: Path) -> None:
    """Requests stay within 1,048,576 bytes of input values over all tasks; a suite beyond them alone is rejected."""
    text = "x" * 300_000
    path = table(tmp_path / "a.csv", "image,text", *(f"{image},{text}" for image in IMAGES[:6]))
    run = suites(service, tmp_path / "state", path, suite_size=2)
    assert run.exit == 0
    assert [body.count(b'"tasks"') for body in service.bodies] == [1, 1, 1]
    run = suites(service, tmp_path / "other", path, suite_size=4)
    assert run.exit == 65
    assert [line for line, _, _ in run.faults] == [2, 3, 4, 5]
    assert {code for _, _, code in run.faults} == {"OBJECT_SIZE_BYTES_GREATER_THAN_MAX"}
    assert "1,048,576" in run.messages[0]


def test_the_pool_decides_between_tasks_and_suites(service: Service, tmp_path: Path) -> None:
    """Told before anything is sent, with the option that helps, in both directions."""
    path = table(tmp_path / "a.csv", "image", *IMAGES)
    into_suites = upload(service, tmp_path / "state", path, pool="22")
    into_tasks = upload(service, tmp_path / "state", path, pool="21", suite_size=2)
    assert [into_suites.exit, into_tasks.exit, service.bodies] == [69, 69, []]
    for run in (into_suites, into_tasks):
        assert run.report.error is not None
        assert "--suite-size" in run.report.error.message
