"""The configuration file, `toloka-upload.toml`: the project's (in the working directory), then the user's.

    env = "sandbox"
    token-command = "pass show toloka/sandbox"

    [profile.prod]
    env = "production"
    pool = 12345

A key is an option by its long name. What a profile says goes before what stands outside of it, and the project's file
before the user's. Knows neither typer nor which options there are: those are handed in.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from toloka_upload.errors import UsageProblem

NAME = "toloka-upload.toml"
_TRUSTED = frozenset({"url", "token-command"})
"""Keys that say where the token goes, or what is run: nobody else may have written them."""


class Value(NamedTuple):
    """What a file says of an option. Of two, that of the higher `rank` holds."""

    key: str
    value: Any
    path: Path
    profile: str | None
    rank: int

    @property
    def source(self) -> str:
        """Where it stands, in words."""
        return f"{self.path}, profile {self.profile}" if self.profile else str(self.path)


def paths() -> list[Path]:
    """The files that may be there, the one that goes first first."""
    import platformdirs

    user = platformdirs.user_config_path("toloka-upload", appauthor=False)
    return [Path(NAME), user / NAME]


def read_values(profile: str | None, keys: Collection[str]) -> list[Value]:
    """
    What the files say, the weakest first.

    Args:
        profile: The profile that is asked for; None: what stands outside of profiles is all.
        keys: The options' long names, without their dashes.

    Raises:
        UsageProblem: A file cannot be read, has a key that is no option, or may not be trusted; or no file has the
            profile.
    """
    files = [(path, _read(path, keys)) for path in reversed(paths()) if path.exists()]
    known = sorted({name for _, content in files for name in content["profile"]})
    if profile is not None and profile not in known:
        there = f"There are {', '.join(known)}." if known else f"No {NAME} has any."
        raise UsageProblem(f"There is no profile {profile!r}. {there}{_similar(profile, known)}")
    layers: list[tuple[Path, str | None, dict[str, Any]]]
    layers = [(path, None, content) for path, content in files]
    layers += [(path, profile, content["profile"].get(profile, {})) for path, content in files]
    return [
        Value(key, value, path, name, rank)
        for rank, (path, name, layer) in enumerate(layers)
        for key, value in layer.items()
        if key != "profile"
    ]


def profiles() -> list[str]:
    """The names of all profiles, for the completion of a shell: what cannot be read has none."""
    found: set[str] = set()
    for path in paths():
        try:
            found.update(_parsed(path).get("profile", {}))
        except (OSError, ValueError, AttributeError, TypeError):
            continue
    return sorted(found)


def _read(path: Path, keys: Collection[str]) -> dict[str, Any]:
    """A file's content, each key an option, `profile` a table of tables."""
    try:
        content = _parsed(path)
    except (OSError, ValueError) as error:  # TOML and UTF-8 errors are ValueErrors
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageProblem(f"{path} cannot be read: {reason}.") from error
    tables = content.pop("profile", {})
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise UsageProblem(f"{path}: profiles are tables, such as [profile.prod].")
    found = _checked(content, str(path), keys)
    found["profile"] = {
        name: _checked(table, f"{path}: profile {name}", keys) for name, table in tables.items()
    }
    said = {key for layer in (found, *found["profile"].values()) for key in layer}
    if said & _TRUSTED and not _is_ours(path):
        raise UsageProblem(
            f"{path} says {' and '.join(sorted(said & _TRUSTED))}, but others may have written it: it must be "
            f"your own file, and writable by nobody else (chmod go-w {path})."
        )
    return found


def _checked(table: Mapping[str, Any], where: str, keys: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for written, value in table.items():
        key = written.replace("_", "-")
        if key not in keys:
            raise UsageProblem(f"{where}: {written} is no option.{_similar(key, keys)}")
        if key in found:
            raise UsageProblem(f"{where}: {key} stands there twice.")
        found[key] = value
    return found


def _parsed(path: Path) -> dict[str, Any]:
    import tomllib

    with path.open("rb") as file:
        return tomllib.load(file)


def _is_ours(path: Path) -> bool:
    found = path.stat()
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & stat.S_IWOTH


def _similar(name: str, names: Collection[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    return f" Did you mean {close[0]}?" if close else ""
