"""Which form of the display a run gets, and what choosing it costs."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from toloka_upload.display import colour_wanted, display_for
from toloka_upload.display.base import Lines
from toloka_upload.display.live import Live


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say yes."""
        return True


def chosen(
    stream: io.StringIO,
    *,
    quiet: bool = False,
    json_output: bool = False,
    stdout_is_terminal: bool = True,
    stdout_busy: bool = False,
    term: str | None = "xterm-256color",
) -> type:
    """Return the form that `display_for` chooses."""
    display = display_for(
        stream,
        quiet=quiet,
        verbose=False,
        json_output=json_output,
        stdout_is_terminal=stdout_is_terminal,
        environ={} if term is None else {"TERM": term},
        clock=lambda: 0.0,
        stdout_busy=stdout_busy,
    )
    return type(display)


def test_the_live_display_is_for_a_terminal() -> None:
    """Standard error decides; standard output may be a file."""
    assert chosen(Terminal()) is Live
    assert chosen(Terminal(), stdout_is_terminal=False) is Live
    assert chosen(Terminal(), json_output=True) is Live
    assert chosen(Terminal(), term=None) is Live


def test_plain_lines_elsewhere() -> None:
    """No terminal, `--quiet`, `--json` into a pipe, a dumb terminal, events on the same screen."""
    assert chosen(io.StringIO()) is Lines
    assert chosen(Terminal(), quiet=True) is Lines
    assert chosen(Terminal(), json_output=True, stdout_is_terminal=False) is Lines
    assert chosen(Terminal(), term="dumb") is Lines
    assert chosen(Terminal(), stdout_busy=True) is Lines
    assert chosen(Terminal(), stdout_busy=True, stdout_is_terminal=False) is Live


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colour_is_for_terminals_whose_user_does_not_object(
    stream: io.StringIO, environ: dict[str, str], *, wanted: bool
) -> None:
    """`NO_COLOR` counts when it is not empty."""
    assert colour_wanted(stream, environ) is wanted


def test_plain_lines_do_not_pay_for_rich() -> None:
    """In a cron job neither the display, the events nor the summary import rich."""
    script = (
        "import sys, io, toloka_upload.report.text, toloka_upload.report.events\n"
        "from toloka_upload.display import display_for\n"
        "with display_for(io.StringIO(), quiet=False, verbose=True, json_output=False,"
        " stdout_is_terminal=False, environ={}, clock=lambda: 0.0): pass\n"
        "print([name for name in sys.modules if name.startswith('rich')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
