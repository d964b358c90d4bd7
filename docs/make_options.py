"""Write the tables of docs/options.md from the options that the code declares: `python docs/make_options.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from toloka_upload.cli.app import app
from toloka_upload.cli.help import default, spelled

PAGE = Path(__file__).with_name("options.md")
_PART = re.compile(r"(?s)(<!-- options of (\w+) -->\n).*?(<!-- end -->\n)")


def page(text: str) -> str:
    """The page with its tables made anew; what stands around them stays."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    return _PART.sub(lambda part: part[1] + _tables(commands[part[2]]) + part[3], text)


def _tables(command: Any) -> str:
    """A table for each group of options; a heading for each where there are several."""
    groups: dict[str, list[Any]] = {}
    for one in command.params:
        if one.param_type_name == "option" and not one.hidden:
            groups.setdefault(one.rich_help_panel, []).append(one)
    if command.name != "upload":  # what all commands have is told once
        groups.pop("Connection", None)
        groups = {title: own for title, own in groups.items() if title == "Options"} or groups
    parts = []
    for title, options in groups.items():
        heading = f"### {title}\n\n" if len(groups) > 1 else ""
        parts.append(heading + "\n".join([*_HEAD, *map(_row, options)]) + "\n")
    return "\n" + "\n".join(parts) + "\n"


_HEAD = ("| option | variable | default | meaning |", "|---|---|---|---|")


def _row(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in spelled(one).split(", ")).replace("|", "\\|")
    variable = f"`{one.envvar}`" if one.envvar else ""
    words = one.help.replace("|", "\\|").replace("<", "\\<")
    holds = default(one).replace("<", "\\<") or ("off" if one.is_flag else "none")
    return f"| {names} | {variable} | {holds} | {words} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
