"""The forms of input that are measured: how a file of so many rows is made, and the options it needs.

Rows are of some 110 bytes in JSON, all different, and all good.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "shared"))

from make_xlsx import xlsx

SUITE = 3
"""Tasks in a suite."""
ANSWER = b'[{"output_values":{"result":"OK"}}]'
TYPED = "image,text,number,score,checked"


class Form(NamedTuple):
    """One form.

    Attributes:
        extension: Of its files.
        lines: The file's lines, endless, without what stands before and after all rows.
        head: What stands before all rows.
        options: What `toloka-upload` is told.
        pool: Pool 21 takes tasks, pool 22 task suites.
    """

    extension: str
    lines: Callable[[], Iterator[bytes]]
    head: bytes = b""
    options: tuple[str, ...] = ()
    pool: str = "21"


def _image(number: int) -> bytes:
    return b"https://images.example.com/%08d.jpg" % number


def _text(number: int) -> bytes:
    return b"%08d is what is asked about" % number


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _values(number: int) -> bytes:
    return b'{"image":"%b","text":"%b"}' % (_image(number), _text(number))


def _lines(pattern: bytes, *, spaced: bool = False) -> Callable[[], Iterator[bytes]]:
    """Lines of a pattern in which `@` is the row's values."""

    def lines() -> Iterator[bytes]:
        for number in _numbers():
            values = _values(number)
            if spaced:
                values = values.replace(b'":', b'": ').replace(b',"', b', "')
            yield pattern.replace(b"@", values) + b"\n"

    return lines


def _sometimes_control() -> Iterator[bytes]:
    for number in _numbers():
        control = b',"known_solutions":' + ANSWER if number % 20 == 0 else b""
        yield b'{"input_values":%b%b}\n' % (_values(number), control)


def _with_float() -> Iterator[bytes]:
    for number in _numbers():
        yield b'{"input_values":{"image":"%b","text":"so","score":%d.50}}\n' % (
            _image(number),
            number,
        )


def _suites() -> Iterator[bytes]:
    for number in _numbers():
        tasks = (
            b'{"input_values":%b}' % _values(SUITE * number - rest)
            for rest in range(SUITE - 1, -1, -1)
        )
        yield b'{"tasks":[%b]}\n' % b",".join(tasks)


def _cells(delimiter: bytes, *more: bytes) -> Callable[[], Iterator[bytes]]:
    def lines() -> Iterator[bytes]:
        for number in _numbers():
            yield delimiter.join((_image(number), _text(number), *more)) + b"\n"

    return lines


def _typed() -> Iterator[bytes]:
    for number in _numbers():
        yield b"%b,%b,%d,%d.25,true\n" % (_image(number), _text(number), number, number % 1000)


def _golden() -> Iterator[bytes]:
    for number in _numbers():
        yield b"%b\t%b\tOK\n" % (_image(number), _text(number))


FORMS: dict[str, Form] = {
    "plain": Form("jsonl", _lines(b'{"input_values":@}')),
    "flat": Form("jsonl", _lines(b"@")),
    "overlap": Form("jsonl", _lines(b'{"input_values":@,"overlap":3}')),
    "pool_id": Form("jsonl", _lines(b'{"input_values":@,"pool_id":"21"}')),
    "SDK": Form(
        "jsonl",
        _lines(
            b'{"infinite_overlap": false, "pool_id": "21", "input_values": @, "overlap": 3}',
            spaced=True,
        ),
    ),
    "control": Form("jsonl", _lines(b'{"input_values":@,"known_solutions":' + ANSWER + b"}")),
    "1 control in 20": Form("jsonl", _sometimes_control),
    "float": Form("jsonl", _with_float),
    "suites": Form("jsonl", _suites, pool="22"),
    "grouped": Form(
        "jsonl", _lines(b'{"input_values":@}'), options=("--suite-size", str(SUITE)), pool="22"
    ),
    "CSV": Form("csv", _cells(b","), b"image,text\n"),
    "CSV overlap": Form("csv", _cells(b",", b"3"), b"INPUT:image,INPUT:text,TASK:overlap\n"),
    "typed CSV": Form("csv", _typed, TYPED.encode() + b"\n"),
    "TSV": Form("tsv", _cells(b"\t"), b"image\ttext\n"),
    "TSV golden": Form("tsv", _golden, b"INPUT:image\tINPUT:text\tGOLDEN:result\n"),
    "JSON array": Form("json", _lines(b'{"input_values":@}')),
    "XLSX": Form("xlsx", _cells(b",")),
}


def make(name: str, path: Path, rows: int) -> None:
    """Write a file of so many lines."""
    form = FORMS[name]
    lines = islice(form.lines(), rows)
    if form.extension == "xlsx":
        cells = (line.decode().rstrip().split(",") for line in lines)
        path.write_bytes(xlsx([["image", "text"], *cells]))
        return
    with path.open("wb") as file:
        if form.extension == "json":
            file.write(b"[\n" + next(lines).rstrip())
            file.writelines(b",\n" + line.rstrip() for line in lines)
            file.write(b"\n]\n")
        else:
            file.write(form.head)
            file.writelines(lines)


def shuffle(path: Path, other: Path) -> None:
    """Write the lines of a file in another order."""
    lines = path.read_bytes().splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    other.write_bytes(b"".join(lines))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        shuffle(Path(sys.argv[2]), Path(sys.argv[3]))
