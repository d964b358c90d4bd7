"""The configuration file: what it says holds where nothing closer to the command says otherwise."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli, good_rows

NAME = "toloka-upload.toml"


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own file would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "config" / "toloka-upload" / NAME
    path.parent.mkdir(parents=True)
    return path


def shown(cli: Cli, *options: str) -> dict[str, tuple[Any, str]]:
    """What `config` shows: for each option its value and where it comes from."""
    ended = cli("config", "--json", *options)
    assert ended.status == 0, ended.err
    return {name: (row["value"], row["from"]) for name, row in json.loads(ended.out).items()}


def test_a_file_stands_for_options(cli: Cli) -> None:
    """By their long names, with dashes or underscores; values are text, numbers, true and false."""
    Path(NAME).write_text('env = "local"\npool = 21\nskip_invalid_items = true\nrate = 1000\n')
    good_rows("tasks.jsonl")
    assert cli("tasks.jsonl", "--json").counts == {"read": 3, "created": 3}
    found = shown(cli)
    assert found["pool"] == ("21", NAME)
    assert found["skip-invalid-items"] == (True, NAME)
    assert found["rate"] == ("1000", NAME)
    assert found["retry-for"] == ("15m", "default")


def test_what_is_closer_to_the_command_goes_first(
    cli: Cli, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command line, variable, profile (the project's, the user's), project, user, default."""
    user_file.write_text('pool = 1\noverlap = 1\nsheet = "a"\n[profile.p]\npool = 3\noverlap = 3\n')
    assert shown(cli)["pool"] == ("1", str(user_file))
    Path(NAME).write_text("pool = 2\noverlap = 2\n[profile.p]\npool = 4\n")
    assert shown(cli)["pool"] == ("2", NAME)
    found = shown(cli, "--profile", "p")
    assert found["pool"] == ("4", f"{NAME}, profile p")
    assert found["overlap"] == (3, f"{user_file}, profile p")
    assert found["sheet"] == ("a", str(user_file))
    monkeypatch.setenv("TOLOKA_POOL", "5")
    monkeypatch.setenv("TOLOKA_PROFILE", "p")
    assert shown(cli)["pool"] == ("5", "TOLOKA_POOL")
    assert shown(cli, "-p", "6")["pool"] == ("6", "command line")


def test_either_name_of_a_switch_may_stand_there(cli: Cli) -> None:
    """`no-check = true` is `check = false`; both at once contradict each other."""
    Path(NAME).write_text("no-check = true\nsync = true\n")
    found = shown(cli)
    assert (found["check"][0], found["async"][0]) == (False, False)
    Path(NAME).write_text("no-check = true\ncheck = true\n")
    ended = cli("config")
    assert ended.status == 2
    assert "one option" in ended.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("skip-invalid-item = true", "no option. Did you mean skip-invalid-items?"),
        ("chunk-size = 'many'", "chunk-size: 'many' is not a valid int"),
        ("check = 'yes'", "check is true or false"),
        ("pool = [1]", "pool is text or a number"),
        ("pool = true", "pool is text or a number"),
        ("again = true", "again is no option"),
        ("resend-unknown = true", "resend-unknown is no option"),
        ("pool-id = 1\npool_id = 2", "pool-id is no option"),
        ("pool =", "cannot be read"),
        ("profile = 3", "are tables"),
        ("[profile.q]\nchunk-sise = 3", "profile q: chunk-sise is no option"),
        ("", "no profile 'p'"),
        ("[profile.pp]", "no profile 'p'. There are pp. Did you mean pp?"),
    ],
)
def test_what_cannot_be_is_an_error(cli: Cli, text: str, said: str) -> None:
    """It names the file and the key; profiles that are not asked for are checked as well."""
    Path(NAME).write_text(text + "\n")
    profile = ("--profile", "p") if "profile" in said else ()
    ended = cli(*profile, "tasks.jsonl", "--env", "local")
    assert ended.status == 2
    assert said in ended.err


def test_a_token_command_is_asked(cli: Cli) -> None:
    """Without a shell; what it prints is the token, and is shown nowhere."""
    Path("store").write_text("#!/bin/sh\necho secret-$1\n")
    Path("store").chmod(0o700)
    Path(NAME).write_text('token-command = "./store \'a b\'"\nurl = "http://127.0.0.1:9/"\n')
    found = shown(cli)
    assert found["token"] == ("set", "token-command")
    good_rows("tasks.jsonl")
    ended = cli("tasks.jsonl", "-p", "21", "--json", "--retry-for", "0")
    assert ended.status == 75  # nobody is there, but there is a token
    assert "secret" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "exit status 1"),
        ("true", "printed nothing"),
        ("./nowhere", "No such file"),
        ("'", "No closing quotation"),
    ],
)
def test_a_token_command_that_fails(cli: Cli, command: str, said: str) -> None:
    """Ends as a missing token does."""
    good_rows("tasks.jsonl")
    ended = cli("tasks.jsonl", "-p", "21", "--token-command", command)
    assert ended.status == 77
    assert said in ended.err


def test_a_token_in_the_environment_goes_before_the_file(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But what the command line asks for goes before both."""
    monkeypatch.setenv("TOLOKA_TOKEN", "x")
    Path(NAME).write_text('token-command = "false"\n[profile.p]\ntoken-file = "t"\n')
    assert shown(cli)["token"] == ("set", "TOLOKA_TOKEN")
    assert shown(cli, "--profile", "p")["token"] == ("set", "TOLOKA_TOKEN")
    assert shown(cli, "--token-command", "y")["token"] == ("set", "token-command")
    monkeypatch.delenv("TOLOKA_TOKEN")
    assert shown(cli, "--profile", "p")["token"] == ("set", "token-file")
    assert shown(cli, "--profile", "p")["token-command"] == (None, f"overruled: {NAME}")


def test_an_environment_that_is_asked_for_goes_before_an_address_in_a_file(cli: Cli) -> None:
    """`--env local` must not meet the profile's server."""
    Path(NAME).write_text('url = "http://127.0.0.1:9/"\n')
    good_rows("tasks.jsonl")
    assert cli("tasks.jsonl", "-p", "21", "--env", "local").status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize("key", ["token-command = 'x'", "[profile.p]\nurl = 'http://127.0.0.1/'"])
def test_a_file_that_others_can_write_says_nothing_that_matters(cli: Cli, key: str) -> None:
    """What is run, and where the token goes, only the user decides."""
    Path(NAME).write_text(key)
    Path(NAME).chmod(0o666)
    ended = cli("tasks.jsonl")
    assert ended.status == 2
    assert "chmod go-w" in ended.err
    Path(NAME).write_text("pool = 3")
    assert shown(cli)["pool"][0] == "3"


def test_other_commands_take_what_they_share_with_the_upload(cli: Cli) -> None:
    """The connection and the pool; an option of their own that is called alike is another one."""
    Path(NAME).write_text('env = "local"\npool = 21\nresults = "r"\nformat = "jsonl"\n')
    assert cli("template").out.startswith("INPUT:")
    assert cli("runs").status == 0


def test_paths_of_the_users_file_are_beside_it(cli: Cli, user_file: Path) -> None:
    """`~` is the home directory, and a relative path does not depend on where one stands."""
    user_file.write_text('token-file = "token"\nresults = "~/r.jsonl"\n')
    found = shown(cli)
    assert found["token-file"][0] == str(user_file.parent / "token")
    assert found["results"][0] == os.path.expanduser("~/r.jsonl")  # noqa: PTH111


def complete(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Print what bash would offer at the end of a command line."""
    from toloka_upload.cli.app import app

    monkeypatch.setenv("_TOLOKA_UPLOAD_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit):
        app([], prog_name="toloka-upload")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("toloka-upload --env s", ["sandbox"]),
        ("toloka-upload tasks.jsonl --env ", ["production", "sandbox", "yandex-tasks", "local"]),
        ("toloka-upload upload -n --env lo", ["local"]),
        ("toloka-upload --profile ", ["prod", "test"]),
        ("toloka-upload tasks.jsonl -p ", ["21"]),
        ("toloka-upload template --pool 2", ["21"]),
        ("toloka-upload --skip", ["--skip-invalid-items"]),
        ("toloka-upload tasks.jsonl --skip", ["--skip-invalid-items"]),
        ("toloka-upload ru", ["runs"]),
        ("toloka-upload --ver", ["--version", "--verbose"]),
    ],
)
def test_a_shell_completes(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    line: str,
    offered: list[str],
) -> None:
    """Environments, profiles and pools of past runs, wherever the option stands; options from the first word on."""
    Path(NAME).write_text("[profile.prod]\n[profile.test]\n")
    good_rows("tasks.jsonl")
    cli("--env", "local", "-p", "21", "tasks.jsonl", "-q")
    complete(monkeypatch, line)
    assert sorted(capfd.readouterr().out.split()) == sorted(offered)


@pytest.mark.parametrize("option", ["--results", "--rejects", "--events", "--report"])
def test_the_configuration_file_is_no_output(cli: Cli, option: str) -> None:
    """Neither by its name nor by another way to it."""
    good_rows("tasks.jsonl")
    text = 'env = "local"\npool = 21\n'
    Path("toloka-upload.toml").write_text(text)
    Path("other.html").symlink_to("toloka-upload.toml")
    for name in ("toloka-upload.toml", "other.html"):
        ended = cli("tasks.jsonl", option, name, "--force")
        assert ended.status == 2, ended.err
        assert "is also the configuration file" in ended.err
        assert Path("toloka-upload.toml").read_text() == text
