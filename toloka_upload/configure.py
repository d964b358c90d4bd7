"""From what a user gives (options, environment, files) to what the core takes. Knows neither typer nor the network."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from toloka_upload.api.redaction import remember
from toloka_upload.api.target import ENVIRONMENTS, Target, authorization, base_url, requester
from toloka_upload.errors import Denied, UsageProblem

T = TypeVar("T")

_LONGEST_TOKEN = 16_384
"""Characters; servers take no longer headers. A device that never ends is noticed, too."""

TOKEN_COMMAND_SECONDS = 120.0
"""How long a token command may take: somebody may have to find a passphrase."""


def target(
    env: str,
    url: str | None,
    account: str | None,
    token_file: Path | None,
    environ: Mapping[str, str],
    token_command: str | None = None,
) -> Target:
    """
    The API to speak to, and as whom.

    Args:
        env: `production`, `sandbox`, `yandex-tasks` or `local`.
        url: Another address; None: the environment's.
        account: The requester to act for.
        token_file: A file that holds the token; it goes before the next two.
        environ: Where `TOLOKA_TOKEN` is looked up.
        token_command: A command that prints the token; it goes before `TOLOKA_TOKEN`.

    Raises:
        UsageProblem: There is no such environment, or the address, the account or the token cannot be used.
        Denied: The token file cannot be read, or the command fails.
    """
    if env not in ENVIRONMENTS:
        raise UsageProblem(f"--env {env!r}: choose one of {', '.join(ENVIRONMENTS)}.")
    if env == "local" and url:
        raise UsageProblem("--env local is the emulator inside the program; it takes no --url.")
    address = base_url(url) if url else ENVIRONMENTS[env]
    account = requester(account) if account else None
    if env == "local":
        return Target(address, env, account)
    if token_file:
        secret = _read_token(token_file)
    elif token_command:
        secret = _ask_for_token(token_command)
    else:
        secret = environ.get("TOLOKA_TOKEN", "")
    if not secret.strip():
        return Target(address, env, account)
    remember(secret)
    return Target(address, env, account, authorization(secret))


def target_of_run(
    endpoint: str,
    run_account: str,
    env: str,
    url: str | None,
    account: str | None,
    token_file: Path | None,
    environ: Mapping[str, str],
) -> Target:
    """
    The API that a past run spoke to. Where nothing else is named, the run says where that is.

    Args:
        endpoint: The run's.
        run_account: The requester it acted for, or "".

    Raises:
        UsageProblem: Another API is named than the run's.
        Denied: The token file cannot be read.
    """
    if env == "production" and not url:
        names = [name for name, address in ENVIRONMENTS.items() if endpoint in (name, address)]
        env, url = (names[0], None) if names else (env, endpoint)
    found = target(env, url, account or run_account or None, token_file, environ)
    if found.endpoint != endpoint or (found.account or "") != run_account:
        raise UsageProblem(
            f"The run went to {endpoint}{_for(run_account)}, not to {found.shown}{_for(found.account or '')}. "
            "Leave out --env, --url and --account: the run knows."
        )
    return found


def _for(account: str) -> str:
    return f" for account {account}" if account else ""


def state_dir(path: Path | None) -> Path:
    """Where state lives: as told, else as `TOLOKA_UPLOAD_STATE_DIR` says, else the platform's own place."""
    named = os.environ.get("TOLOKA_UPLOAD_STATE_DIR")
    if path is None and named:
        return Path(named)
    if path:
        return path
    import platformdirs

    return platformdirs.user_state_path("toloka-upload", appauthor=False)


def read(option: str, text: str | None, reader: Callable[[str], T]) -> T | None:
    """
    An option's value, read; None where it was not given.

    Raises:
        UsageProblem: It cannot be read; names the option.
    """
    if text is None:
        return None
    try:
        return reader(text)
    except ValueError as error:
        raise UsageProblem(f"{option}: {error}") from error


def open_to_others(path: Path | None) -> bool:
    """Whether others on this machine may read a token file."""
    if path is None:
        return False
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _read_token(path: Path) -> str:
    try:
        with path.open() as file:
            text = file.read(_LONGEST_TOKEN + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Denied(
            f"The token file {path} cannot be read: {reason}.", code="TOKEN_MISSING"
        ) from error
    if not text.strip() or len(text) > _LONGEST_TOKEN:
        what = "is empty" if not text.strip() else "is too long to hold only a token"
        raise Denied(f"The token file {path} {what}.", code="TOKEN_MISSING")
    return text


def _ask_for_token(command: str) -> str:
    """What a secret store's command prints. It may ask for a passphrase on the terminal; no shell is in between."""
    import shlex
    import subprocess

    try:
        asked = subprocess.run(  # noqa: S603  # the user's own command, as the user wrote it
            shlex.split(command), stdout=subprocess.PIPE, check=True, timeout=TOKEN_COMMAND_SECONDS
        )
        text = asked.stdout.decode()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Denied(
            f"The token command {command!r} failed: {_why(error)}.", code="TOKEN_MISSING"
        ) from error
    if not text.strip():
        raise Denied(f"The token command {command!r} printed nothing.", code="TOKEN_MISSING")
    return text


def _why(error: Exception) -> str:
    """What went wrong with a command, without what it printed."""
    status = getattr(error, "returncode", None)
    if status is not None:
        return f"exit status {status}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "it printed no text" if isinstance(error, UnicodeDecodeError) else str(error)
