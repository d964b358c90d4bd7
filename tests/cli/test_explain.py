"""`explain`: every code that can be printed has its entry, and every entry a code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import ROOT, Cli

from toloka_upload.emulator.codes import CODES
from toloka_upload.errors import ExitStatus
from toloka_upload.explanations import EXPLANATIONS, GROUPS, STATUSES, explanation_of

PACKAGE = ROOT / "toloka_upload"
LOOKS_LIKE_A_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
WORD = re.compile(r"[A-Z][A-Z0-9_]+")
NO_CODES = frozenset(
    {
        *("NO_COLOR", "SSL_CERT_FILE", "DEFAULT_MAP", "GOES_ON"),
        *("POOL_OPEN", "TRAINING_OPEN"),  # types of entries in an operation's log
        *("HTTP_",),
    }
)
"""Literals that look like codes and are none: variables, names of other things."""
OF_THE_API_ALONE = frozenset(
    {
        *("VALUES_REQUIRED", "UUID_EXPECTED", "INVALID_DATE_SYNTAX", "INVALID_DATE_TIME_SYNTAX"),
        *("DATE_OUT_OF_RANGE", "INVALID_REGEX_SYNTAX", "STRING_LENGTH_OUT_OF_BOUNDS"),
        *("BLANK_STRING_NOT_ALLOWED", "NAME_LENGTH_LESS_THAN_MIN", "CHARACTER_NOT_ALLOWED"),
        *("VALUE_OUT_OF_BOUNDS", "ARRAY_SIZE_OUT_OF_BOUNDS", "ENTITY_DOES_NOT_EXIST"),
        *("ENTITY_ACCESS_DENIED", "EMPTY_OBJECT_NOT_ALLOWED", "NOT_NULL_BODY"),
        *("MAX_ONE_PROPERTY_ALLOWED", "UNKNOWN_ENUM_VALUE", "BILLING_NOT_SYNCHRONIZED"),
        *("OAUTH_AUTHENTICATION_ERROR", "NOT_ACCEPTABLE"),
    }
)
"""Codes that its documents and SDKs name, and that only a server says."""


def modules() -> Iterator[ast.Module]:
    """The program's modules, without the emulator and the table itself."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if not {"emulator", "explanations"} & set(path.relative_to(PACKAGE).parts):
            yield ast.parse(path.read_text("utf-8"))


def literals(tree: ast.AST) -> Iterator[str]:
    """Its texts, without docstrings, metavars and names of variables."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("metavar", "variable"):
            skipped.add(id(node.value))
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in skipped:
            yield text


def named_codes(tree: ast.AST) -> Iterator[str]:
    """Codes of a single word: what is handed over as `code`, to a `Fault`, or to an error of the API."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        place = {"Fault": 1, "AnswerLost": 0, "ConnectionFailed": 0, "ApiError": 0}.get(name)
        found = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        found += [] if place is None else node.args[place : place + 1]
        for value in found:
            if isinstance(value, ast.Constant) and value.value:
                yield str(value.value)


def test_every_code_in_the_program_is_explained() -> None:
    """No code can be printed that `explain` does not know."""
    found = set()
    for tree in modules():
        found |= {text for text in literals(tree) if LOOKS_LIKE_A_CODE.fullmatch(text)}
        found |= set(named_codes(tree))
    found = {text for text in found if not text.startswith("TOLOKA_")} - NO_CODES
    assert len(found) > 80
    assert {code for code in found | set(CODES) if explanation_of(code) is None} == set()


def test_every_explanation_is_of_a_code_that_is_there() -> None:
    """What nobody says any more is not explained."""
    said = {text for tree in modules() for text in literals(tree) if WORD.fullmatch(text)}
    said |= {"SIGINT", "SIGTERM", "SIGHUP", "HTTP_NNN"}  # named by number, or by pattern
    assert set(EXPLANATIONS) - said - set(CODES) == OF_THE_API_ALONE
    assert not OF_THE_API_ALONE & said, "no longer of the API alone"


def test_no_code_is_explained_twice() -> None:
    """Each belongs to one group."""
    assert sum(map(len, GROUPS.values())) == len(EXPLANATIONS)


@pytest.mark.parametrize("status", list(ExitStatus))
def test_every_exit_status_is_explained_by_number_and_by_name(status: ExitStatus) -> None:
    """Also the names that errors without a code of their own have."""
    for name in (str(int(status)), status.name, status.reason.replace(" ", "-")):
        found = explanation_of(name)
        assert found is not None
        if name.upper().replace("-", "_") not in EXPLANATIONS:
            assert found[1] in (STATUSES[status], STATUSES[ExitStatus.INTERRUPTED])


def test_each_explanation_is_made_of_sentences() -> None:
    """A cause in one sentence, an example, a fix: none is empty."""
    for code, (cause, example, fix) in {**EXPLANATIONS, **STATUSES}.items():
        assert cause.endswith("."), code
        assert fix.endswith((".", "?")) or '"' in fix, code
        assert example, code


def test_a_code_is_explained(cli: Cli) -> None:
    """In three lines; in any spelling; for programs."""
    ended = cli("explain", "value-required")
    assert ended.status == 0
    assert ended.out.splitlines()[0].startswith("VALUE_REQUIRED: A field that the project requires")
    assert len(ended.out.splitlines()) == 3
    assert cli("explain", "HTTP_502").out.startswith("HTTP_502: ")
    record = json.loads(cli("explain", "75", "--json").out)
    assert record.keys() == {"code", "cause", "example", "fix"}
    assert record["code"] == "75 try again"


def test_without_a_code_all_are_listed_a_line_each(cli: Cli) -> None:
    """Codes and exit statuses."""
    out = cli("explain").out
    assert len(out.splitlines()) == len(EXPLANATIONS) + len(STATUSES) + len(GROUPS) + 1
    assert len(json.loads(cli("explain", "--json").out)) == len(EXPLANATIONS) + len(STATUSES)


def test_an_unknown_code_brings_a_suggestion(cli: Cli) -> None:
    """Status 2, and what may have been meant."""
    ended = cli("explain", "VALUE_REQUIERD")
    assert ended.status == 2
    assert "VALUE_REQUIRED" in ended.err
    assert "REJECTS_EXIST" in cli("explain", "rejects").out + cli("explain", "reject exist").err
    assert "lists them" in cli("explain", "qwertz").err


def test_every_command_is_one_that_a_file_may_be_called_like() -> None:
    """The list of commands that `./` keeps files apart from."""
    import typer

    from toloka_upload.cli.app import app
    from toloka_upload.report.command_line import COMMANDS

    assert typer.main.get_command(app).commands.keys() == COMMANDS  # type: ignore[attr-defined]


def test_the_documents_list_no_code_that_is_not_explained() -> None:
    """Pages and README."""
    text = "".join(
        Path(path).read_text("utf-8")
        for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    )
    words = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text))
    words = {word for word in words if not word.startswith(("TOLOKA_", "POOL_OPEN"))}
    others = {"SSL_CERT_FILE", "NO_COLOR", "TASK_CREATE", "TASK_VALIDATE", "ALL_PROXY", "NO_PROXY"}
    assert {word for word in words - others if explanation_of(word) is None} == set()
