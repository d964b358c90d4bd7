"""What is pinned: a file of each form and kind of trouble, and the options it is uploaded with."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "shared"))

from make_xlsx import ERROR, xlsx

URL = "https://e.com/"


class Case(NamedTuple):
    """Files by name, how often and with what they are uploaded."""

    files: dict[str, str | bytes]
    options: Mapping[str, Any] = MappingProxyType({})
    runs: tuple[tuple[str, ...], ...] = ()
    """The files of each upload; empty: one, of all files."""


def lines(*rows: Any) -> str:
    """JSON Lines; text stays as it is."""
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def task(number: int, **members: Any) -> dict[str, Any]:
    """A task, `input_values` first."""
    return {"input_values": {"image": f"{URL}{number}", "text": f"row {number}"}, **members}


def golden(*results: str) -> list[Any]:
    """Right answers."""
    return [{"output_values": {"result": result}} for result in results]


PLAIN = lines(
    *map(task, range(4)),
    task(1),
    '  {"input_values" : {"text":"\\u0061\\/b \\ud83d\\ude00", "image": "https://e.com/x"} } ',
    "",
    '{"input_values":{"image":"https://e.com/y","number":18446744073709551615,"checked":true}}\r',
    '{"input_values":{"image":"https://e.com/z","meta":{"b":[1,{"d":null}],"a":"щи"},"tags":["x","y"]}}',
    '{"input_values":{"image":"https://e.com/w","text":null}}',
    '\t{"input_values":\r{"image":"https://e.com/cr"}}',
    task(1),
)
FLAT = lines(
    '{"image":"https://e.com/1","text":"one"}',
    '{"text":"one","image":"https://e.com/1"}',
    '{"image": "https://e.com/2", "number": 12345678901234567890123}',
    '{"image":"https://e.com/3","score":1.10}',
    '{"image":"https://e.com/3","score":1.1}',
    '{"image":"https://e.com/3","score":1E2}',
    '{"image":"https://e.com/3","score":100.0}',
    '{"image":"https://e.com/3","score":2}',
    '{"image":"https://e.com/4","meta":{"x":[0.10, 1]}}',
    '{"image":"https://e.com/5","text":"last"}',
    '{"image":"https://e.com/6"}',
)
FLOATS = lines(
    *(
        f'{{"input_values":{{"image":"{URL}{number}","score":{score}}}}}'
        for number, score in enumerate(["0.5", "1.50", "1e3", "3.0", "-0.0", "7"])
    ),
    '{"input_values": {"score": 0.1, "image": "https://e.com/0"}, "overlap": 2}',
    '{"overlap":2,"input_values":{"score":1.50,"image":"https://e.com/a"}}',
)
OVERLAPS = lines(
    task(0, overlap=3),
    task(1, overlap=3),
    task(1, overlap=3),
    task(1, overlap=4),
    task(1),
    task(2, overlap=None),
    task(3, infinite_overlap=True),
    task(4, infinite_overlap=False),
    task(5, infinite_overlap=None, overlap=None),
    {"overlap": 5, **task(6)},
    '{ "input_values":{"image":"https://e.com/s"} , "overlap" :2 }',
    task(7, overlap=3, infinite_overlap=False),
    task(8, overlap=None, infinite_overlap=True),
    task(9, infinite_overlap=False, overlap=None),
)
POOLS = lines(
    task(0, pool_id="21"),
    task(0, pool_id="21"),
    task(0),
    task(1, pool_id=21),
    {"pool_id": 21, **task(2)},
    {"pool_id": "21", **task(3), "overlap": 2},
    task(4, pool_id="0021"),
    task(5, pool_id=None),
    task(6, pool_id=True),
    task(7, pool_id="24"),
    task(8, pool_id=[21]),
    task(9, overlap=1),
)
SDK = lines(
    *(
        {
            "infinite_overlap": number % 3 == 0,
            "pool_id": "21",
            "input_values": {"image": f"{URL}{number}"},
            **({"overlap": 3} if number % 3 else {}),
        }
        for number in range(6)
    )
)
CONTROL = lines(
    task(0, known_solutions=golden("OK")),
    task(0, known_solutions=golden("BAD")),
    task(0, known_solutions=golden("OK"), message_on_unknown_solution="look"),
    task(1, known_solutions=golden("OK"), infinite_overlap=True),
    task(2, known_solutions=[{**golden("OK")[0], "correctness_weight": 0.5}, *golden("BAD")]),
    '{"input_values":{"image":"https://e.com/3"},"known_solutions":'
    '[{"correctness_weight":1.0,"output_values":{"result":"OK","count":2}}],"overlap":10000}',
    task(4, known_solutions=[]),
    task(5, known_solutions=None, message_on_unknown_solution=None),
    *(task(number) for number in range(6, 25)),
    task(25, known_solutions=golden("OK")),
)
ALL_MEMBERS = lines(
    task(0, baseline_solutions=[{**golden("OK")[0], "confidence_weight": 0.25}]),
    task(1, reserved_for=["a", "b"], unavailable_for=["c"], overlap=1),
    task(2, traits_all_of=["x"], traits_any_of=[], traits_none_of_any=None),
    task(3, localization_config={"default_language": "EN", "additional_languages": [1.50]}),
    task(4, localization_config={}),
    '{"input_values":{"image":"https://e.com/5"},"overlap":3}',
)


def suite(*numbers: int, **members: Any) -> dict[str, Any]:
    """A task suite."""
    return {"tasks": [task(number) for number in numbers], **members}


SUITES = lines(
    suite(0, 1),
    suite(0, 1),
    suite(1, 0),
    suite(2, overlap=3),
    suite(3, 4, 5, overlap=2, pool_id="22"),
    suite(6, pool_id=22, mixed=True),
    suite(7, latitude=55.70, longitude=37.6),
    suite(8, infinite_overlap=True, reserved_for=["u"], issuing_order_override=1.5),
    {"overlap": 1, "tasks": [task(9, known_solutions=golden("OK"))]},
    '{"tasks":[{"input_values":{"image":"https://e.com/f","score":1.10}}, {"input_values":{"image":"https://e.com/g"}}]}',
    suite(10, overlap=None),
    suite(11, infinite_overlap=False),
)
BAD_SUITES = lines(
    suite(0),
    suite(),
    {"tasks": [task(1, overlap=3), {"input_values": {"text": 5}}, 7]},
    suite(2, latitude=1),
    suite(3, overlap=0, pool_id="23"),
    {"tasks": "none"},
    {"tasks": [{"input_values": {"image": "no"}, "known_solutions": golden("x")}], "id": "1"},
    suite(4),
)
TO_GROUP = lines(
    task(0),
    task(1),
    task(2),
    task(3, overlap=2),
    task(4),
    task(5, overlap=3),
    task(6, overlap=2),
    task(7, known_solutions=golden("OK"), message_on_unknown_solution="hm", overlap=2),
    task(8, pool_id="22"),
    task(9, pool_id=22, reserved_for=["a"]),
    task(10, reserved_for=["a"]),
    task(11, baseline_solutions=[]),
    '{"overlap":4, "input_values":{"image":"https://e.com/s","score":2.50} ,"localization_config":{}}',
    task(12, latitude="55.70", longitude=37.60),
    task(13, latitude=55.7, longitude=37.6),
    task(14),
    task(0),
)
TABLE = [
    ["INPUT:image", "INPUT:text", "INPUT:number", "INPUT:score", "INPUT:checked", "INPUT:tags"],
    [URL + "1", "plain", "1", "1.50", "true", "a,b"],
    [URL + "2", "", "7", "", "", ""],
    [URL + "3", "щи 😀", "12345678901234567890", "1e3", "FALSE", '["x", "y"]'],
    [URL + "4", "back\\slash", "5.0", "2", " true ", "one"],
    [URL + "1", "plain", "1", "1.50", "true", "a,b"],
    ["", "no image", "x", "y", "z", ""],
    [URL + "5", "", "", "", "", "p\\,q,r"],
]
GOLDEN_TABLE = [
    ["INPUT:image", "GOLDEN:result", "GOLDEN:count", "HINT:text", "TASK:overlap"],
    [URL + "1", "OK", "", "", ""],
    [URL + "2", "", "", "", ""],
    [URL + "3", "BAD", "3", "Look closer", ""],
    [URL + "4", "OK", "", "", "5"],
    [URL + "5", "", "", "", "2"],
    [URL + "6", "no", "x", "", "0"],
    [URL + "7", "OK", "", "why", "many"],
    [URL + "1", "OK", "", "", ""],
]


def quoted(rows: list[list[str]], delimiter: str, end: str = "\n") -> str:
    """A table, cells in quotes where they must be."""

    def cell(text: str) -> str:
        special = any(mark in text for mark in (delimiter, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if special else text

    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


BARE = quoted([[name.removeprefix("INPUT:") for name in TABLE[0][:2]]], ",") + (
    'https://e.com/1,"quoted, ""twice"""\nhttps://e.com/2,say "hi"\n\nhttps://e.com/3,"two\r\nlines"\r\n'
    ',\nhttps://e.com/4,too,many\nhttps://e.com/5\n"https://e.com/6","a"b\nhttps://e.com/1,"quoted, ""twice"""\n'
    'https://e.com/7,"never closed\nhttps://e.com/8,x\n'
)
MAP_TABLE = quoted(
    [
        ["INPUT:image", "Al:latitude", "Al:longitude", "TASK:overlap", "GOLDEN:result"],
        [URL + "1", "55.70", "37.6", "", ""],
        [URL + "2", "55.7", "37.60", "3", "OK"],
        [URL + "3", "55.7", "37.6", "4", ""],
        [],
        [URL + "4", "1", "2", "", "OK"],
        [URL + "5", "", "", "", "OK"],
        [],
        [URL + "6", "", "", "", "OK"],
        [URL + "7", "", "", "", "OK"],
        [],
        [URL + "8", "", "", "", "OK"],
        [URL + "9", "", "", "", ""],
    ],
    "\t",
)
SHEET = [
    *TABLE[:2],
    [URL + "2", "typed", 7, 1.5, True, "a"],
    [URL + "3", 5, 2.0, 3, False, None],
    [None, "no image", 1.5, "x", "yes", ERROR],
    [None, None, None, None, None, None],
    [URL + "4", True, 12345678901234567, None, 1, "b,c"],
    TABLE[1],
]
OLD = [
    {key: cell for key, cell in zip(GOLDEN_TABLE[0], row, strict=True) if cell}
    for row in GOLDEN_TABLE[1:]
]
BAD = lines(
    task(0),
    {"input_values": {"text": 5, "category": "Cat", "number": -1, "txt": 1}},
    {"input_values": {"image": "no", "tags": ["a", 1, None]}, "overlap": 0, "pool_id": "23"},
    {"input_values": None, "known_solutions": {}, "latitude": 5},
    task(1, overlap=3, infinite_overlap=True, mixed=True, id="5", ovrlap=3),
    task(2, known_solutions=[{"output_values": {"result": "no"}}, {}, None, 5], __item_idx="1"),
    "[]",
    '{"input_values": {"image": NaN}}',
    '{"tasks": []}',
    "nonsense",
    task(3, reserved_for=["a", "a", 5], latitude="north", longitude=400),
    '{"input_values": "text", "overlap": "3"}',
    task(4),
    task(5, message_on_unknown_solution=7, localization_config=[], traits_any_of="x"),
)
BAD_FLAT = lines(
    {"image": URL},
    {"image": 5, "number": "7", "extra": 1},
    {},
    task(1),
    "5",
    {"image": URL, "meta": [], "place": "here", "checked": "yes", "score": "1.0"},
    {"image": URL, "text": "x" * 30, "numbers": [1, 1.5, "2"]},
    {"image": URL},
)
BIG = lines(*(task(number, overlap=2 + number % 2) for number in range(9)))
WIDE = "".join(
    json.dumps({"input_values": {"image": f"{URL}{n}", "text": "x" * (99_900 + n)}, "overlap": 1})
    + "\n"
    for n in range(25)
)
HUGE = lines(
    task(0),
    {"input_values": {"image": URL, "text": "x" * 1_048_576}},
    {"input_values": {"image": URL, "text": "y" * 1_048_500}},
    task(1, known_solutions=[{"output_values": {"result": "OK", "x": "z" * 4_194_304}}]),
    task(2),
)

CASES: dict[str, Case] = {
    "plain": Case({"a.jsonl": PLAIN}),
    "plain-overlap": Case({"a.jsonl": PLAIN}, {"overlap": 7, "chunk_size": 3}),
    "plain-sync": Case({"a.jsonl": PLAIN}, {"mode": "sync", "chunk_size": 5}),
    "flat": Case({"a.jsonl": FLAT}),
    "flat-overlap": Case({"a.jsonl": FLAT}, {"overlap": 2, "allow_defaults": False}),
    "flat-array": Case({"a.json": "[\n" + FLAT.strip().replace("\n", ",\n") + "\n]\n"}),
    "floats": Case({"a.jsonl": FLOATS}),
    "overlaps": Case({"a.jsonl": OVERLAPS}),
    "overlaps-overlap": Case({"a.jsonl": OVERLAPS}, {"overlap": 7}),
    "overlaps-array": Case({"a.json": "[" + OVERLAPS.strip().replace("\n", " ,\n ") + "]"}),
    "pools": Case({"a.jsonl": POOLS}, {"skip_invalid_items": True}),
    "pools-named": Case({"a.jsonl": POOLS}, {"pool": None, "skip_invalid_items": True}),
    "pools-two": Case(
        {"a.jsonl": lines(*(task(n, pool_id=("21", 24, "21")[n % 3]) for n in range(9)))},
        {"pool": None},
    ),
    "sdk": Case({"a.jsonl": SDK}),
    "sdk-overlap": Case({"a.jsonl": SDK}, {"overlap": 9}),
    "control": Case({"a.jsonl": CONTROL}),
    "control-overlap": Case({"a.jsonl": CONTROL}, {"overlap": 9}),
    "all-members": Case({"a.jsonl": ALL_MEMBERS}),
    "suites": Case({"a.jsonl": SUITES}, {"pool": "22"}),
    "suites-overlap": Case({"a.jsonl": SUITES}, {"pool": "22", "overlap": 4}),
    "suites-array": Case({"a.json": f"[{SUITES.strip()}]".replace("\n", ",")}, {"pool": "22"}),
    "suites-bad": Case({"a.jsonl": BAD_SUITES}, {"pool": "22", "skip_invalid_items": True}),
    "grouped": Case(
        {"a.jsonl": TO_GROUP},
        {"pool": "22", "suite_size": 3, "skip_invalid_items": True},
    ),
    "grouped-overlap": Case(
        {"a.jsonl": TO_GROUP},
        {"pool": "22", "suite_size": 4, "skip_invalid_items": True, "overlap": 9},
    ),
    "grouped-flat": Case({"a.jsonl": FLAT}, {"pool": "22", "suite_size": 2}),
    "grouped-map": Case(
        {"a.tsv": MAP_TABLE},
        {"pool": "22", "suites_by_blank_line": True, "skip_invalid_items": True},
    ),
    "grouped-two-files": Case(
        {"a.jsonl": lines(*map(task, range(5))), "b.csv": quoted(TABLE[:6], ",")},
        {"pool": "22", "suite_size": 4},
    ),
    "csv-bare": Case({"a.csv": BARE}, {"skip_invalid_items": True, "check": False}),
    "csv": Case({"a.csv": quoted(TABLE, ",")}, {"skip_invalid_items": True}),
    "csv-semicolon": Case({"a.csv": quoted(TABLE, ";", "\r\n")}, {"skip_invalid_items": True}),
    "csv-unchecked": Case({"a.csv": quoted(TABLE, ",")}, {"check": False}),
    "tsv": Case({"a.tsv": quoted(TABLE, "\t")}, {"skip_invalid_items": True, "overlap": 3}),
    "tsv-golden": Case({"a.tsv": quoted(GOLDEN_TABLE, "\t")}, {"skip_invalid_items": True}),
    "tsv-golden-overlap": Case(
        {"a.tsv": quoted(GOLDEN_TABLE, "\t")}, {"skip_invalid_items": True, "overlap": 4}
    ),
    "csv-golden-finite": Case(
        {"a.csv": quoted(GOLDEN_TABLE, ",")},
        {"skip_invalid_items": True, "infinite_golden": False},
    ),
    "csv-cp1251": Case(
        {
            "a.csv": quoted([TABLE[0][:2], [URL, "щи"], [URL, "каша"], ["", "ш"]], ",").encode(
                "cp1251"
            )
        },
        {"skip_invalid_items": True, "encoding": "cp1251"},
    ),
    "xlsx": Case({"a.xlsx": xlsx(SHEET)}, {"skip_invalid_items": True}),
    "xlsx-golden": Case({"a.xlsx": xlsx(GOLDEN_TABLE)}, {"skip_invalid_items": True}),
    "old-web": Case({"a.jsonl": lines(*OLD)}, {"skip_invalid_items": True}),
    "old-web-array": Case({"a.json": json.dumps(OLD, indent=1)}, {"skip_invalid_items": True}),
    "bad": Case({"a.jsonl": BAD}, {"skip_invalid_items": True}),
    "bad-nothing-sent": Case({"a.jsonl": BAD}),
    "dry-run": Case({"a.jsonl": CONTROL}, {"dry_run": True, "chunk_size": 10}),
    "dry-run-grouped": Case(
        {"a.tsv": MAP_TABLE},
        {"pool": "22", "suites_by_blank_line": True, "dry_run": True},
    ),
    "bad-unchecked": Case({"a.jsonl": BAD}, {"skip_invalid_items": True, "check": False}),
    "bad-flat": Case({"a.jsonl": BAD_FLAT}, {"skip_invalid_items": True}),
    "bad-utf-16": Case(
        {"a.jsonl": BAD_FLAT.encode("utf-16")},
        {"skip_invalid_items": True, "encoding": "utf-16"},
    ),
    "chunks": Case({"a.jsonl": BIG}, {"chunk_size": 4}),
    "chunks-by-bytes": Case({"a.jsonl": WIDE}),
    "huge-rows": Case({"a.jsonl": HUGE}, {"skip_invalid_items": True}),
    "cut-off-gzip": Case(
        {
            "a.jsonl.gz": gzip.compress(
                lines(*map(task, range(400))).encode(), compresslevel=0, mtime=0
            )[:-700]
        },
        {"skip_invalid_items": True, "chunk_size": 100},
    ),
    "cut-off-array": Case(
        {"a.json": "[" + lines(*map(task, range(300))).strip().replace("\n", ",\n")},
        {"skip_invalid_items": True, "chunk_size": 100},
    ),
    "cut-off-csv": Case(
        {
            "a.csv.gz": gzip.compress(
                quoted(
                    [*TABLE[:2], *([URL + str(n), "", str(n), "", "", ""] for n in range(400))], ","
                ).encode(),
                compresslevel=0,
                mtime=0,
            )[:-700]
        },
        {"skip_invalid_items": True, "chunk_size": 100},
    ),
    "again": Case(
        {
            "a.jsonl": lines(*map(task, range(6)), task(2), task(3, overlap=2)),
            "b.jsonl": lines(
                task(7), task(3, overlap=2), *map(task, range(5, -1, -1)), task(2), task(2)
            ),
            "c.csv": quoted(
                [["image", "text"], *([f"{URL}{n}", f"row {n}"] for n in range(9))], ","
            ),
        },
        runs=(("a.jsonl",), ("b.jsonl",), ("c.csv", "a.jsonl")),
    ),
    "mixed-files": Case(
        {
            "a.jsonl": PLAIN,
            "b.jsonl": FLAT,
            "c.tsv": quoted(GOLDEN_TABLE[:6], "\t"),
            "d.json": json.dumps([task(n, overlap=2) for n in range(3)]),
        },
        {"chunk_size": 10},
    ),
}
