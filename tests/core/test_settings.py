"""Settings: what cannot be is refused before anything happens, naming the option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toloka_upload import configure
from toloka_upload.api.target import ENVIRONMENTS, Target
from toloka_upload.errors import Denied, UsageProblem
from toloka_upload.policies.rate import Window
from toloka_upload.rows.model import ReadOptions
from toloka_upload.settings import Pacing, Requests, Settings, pool_id


def settings(**changes: Any) -> Settings:
    """Settings of an upload to the local emulator."""
    values: dict[str, Any] = {
        "files": ("tasks.jsonl",),
        "target": Target(ENVIRONMENTS["local"], "local"),
        "pool": "21",
        "state_dir": Path("state"),
    }
    return Settings(**{**values, **changes})


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: Requests(chunk_size=0), "--chunk-size"),
        (lambda: Requests(chunk_size=10_001), "--chunk-size"),
        (lambda: Requests("sync", chunk_size=5001), "--chunk-size"),
        (lambda: Requests(suite_size=0), "--suite-size"),
        (lambda: Requests(overlap=0), "--overlap"),
        (lambda: Requests(overlap=30_001), "--overlap"),
        (lambda: Pacing(concurrency=0), "--concurrency"),
        (lambda: Pacing(daily_limit=0), "--daily-limit"),
        (lambda: Pacing(timeout=0.0), "--timeout"),
        (lambda: Pacing(timeout=float("nan")), "--timeout"),
        (lambda: settings(files=()), "No file"),
        (lambda: settings(files=("-", "a", "-")), "Standard input"),
        (lambda: settings(open_pool=True, wait=False), "--open-pool"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make: Callable[[], object], option: str) -> None:
    """A usage error, also for programs that call the library."""
    with pytest.raises(UsageProblem, match=option):
        make()


def test_outputs_may_go_nowhere() -> None:
    """`/dev/null` is no file that could be overwritten."""
    nowhere = Path("/dev/null")
    assert settings(results=nowhere, rejects=nowhere).results == nowhere


def test_maxima_are_allowed() -> None:
    """The bounds themselves are no error."""
    assert Requests(chunk_size=10_000, overlap=30_000).limits.items == 10_000
    assert Requests("sync", chunk_size=5000, overlap=1).limits.items == 5000
    assert Requests().limits.items == 10_000
    assert Requests("sync").limits.items == 5000


def test_a_chunk_is_never_more_than_a_limit_lets_through() -> None:
    """A request of 10,000 items could never be sent at 1,000 a minute."""
    pacing = Pacing(rate=Window(1000, 4.0, "s"), daily_limit=700)
    assert settings(pacing=pacing).limits.items == 700
    assert settings(pacing=Pacing(rate=None, daily_limit=None)).limits.items == 10_000


def test_grouping_into_suites_settles_what_travels() -> None:
    """By number or by blank line; else the input tells."""
    assert settings(requests=Requests(suite_size=3)).travel_kind == "task-suites"
    assert settings(reading=ReadOptions(suites_by_blank_line=True)).travel_kind == "task-suites"
    assert settings().travel_kind is None


@pytest.mark.parametrize(
    "text",
    [
        "21",
        " 21\n",
        "https://platform.toloka.ai/requester/project/1/pool/21",
        "https://platform.toloka.ai/requester/project/1/pool/21/",
        "https://platform.toloka.ai/requester/project/1/pool/21?tab=tasks",
        "https://platform.sandbox.toloka.ai/requester/project/1/pool/21#x",
        "https://toloka.dev/api/v1/pools/21",
        "https://platform.toloka.ai/requester/project/1/training/21",
    ],
)
def test_a_pool_is_named_by_number_or_web_address(text: str) -> None:
    """People copy what their browser shows."""
    assert pool_id(text) == "21"


@pytest.mark.parametrize(
    "text", ["", "abc", "21a", "-21", "2 1", "٢١", "https://toloka.dev/pool/x"]
)
def test_what_names_no_pool_is_refused(text: str) -> None:
    """Before it becomes part of a path."""
    with pytest.raises(UsageProblem, match="--pool"):
        pool_id(text)


# From options and environment.


def target(**changes: Any) -> Target:
    """A target from options."""
    values: dict[str, Any] = {
        "env": "production",
        "url": None,
        "account": None,
        "token_file": None,
        "environ": {},
    }
    return configure.target(**{**values, **changes})


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_environment_has_its_address(env: str) -> None:
    """And is known by its name."""
    found = target(env=env)
    assert (found.url, found.env) == (ENVIRONMENTS[env], env)


def test_an_unknown_environment_names_those_there_are() -> None:
    """A slip of the pen must not go to production."""
    with pytest.raises(UsageProblem, match="production, sandbox, yandex-tasks, local"):
        target(env="prod")


def test_the_local_emulator_has_no_address_and_needs_no_token() -> None:
    """It is inside the program; a token in the environment is not looked at."""
    with pytest.raises(UsageProblem, match="--url"):
        target(env="local", url="http://127.0.0.1:8080")
    assert target(env="local", environ={"TOLOKA_TOKEN": "x"}).authorization is None


def test_a_token_file_goes_before_the_variable(tmp_path: Path) -> None:
    """The more explicit of the two."""
    path = tmp_path / "token"
    path.write_text("from-file\n")
    environ = {"TOLOKA_TOKEN": "from-variable"}
    assert target(environ=environ, token_file=path).authorization == "OAuth from-file"
    assert target(environ=environ).authorization == "OAuth from-variable"
    assert target(environ={"TOLOKA_TOKEN": " \n"}).authorization is None


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_token_file_without_a_token_is_denied(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, or no text: exit 77, naming the file."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Denied, match="token"):
        target(token_file=path)


def test_a_token_file_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    """A warning, for mode bits are not all there is to who can read."""
    path = tmp_path / "token"
    path.touch(mode=0o600)
    assert not configure.open_to_others(path)
    path.chmod(0o640)
    assert configure.open_to_others(path)
    assert not configure.open_to_others(tmp_path / "missing")
    assert not configure.open_to_others(None)


def test_state_lives_where_it_was_told_or_where_the_platform_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument goes before the variable, and both before the user's state directory."""
    monkeypatch.setenv("TOLOKA_UPLOAD_STATE_DIR", "named")
    assert configure.state_dir(tmp_path) == tmp_path
    assert configure.state_dir(None) == Path("named")
    monkeypatch.delenv("TOLOKA_UPLOAD_STATE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert configure.state_dir(None).is_relative_to(tmp_path)
