"""What is imported when: a command's start must not wait for what it does not use."""

from __future__ import annotations

import re
import subprocess
import sys

HEAVY = {
    "asyncio",
    "email",
    "hashlib",
    "httpx",
    "importlib.metadata",
    "json",
    "orjson",
    "platformdirs",
    "rich",
    "sqlite3",
    "ssl",
    "tenacity",
    "tomllib",
    "xml.etree.ElementTree",
    "zipfile",
}


def imported(*arguments: str) -> set[str]:
    """The modules that a command imports."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "toloka_upload", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return set(re.findall(r"^import time:.*\|\s+(\S+)$", run.stderr, re.MULTILINE))


def test_help_imports_nothing_heavy() -> None:
    """`--help` and the completion of a shell answer at once: a set of modules, never a number of milliseconds."""
    found = imported("--help")
    assert "toloka_upload.cli.upload" in found
    assert found & HEAVY == set()


def test_a_wrong_command_line_imports_nothing_heavy() -> None:
    """Nor does a slip of the pen."""
    assert imported("--no-such-option", "file") & HEAVY == set()


def test_the_api_of_the_package_imports_nothing_by_itself() -> None:
    """`import toloka_upload` is free; what is asked for comes when it is asked for."""
    code = "import sys, toloka_upload; print(*sorted(sys.modules)); toloka_upload.Settings"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert HEAVY & set(run.stdout.split()) == set()


def test_httpx_is_imported_in_one_place() -> None:
    """So that another client can take its place."""
    from pathlib import Path

    import toloka_upload

    root = Path(toloka_upload.__file__).parent
    importing = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"^\s*(import|from) httpx", path.read_text(), re.MULTILINE)
    }
    assert importing == {"api/client.py"}
