"""Proxies, certificates, addresses, accounts, links and directories that are unusable: a status, a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import BAD, Cli, good_rows

FAR = ("--url", "https://toloka.invalid", "-p", "21", "tasks.jsonl", "--retry-for", "0.2s")
NEAR = ("--url", "http://127.0.0.1:9", "-p", "21", "tasks.jsonl", "--retry-for", "0.2s")


@pytest.fixture(autouse=True)
def _token(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token, a file of rows, a link that leads to itself, and no proxies but the test's own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TOLOKA_TOKEN", "secret-token-0123456789")
    good_rows(here / "tasks.jsonl")
    (here / "loop").symlink_to("loop")
    (here / "rubbish.pem").write_text("rubbish")


@pytest.mark.parametrize(
    ("variable", "value", "status", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", 2, "socks"),
        ("HTTPS_PROXY", "foo://x", 2, "HTTPS_PROXY"),
        ("HTTPS_PROXY", "http://127.0.0.1:99999", 2, "Port out of range"),
        ("HTTPS_PROXY", "127.0.0.1:abc", 2, "HTTPS_PROXY"),
        ("HTTPS_PROXY", "http://[::1", 2, "HTTPS_PROXY"),
        ("NO_PROXY", "[[[::", 2, "NO_PROXY"),
        ("SSL_CERT_FILE", "missing.pem", 66, "SSL_CERT_FILE"),
        ("SSL_CERT_FILE", "rubbish.pem", 66, "SSL_CERT_FILE"),
        ("SSLKEYLOGFILE", "missing/keys", 66, "SSLKEYLOGFILE"),
    ],
)
def test_what_the_environment_says_of_the_network(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, status: int, said: str
) -> None:
    """Named, so that it can be corrected; nobody is asked anything."""
    monkeypatch.setenv(variable, value)
    ended = cli(*FAR, "--json")
    assert (ended.status, ended.summary["requests"]) == (status, 0)
    assert said in ended.summary["error"]["message"]


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "https://exa mple.com",
        "https://a..b",
        f"https://{'a' * 80}.example",
        "https://exa\x01mple.com",
        "https://xn--\udcff",
        "https://☃☃.example",
        "http://127.0.0.1:9/\udcff",
    ],
)
def test_2_an_address_that_is_none(cli: Cli, url: str) -> None:
    """Before anything is asked."""
    ended = cli("--url", url, "-p", "21", "tasks.jsonl", "--json")
    assert ended.status == 2
    assert "--url" in ended.summary["error"]["message"]


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (2, ["--account", "é"]),
        (2, ["--account", "a\nb"]),
        (2, ["--timeout", "inf"]),
        (2, ["--timeout", "1e308"]),
        (77, ["--token-file", "loop"]),
        (77, ["--token-file", "/dev/zero"]),
        (66, ["loop"]),
        (66, ["a" * 300]),
        (66, [""]),
        (73, ["--results", "loop"]),
        (73, ["--rejects", "loop"]),
        (73, ["--events", "loop"]),
        (73, ["--state-dir", "loop"]),
        (73, ["--state-dir", "loop/below"]),
        (73, ["--state-dir", "/proc/nothing"]),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said(cli: Cli, status: int, more: list[str]) -> None:
    """With the status that tells what to look at; never with 70."""
    ended = cli(*NEAR, *more, "--json")
    assert (ended.status, ended.summary["exit_code"]) == (status, status), ended.err


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("--env local -p 21 ../work/tasks.jsonl", 66),
        ("--env local -p 21 {here}/tasks.jsonl", 0),
        ("--env local -p 21 {here}/bad.jsonl", 73),
        ("--env local -p 21 {here}/tasks.jsonl --results r.jsonl --state-dir s", 73),
        ("runs", 0),
        ("template --env local -p 21", 0),
    ],
)
def test_a_working_directory_that_was_deleted(here: Path, command: str, status: int) -> None:
    """Only what would be in it fails."""
    (here / "bad.jsonl").write_text(BAD)
    gone = here / "gone"
    gone.mkdir()
    run = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m toloka_upload {command.format(here=here)}"
    process = subprocess.run(["sh", "-c", run], capture_output=True, text=True, check=False)
    assert process.returncode == status, process.stderr
    assert "Traceback" not in process.stderr


def test_directories_above_the_state_are_private_whatever_the_umask(
    cli: Cli, tmp_path: Path
) -> None:
    """With umask 000 the parents that were made for it were open to all."""
    before = os.umask(0)
    try:
        assert cli("--env", "local", "-p", "21", "tasks.jsonl", "--state-dir", tmp_path / "a/b/c")
    finally:
        os.umask(before)
    for made in ("a", "a/b", "a/b/c"):
        assert (tmp_path / made).stat().st_mode & 0o777 == 0o700


def test_a_name_that_was_typed_wrong_is_told_before_the_token(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what may have been meant: a file beside, or a command."""
    monkeypatch.delenv("TOLOKA_TOKEN")
    good_rows("images.jsonl")
    for more in ([], ["--token-file", "missing"]):
        ended = cli("-p", "21", "image.jsonl", *more)
        assert ended.status == 66
        assert "Did you mean images.jsonl?" in ended.err
    assert "Did you mean the command `toloka-upload runs`?" in cli("run").err
    assert "Did you mean" not in cli("-p", "21", "something-else").err


def test_69_a_template_for_a_pool_that_is_not_there(cli: Cli) -> None:
    """It says so, and speaks of no trainings."""
    ended = cli("template", "--env", "local", "-p", "99")
    assert ended.status == 69
    assert "There is no pool 99 at local" in ended.err
    assert "training" not in ended.err
