"""Make docs/terminal.svg from a real upload to the emulator: `python docs/make_picture.py`.

30,000 rows go to an emulator on this machine. The picture shows the display as it is when 12,000 of them are there, and
the summary at the end. Its fonts are the reader's: nothing is fetched.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from toloka_upload import Requests, upload
from toloka_upload.display.frame import UNICODE, Look, frame
from toloka_upload.display.progress import Progress
from toloka_upload.report import observer as ev
from toloka_upload.report.text import summary_text

PICTURE = Path(__file__).with_name("terminal.svg")
WIDTH = 92


class Photographer:
    """An observer that keeps the display's lines as they are in the middle of a run."""

    def __init__(self, shown_at: int) -> None:
        self.lines: list[Text] = []
        self._shown_at = shown_at
        self._progress = Progress(time.monotonic())

    def __call__(self, event: ev.Event) -> None:
        """Take the picture when enough is created and the server works on the rest."""
        now = time.monotonic()
        self._progress.note(event, now)
        busy = sum(flight.percent is not None for flight in self._progress.flights.values())
        if not self.lines and self._progress.created >= self._shown_at and busy:
            self.lines = frame(self._progress, now, Look(WIDTH, 24, UNICODE, time.time()))


def picture(rows: int = 30_000, seconds: float = 2.0) -> str:
    """The picture of an upload of so many rows, each of whose ten operations takes so long."""
    photographer = Photographer(rows * 4 // 10)
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()  # noqa: PTH109  # to come back to
        os.chdir(folder)
        try:
            url, summary = _upload(photographer, rows, seconds)
        finally:
            os.chdir(here)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(
        Text.assemble(("$ ", "bold green"), f"toloka-upload --url {url} --pool 21 tasks.jsonl")
    )
    for line in photographer.lines:
        console.print(line, soft_wrap=True)
    console.print(Text("\n… and at its end", style="dim italic"))
    console.print(Text.from_ansi(summary), soft_wrap=True)
    svg = console.export_svg(title="toloka-upload", unique_id="terminal")
    return re.sub(r"(?s)\s*@font-face \{.*?\}", "", svg).replace(
        "Fira Code, monospace", "monospace"
    )


def shape(svg: str) -> str:
    """What must be the same in every picture: its words, without figures, bars and operations."""
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    text = "\n".join(word.replace("&#160;", " ").strip() for word in words)
    text = re.sub(r"[━╸╍─✗]+", "━", text)
    text = re.sub(r"\d+(?:[.,:]\d+)*( (?:min|s)\b)*", "0", text)
    return re.sub(r"(?<=chunks done).*(?=… and)", " ", re.sub(r"\s+", " ", text))


def _upload(observer: Photographer, rows: int, seconds: float) -> tuple[str, str]:
    """The emulator's address, and the summary."""
    with Path("tasks.jsonl").open("w") as file:
        for number in range(rows):
            image = f"https://example.com/{number}.jpg"
            file.write(json.dumps({"input_values": {"image": image}}) + "\n")
    command = ["emulator", "--port", "0", "--memory", "--operation-time", str(seconds)]
    server = subprocess.Popen(  # noqa: S603  # this very program
        [sys.executable, "-m", "toloka_upload", *command], stdout=subprocess.PIPE, text=True
    )
    try:
        url = server.stdout.readline().split()[2]
        report = upload(
            "tasks.jsonl",
            pool=21,
            url=url,
            token="any",  # noqa: S106  # the emulator takes any
            state_dir=Path("state"),
            requests=Requests(chunk_size=rows // 10),
            observer=observer,
        )
    finally:
        server.terminate()
        server.stdout.close()
        server.wait()
    return url.removesuffix("/api/v1"), summary_text(report, colour=True)


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
