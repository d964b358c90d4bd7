"""The summary for people: what happened, where to look, what to do next."""

from __future__ import annotations

import pytest
from display_runs import HOSTILE, report

from toloka_upload.errors import ExitStatus
from toloka_upload.report.command_line import CommandLine
from toloka_upload.report.next_step import next_steps
from toloka_upload.report.summary import ErrorGroup, Report, RunError
from toloka_upload.report.text import GROUPS_SHOWN, headline, summary_text


def group(count: int, code: str = "VALUE_REQUIRED") -> ErrorGroup:
    """Return a group of faults."""
    message = "Value must be present"
    return ErrorGroup(code, "input_values.image", count, "tasks.jsonl", 418, message)


def test_a_finished_upload_in_a_few_aligned_lines() -> None:
    """Headline and facts; nothing that is zero but rows read and created."""
    done = report(created=25_000)
    done.requests, done.retries, done.results = 51, 2, "results.jsonl"
    done.waited.rate_limit = 5.5
    done.bottleneck = {"name": "operations at the server", "share": 0.62}
    assert summary_text(done) == (
        "Uploaded 25,000 rows to pool 21.\n"
        "\n"
        "  file          tasks.jsonl\n"
        "  pool          21 at production\n"
        "  read          25,000\n"
        "  created       25,000\n"
        "  time          12.3 s, 2,026 rows/s\n"
        "  requests      51, 2 of them retries\n"
        "  waited        6 s for rate limits\n"
        "  held back by  operations at the server (62 % of the time)\n"
        "  results       results.jsonl\n"
    )


def test_rejected_rows_are_grouped_and_the_way_to_fix_them_is_told() -> None:
    """Count, first place and message of each kind; where the rejects are and what to do."""
    done = report(ExitStatus.REJECTED, created=88, rejected=12)
    done.errors = [group(10), group(2, "OTHER")]
    done.rejects_files = ["tasks.rejects.jsonl"]
    done.seconds = 0.0
    assert summary_text(done) == (
        "Finished: 88 of 100 rows are in pool 21, 12 rows were rejected.\n"
        "\n"
        "  file      tasks.jsonl\n"
        "  pool      21 at production\n"
        "  read      100\n"
        "  created    88\n"
        "  rejected   12\n"
        "  time      0.0 s\n"
        "  rejects   tasks.rejects.jsonl\n"
        "\n"
        "Rejected rows, the first of each kind\n"
        "  10 x  tasks.jsonl:418: input_values.image: VALUE_REQUIRED: Value must be present\n"
        "        Give the field a value in each row, or make it optional in the project.\n"
        "   2 x  tasks.jsonl:418: input_values.image: OTHER: Value must be present\n"
        "\n"
        "Next: fix the rows in tasks.rejects.jsonl (tasks.rejects.jsonl.errors.jsonl says why)"
        " and upload that file.\n"
    )


def test_an_error_is_told_in_three_parts_with_what_support_asks_for() -> None:
    """What happened, where, what to do; the API's code and request id."""
    done = report(ExitStatus.REFUSED, unsent=3)
    done.error = RunError("ARCHIVED", "pool 21 is archived\nat toloka.dev\nclone it", "req-1")
    text = summary_text(done)
    assert text.startswith(
        "Nothing was sent: pool 21 is archived\n  at toloka.dev\n  clone it"
        " (code ARCHIVED, request id req-1)\n"
    )
    assert "  unsent   3\n" in text


def test_a_finished_file_says_so() -> None:
    """The second run of the same command is a success that did nothing."""
    assert headline(report(already_uploaded=25)) == (
        "Nothing left to do: all 25 rows reached pool 21 in an earlier upload."
    )
    assert headline(report()) == "Nothing to upload: the input has no rows."


@pytest.mark.parametrize("status", [status for status in ExitStatus if status is not ExitStatus.OK])
def test_every_exit_status_has_a_headline_and_a_next_step(status: ExitStatus) -> None:
    """Whoever reads the summary knows what to do next."""
    done = report(status, rejected=1, unsent=1)
    text = summary_text(done)
    assert len(headline(done)) > len("Nothing was sent: .")
    assert "\nNext: " in text
    assert text.endswith((".\n", "\n  toloka-upload --help-all\n"))
    assert "{" not in text


def test_what_was_sent_is_not_called_nothing() -> None:
    """A run that breaks off in the middle does not claim to have sent nothing."""
    for status in (ExitStatus.TRY_AGAIN, ExitStatus.REFUSED, ExitStatus.BUG, ExitStatus.DENIED):
        assert "othing was sent" in headline(report(status, unsent=2))
        assert "othing was sent" not in headline(report(status, created=1, unsent=2))


def test_bad_rows_that_stopped_everything_name_both_ways_out() -> None:
    """Fix them, or send the good ones; where there are no good ones, nobody is told to send them."""
    done = report(ExitStatus.BAD_INPUT, rejected=3, unsent=97)
    assert headline(done) == "Nothing was sent: 3 rows failed the check."
    assert [step.words for step in next_steps(done, None)] == [
        "fix these rows and run the same command again",
        "or send the good rows now, with --skip-invalid-items",
    ]
    assert len(next_steps(report(ExitStatus.BAD_INPUT, rejected=3), None)) == 1


def test_a_dry_run_prints_its_plan() -> None:
    """Rows by kind, requests, bytes, time under the quotas, a row as sent, warnings."""
    done = report(unsent=25_000)
    done.dry_run, done.seconds = True, 0.4
    done.plan = {
        "rows": {"general": 24_000, "control": 1_000, "training": 0},
        "suites": None,
        "chunks": 3,
        "requests": 3,
        "bytes": 2_812_345,
        "seconds": 15.0,
        "first": {"file": "tasks.jsonl", "line": 1, "sent": '{"pool_id":"21"}'},
        "last": {"file": "tasks.jsonl", "line": 25_000, "sent": '{"pool_id":"21","x":1.10}'},
        "warnings": ["column 'imge' is not in the input spec"],
    }
    assert summary_text(done) == (
        "Dry run: 25,000 rows checked, nothing was sent.\n"
        "\n"
        "  file  tasks.jsonl\n"
        "  pool  21 at production\n"
        "  read  25,000\n"
        "  time  0.4 s\n"
        "\n"
        "Plan\n"
        "  tasks     24,000 general, 1,000 control\n"
        "  chunks    3\n"
        "  requests  3\n"
        "  bytes     2,812,345\n"
        "  time      at least 15 s under the quotas\n"
        "First row as sent (tasks.jsonl:1):\n"
        '  {"pool_id":"21"}\n'
        "Last row as sent (tasks.jsonl:25000):\n"
        '  {"pool_id":"21","x":1.10}\n'
        "warning: column 'imge' is not in the input spec\n"
        "\n"
        "Next: upload without --dry-run.\n"
    )


def test_many_kinds_of_errors_are_cut_and_counted() -> None:
    """The terminal gets the most frequent; `--json` has all."""
    done = report(ExitStatus.REJECTED, rejected=99)
    done.errors = [group(1, f"CODE_{number}") for number in range(GROUPS_SHOWN + 3)]
    assert summary_text(done).count("CODE_") == GROUPS_SHOWN
    assert "  and 3 more kinds\n" in summary_text(done)


def hostile_report(status: ExitStatus) -> Report:
    """Return a report, every text in it hostile."""
    bad = HOSTILE
    done = report(status, created=1, rejected=1)
    done.env = done.url = done.run_id = done.results = bad
    done.rejects_files = [bad]
    done.pools = done.files = [bad, bad]
    done.errors = [ErrorGroup(bad, bad, 1, bad, 1, bad)]
    done.error = RunError(bad, bad, bad)
    done.bottleneck = {"name": bad, "share": 0.5}
    sample = {"file": bad, "line": 1, "sent": bad}
    done.plan = {"rows": {"general": 1}, "first": sample, "last": sample, "warnings": [bad]}
    return done


@pytest.mark.parametrize("status", list(ExitStatus))
def test_hostile_texts_are_printed_as_text(status: ExitStatus) -> None:
    """Escape sequences and braces in names, messages and plans are shown, not obeyed."""
    assert not set(summary_text(hostile_report(status))) & set("\x1b\x07\x9b\r\u202e\udc80")


def test_a_failure_before_the_first_row_is_told_in_three_lines() -> None:
    """What happened, and what to do: no table of zeros, nothing that held a run back that did nothing."""
    done = report(ExitStatus.DENIED)
    done.error = RunError("TOKEN_MISSING", "There is no token.")
    done.bottleneck, done.requests = {"name": "the network", "share": 0.5}, 2
    command = CommandLine(("toloka-upload",), (("--pool", "21"),), ("tasks.jsonl",))
    assert summary_text(done, command) == (
        "Nothing was sent: There is no token. (code TOKEN_MISSING)\n"
        "Next: set TOLOKA_TOKEN, or --token-file, to a token for production that may create tasks, and run the same"
        " command again:\n"
        "  toloka-upload --pool 21 tasks.jsonl\n"
    )
    assert summary_text(report()) == "Nothing to upload: the input has no rows.\n"


@pytest.mark.parametrize("status", [status for status in ExitStatus if status is not ExitStatus.OK])
def test_what_ended_a_run_is_said_once(status: ExitStatus) -> None:
    """Not as a headline and as an error; and what the message names already is not added."""
    for counts in ({}, {"unsent": 3}, {"created": 1, "unsent": 2}):
        done = report(status, **counts)
        done.error = RunError(
            "ODD_CODE", "GET /pools/21: something odd (request_id req-1)", "req-1"
        )
        text = summary_text(done)
        assert text.count("something odd") == (
            0 if "INT" in status.name or "TERM" in status.name else 1
        )
        assert text.count("req-1") <= 1
        assert text.count("Nothing was sent") + text.count("Stopped: ") <= 1


def test_only_a_run_that_sent_something_was_held_back() -> None:
    """Where nothing was sent, nothing was slow."""
    done = report(ExitStatus.BAD_INPUT, rejected=1, unsent=2)
    done.bottleneck = {"name": "the network", "share": 0.5}
    assert "held back" not in summary_text(done)
    done.operations.submitted = 1
    assert "held back" in summary_text(done)


def test_colour_only_wraps_our_own_words() -> None:
    """Without colour there is no escape sequence; with it, the same text between styles."""
    done = report(ExitStatus.REJECTED, created=1, rejected=1)
    done.errors = [group(1)]
    coloured = summary_text(done, colour=True)
    assert coloured.startswith("\x1b[1;33mFinished: ")
    for code in ("1;33", "1", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == summary_text(done)
