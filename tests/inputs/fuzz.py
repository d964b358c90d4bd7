"""Hostile inputs by mutation of samples of every form: each ends as rows or as one clear refusal.

    python tests/inputs/fuzz.py --inputs 20000 --seconds 300 [--seed 1]

Counts rows and refusals, and what must never be: tracebacks (any other exception, or a command that ends with 70),
aborts (a worker that dies), and inputs that take longer than ten seconds. Ends with 1 if there was one of these; it is
kept under its number in the working directory.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import lzma
import multiprocessing
import random
import subprocess
import sys
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "shared"))

from make_xlsx import ERROR, Raw, xlsx
from rows_reading import SPEC

from toloka_upload.check import Spec
from toloka_upload.errors import UploadError
from toloka_upload.rows import ReadOptions, open_rows

LONGEST = 10.0
JSON = b'{"string":"a","url":"https://a/1","integer":7,"json":{"b":[1.10,null]},"array_string":["x","y"]}\n'
TABLE = (
    'string,integer,float,"json",array_string\n"a ""q""\nb",7,0.50,"{""a"":1}","x,y"\n'
    "щи,,,,\n007,007,1e5,,\n"
).encode()
CELLS = [
    ["string", "integer", "boolean"],
    ["a", 7, True],
    [Raw("><f>1</f></c>"), ERROR, "x"],
    [1.5, 2.0, None],
]
SAMPLES = [
    JSON * 3,
    b"[" + JSON.strip() + b",\n " + JSON.strip() + b"]",
    b'{"input_values":{"string":"a"},"overlap":2}\n{"tasks":[{"input_values":{}}]}\n',
    TABLE,
    TABLE.replace(b",", b"\t"),
    "string;url\r\nMüller;https://a/é\r\n".encode("cp1252"),
    "string,url\nжизнь,https://a\n".encode("utf-16"),
    xlsx(CELLS),
    b"<!DOCTYPE html><html><body>x</body></html>",
]
SAMPLES += [gzip.compress(JSON), bz2.compress(TABLE), lzma.compress(JSON * 3)]
PIECES = [
    b"",
    b"#N/A",
    b"\xff",
    b"\xef\xbb\xbf",
    *(bytes([mark]) for mark in b'"\n\r{}[]:,\\\0<&='),
]
FORMATS = [None, None, None, "jsonl", "json", "csv", "tsv", "xlsx"]
ENCODINGS = [None, None, None, None, "utf-8", "cp1251", "utf-16", "shift_jis", "utf-7"]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, cut out, repeated or put in; of an archive, of one of its parts."""
    if data.startswith(b"PK") and dice.random() < 0.8:
        return repacked(data, dice)
    text = bytearray(data)
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(text) + 1)
        own = bytes(text[at : at + dice.randint(1, 60)]) * dice.choice([1, 1, 1, 2, 500])
        text[at : at + dice.choice([0, 0, 1, 5, 50])] = dice.choice(
            [*PIECES, own, dice.randbytes(3)]
        )
    return bytes(text)


def repacked(data: bytes, dice: random.Random) -> bytes:
    """A workbook with one part changed."""
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        chosen = dice.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, mutated(old.read(name), dice) if name == chosen else old.read(name))
    return held.getvalue()


def outcome(data: bytes, options: dict[str, Any], check: Spec) -> str:
    """Read and check all rows of an input, and say how it ended."""
    try:
        file = open_rows("-", ReadOptions(**options), SPEC, stdin=io.BytesIO(data))
        for row in file:
            if not row.faults and isinstance(row.value.get("input_values", row.value), dict):
                check.check_input(row.value.get("input_values", row.value))
            assert bool(row.text) != bool(row.faults)
        file.close()
    except UploadError as error:
        return f"refused with {int(error.status)}" if str(error) else "traceback: no message"
    except Exception:  # noqa: BLE001  # that is what is looked for
        return f"traceback {traceback.format_exc()}"
    return "rows"


def work(number: int, inputs: int, seed: int, until: float, told: Any) -> None:
    """Try inputs, and tell of each before and after."""
    check = Spec.compile(SPEC)
    for index in range(number, inputs, 2):
        if time.monotonic() > until:
            break
        dice = random.Random(f"{seed}/{index}")
        data = mutated(dice.choice(SAMPLES), dice)
        options = {"format": dice.choice(FORMATS), "encoding": dice.choice(ENCODINGS)}
        started = time.monotonic()
        found = outcome(data, options, check)
        seconds = time.monotonic() - started
        if found.startswith("traceback") or seconds > LONGEST:
            Path(f"fuzz-{seed}-{index}").write_bytes(data)
            print(index, options, f"{seconds:.1f} s", found, flush=True)
            found = "traceback" if found.startswith("traceback") else "hang"
        told.put(found)
    told.put(None)


def commands(inputs: int, seed: int) -> Counter[str]:
    """The same through the command line, a few: how it ended."""
    found: Counter[str] = Counter()
    for index in range(inputs):
        dice = random.Random(f"{seed}/command/{index}")
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "toloka_upload",
                "--env",
                "local",
                "--pool",
                "21",
                "-n",
                "-q",
                "-",
            ],
            input=mutated(dice.choice(SAMPLES), dice),
            capture_output=True,
            timeout=60,
            check=False,
        )
        found[f"status {run.returncode}"] += 1
        found["traceback"] += (
            b"Traceback" in run.stderr or run.returncode in (70, 1) or run.returncode < 0
        )
    return found


def main() -> int:
    """Fuzz, print the figures, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--commands", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    told: Any = multiprocessing.Queue()
    until = time.monotonic() + chosen.seconds
    workers = [
        multiprocessing.Process(target=work, args=(number, chosen.inputs, chosen.seed, until, told))
        for number in range(2)
    ]
    for worker in workers:
        worker.start()
    found: Counter[str] = Counter()
    running = len(workers)
    while running and (any(worker.is_alive() for worker in workers) or not told.empty()):
        item = told.get(timeout=60)
        running -= item is None
        found[item or "workers ended"] += 1
    for worker in workers:
        worker.join()
        found["abort"] += worker.exitcode != 0
    found.update(commands(chosen.commands, chosen.seed))
    for name, count in sorted(found.items()):
        print(f"{count:7}  {name}")
    return int(any(found[name] for name in ("traceback", "abort", "hang")))


if __name__ == "__main__":
    sys.exit(main())
