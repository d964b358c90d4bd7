"""Options and commands: all that is promised is there, and means what it says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import GOOD, ROOT, Cli, good_rows, lines

from toloka_upload._version import __version__
from toloka_upload.cli.app import app
from toloka_upload.cli.help import USUAL
from toloka_upload.cli.options import (
    Connection,
    Output,
    Pace,
    Reading,
    Safety,
    UploadOptions,
    What,
)

PROMISED = {
    "--pool": "TOLOKA_POOL",
    "-p": "TOLOKA_POOL",
    "--env": "TOLOKA_ENV",
    "--url": "TOLOKA_URL",
    "--token-file": "TOLOKA_TOKEN_FILE",
    "--account": "TOLOKA_ACCOUNT",
    "--state-dir": "TOLOKA_UPLOAD_STATE_DIR",
    **dict.fromkeys(
        [
            *("--async", "--sync", "--chunk-size", "--allow-defaults", "--no-allow-defaults"),
            *("--skip-invalid-items", "--no-skip-invalid-items", "--open-pool", "--overlap"),
            *("--suite-size", "--suites-by-blank-line", "--format", "--delimiter", "--encoding"),
            *("--no-infinite-golden", "--check", "--no-check", "--dry-run", "-n", "--max-errors"),
            *("--again", "--resend-unknown", "--wait", "--no-wait", "--concurrency", "--rate"),
            *("--daily-limit", "--timeout", "--retry-for", "--results", "--rejects", "--json"),
            *("--events", "--quiet", "-q", "--verbose", "-v", "--wait-lock"),
        ],
        None,
    ),
}


def upload_options() -> dict[str, Any]:
    """The upload's options by each of their names."""
    command: Any = typer.main.get_command(app)
    return {
        name: option
        for option in command.commands["upload"].params
        for name in (*option.opts, *option.secondary_opts)
    }


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_option_is_there(name: str) -> None:
    """With its environment variable, and none besides."""
    option = upload_options()[name]
    assert option.envvar == PROMISED[name]
    assert option.help


def test_the_token_is_never_an_option() -> None:
    """`ps` shows options to everybody on the machine."""
    assert not {"--token", "-t", "--password"} & upload_options().keys()


def test_every_promised_command_is_there() -> None:
    """`upload` is the default."""
    command: Any = typer.main.get_command(app)
    assert command.commands.keys() >= {"upload", "runs", "emulator"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], ["upload", "--help"]])
def test_information_goes_to_standard_output(cli: Cli, arguments: list[str]) -> None:
    """And ends 0."""
    ended = cli(*arguments)
    assert (ended.status, ended.err) == (0, "")
    assert __version__ in ended.out if "--version" in arguments else "--pool" in ended.out


@pytest.mark.parametrize(("arguments", "least"), [(("--help",), 15), (("--help-all",), 40)])
def test_no_option_is_listed_twice(cli: Cli, arguments: tuple[str, ...], least: int) -> None:
    """Though the help has the upload's options and the program's."""
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", cli(*arguments).out, re.MULTILINE)
    assert len(listed) >= least
    assert len(listed) == len(set(listed))


def test_the_usual_options_take_a_line_each(cli: Cli) -> None:
    """Ten options in ten lines, on a terminal of 80 columns; an example and the commands come before them."""
    out = cli("--help").out
    usual = out.split("The usual options:\n")[1].split("\n\n")[0].splitlines()
    assert [len(line.split("  ", 2)) for line in usual] == [3] * len(USUAL)
    assert all(re.match(r"  -", line) and len(line) <= 80 for line in usual)
    assert out.index("Example") < out.index("Commands:") < out.index("The usual options")


def test_all_help_is_the_same_wherever_it_is_asked(cli: Cli) -> None:
    """Before or after the files, with and without the command's name."""
    whole = cli("--help-all")
    assert whole.status == 0
    for arguments in (("upload", "--help-all"), ("tasks.jsonl", "--help-all")):
        assert cli(*arguments) == whole
    assert cli("tasks.jsonl", "--help") == cli("--help")


def test_all_help_has_every_option_under_its_title(cli: Cli) -> None:
    """In the order in which the classes of options are declared."""
    out = cli("--help-all").out
    titles = [kind.title for kind in (What, Reading, Safety, Pace, Output, Connection)]
    places = [out.index(f"\n{title}:\n") for title in titles]
    assert places == sorted(places)
    for name, option in upload_options().items():
        assert option.hidden or re.search(rf"^  .*{name}\b", out, re.MULTILINE), name


def test_the_page_of_options_is_made_from_the_code() -> None:
    """`python docs/make_options.py` would change nothing."""
    spec = importlib.util.spec_from_file_location("make_options", ROOT / "docs/make_options.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    text = made.PAGE.read_text("utf-8")
    assert made.page(text) == text, "run python docs/make_options.py"


def test_the_page_of_options_names_every_command() -> None:
    """Each with a line of its own, and a table."""
    text = (ROOT / "docs/options.md").read_text("utf-8")
    command: Any = typer.main.get_command(app)
    for name in command.commands.keys() - {"upload"}:
        assert f"    toloka-upload {name} " in text
        table = f"<!-- options of {name} -->\n\n| option |" in text
        assert table or not command.commands[name].params


def test_options_are_declared_once() -> None:
    """Two classes that a command puts together never have the same option."""
    names = [one.name for one in UploadOptions.declared()]
    assert len(names) == len(set(names))


def test_upload_is_the_default_command(cli: Cli) -> None:
    """With and without its name, options before or after the files."""
    good_rows("tasks.jsonl")
    assert cli("upload", "--env", "local", "-p", "21", "tasks.jsonl", "--json").counts == {
        "read": 3,
        "created": 3,
    }
    assert cli("tasks.jsonl", "--json", "--env", "local", "-p", "21").counts == {
        "read": 3,
        "already_uploaded": 3,
    }


def test_a_file_that_is_called_like_a_command(cli: Cli) -> None:
    """`./runs` is a file, `runs` a command."""
    good_rows("runs")
    assert cli("--json", "--env", "local", "-p", "21", "./runs").counts["created"] == 3
    assert "tasks" not in cli("runs").out
    assert "./runs" in cli("runs").out


def test_variables_stand_for_options(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """For Makefiles and cron; an option goes before its variable."""
    monkeypatch.setenv("TOLOKA_ENV", "local")
    monkeypatch.setenv("TOLOKA_POOL", "23")
    good_rows("tasks.jsonl")
    assert cli("tasks.jsonl").status == 69
    summary = cli("tasks.jsonl", "--pool", "21", "--json").summary
    assert (summary["env"], summary["pools"], summary["exit_code"]) == ("local", ["21"], 0)


def test_a_pool_by_its_web_address(cli: Cli) -> None:
    """As copied from the browser."""
    good_rows("tasks.jsonl")
    address = "https://platform.toloka.ai/requester/project/1/pool/21"
    assert cli("--env", "local", "-p", address, "tasks.jsonl", "--json").summary["pools"] == ["21"]


def test_several_files_and_standard_input(shell: Any) -> None:
    """In order, each row with the file it came from."""
    good_rows("a.jsonl", 2)
    good_rows("b.jsonl", 2, first=10)
    rows = good_rows("c.jsonl", 1, first=20).read_bytes()
    ended = shell(
        *("--env", "local", "-p", "21", "a.jsonl", "-", "b.jsonl", "--results", "r", "--json"),
        stdin=rows,
    )
    assert ended.counts == {"read": 5, "created": 5}
    places = sorted((row["file"], row["line"]) for row in lines("r"))
    assert places == [("-", 1), ("a.jsonl", 1), ("a.jsonl", 2), ("b.jsonl", 1), ("b.jsonl", 2)]


def test_a_named_pipe_is_read_once(shell: Any, here: Path) -> None:
    """What cannot be read twice is not opened twice: its writer would be cut off."""
    import os
    import threading

    os.mkfifo("pipe")

    def write() -> None:
        with (here / "pipe").open("w") as pipe:
            pipe.writelines(GOOD % row for row in range(9))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    ended = shell("--env", "local", "-p", "21", "--json", "pipe")
    writer.join(5)
    assert ended.counts == {"read": 9, "created": 9}


def test_again_uploads_what_the_pool_has(cli: Cli) -> None:
    """A new generation of the same rows."""
    good_rows("tasks.jsonl")
    upload = ("--env", "local", "-p", "21", "tasks.jsonl", "--json")
    assert cli(*upload).counts == {"read": 3, "created": 3}
    assert cli(*upload).counts == {"read": 3, "already_uploaded": 3}
    assert cli(*upload, "--again").counts == {"read": 3, "created": 3}


def test_the_pool_is_opened_once_everything_is_in(cli: Cli) -> None:
    """And told so."""
    good_rows("tasks.jsonl")
    summary = cli("--env", "local", "-p", "21", "tasks.jsonl", "--open-pool", "--json").summary
    assert summary["pool_opened"] is True


def test_synchronous_mode(cli: Cli) -> None:
    """Rows are created without operations."""
    good_rows("tasks.jsonl")
    ended = cli("--env", "local", "-p", "21", "tasks.jsonl", "--sync", "--json", "--results", "r")
    assert (ended.summary["mode"], ended.counts["created"]) == ("sync", 3)
    assert all("operation_id" not in row and row["task_id"] for row in lines("r"))


def test_chunks_keep_to_the_asked_size(cli: Cli) -> None:
    """`--chunk-size` is the most items in one request."""
    good_rows("tasks.jsonl", 7)
    ended = cli("--env", "local", "-p", "21", "tasks.jsonl", "--chunk-size", "3", "--json")
    assert ended.summary["operations"]["succeeded"] == 3


def test_a_dry_run_plans_and_sends_nothing(cli: Cli) -> None:
    """Chunks, bytes, time, the first and last row; the pool stays as it was, and rows count as unsent."""
    good_rows("tasks.jsonl", 7)
    upload = ("--env", "local", "-p", "21", "tasks.jsonl", "--json")
    ended = cli(*upload, "--dry-run", "--chunk-size", "3", "--rate", "3/min")
    assert (ended.status, ended.summary["dry_run"]) == (0, True)
    assert ended.counts == {"read": 7, "unsent": 7}
    plan = ended.summary["plan"]
    assert (plan["chunks"], plan["items"], plan["rows"]["general"]) == (3, 7, 7)
    assert plan["seconds"] == 120
    assert plan["bytes"] > 7 * 60
    assert (plan["first"]["line"], plan["last"]["line"]) == (1, 7)
    assert '"pool_id":"21"' in plan["first"]["sent"]
    assert cli(*upload).counts == {"read": 7, "created": 7}


def test_a_dry_run_tells_people_its_plan(cli: Cli) -> None:
    """On standard output."""
    good_rows("tasks.jsonl", 7)
    ended = cli("--env", "local", "-p", "21", "tasks.jsonl", "-n")
    assert ended.status == 0
    assert "tasks.jsonl:7" in ended.out
    assert "7 general" in ended.out


def test_a_dry_run_without_check_needs_nobody(cli: Cli) -> None:
    """No token, no network: reading and planning alone."""
    good_rows("tasks.jsonl")
    ended = cli("-p", "21", "tasks.jsonl", "-n", "--no-check", "--json")
    assert (ended.status, ended.summary["requests"]) == (0, 0)
    assert ended.counts == {"read": 3, "unsent": 3}


def test_rows_may_name_their_pools(cli: Cli) -> None:
    """Without `--pool` each goes to its own; equal rows are noticed, for they seldom are meant."""
    rows = [
        f'{{"pool_id":{pool},"input_values":{{"image":"https://a.b/{n}"}}}}' for pool, n in PLACED
    ]
    Path("tasks.jsonl").write_text("\n".join(rows))
    summary = cli("--env", "local", "tasks.jsonl", "--json", "--results", "r").summary
    assert (summary["counts"]["created"], summary["pools"]) == (4, ["21", "24"])
    assert {row["line"]: row["pool_id"] for row in lines("r")} == {
        1: "21",
        2: "24",
        3: "24",
        4: "21",
    }
    (warning,) = summary["warnings"]
    assert warning.startswith("1 row equal to an earlier")
    ended = cli("--env", "local", "-p", "21", "tasks.jsonl", "--json")
    assert (ended.status, ended.summary["errors"][0]["field"]) == (65, "pool_id")


PLACED = [("21", 1), ("24", 2), ('"24"', 2), ('"21"', 2)]
