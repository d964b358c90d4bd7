"""`verify`: each difference between a pool and the rows is found, and nothing else is one."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from account_runs import (
    STATE,
    Tampered,
    adopt,
    ask,
    counts,
    elsewhere,
    forget,
    general,
    golden,
    upload,
    verify,
    verify_files,
    write,
)
from input_runs import Answer, Service, world

from toloka_upload.account.comparison import Comparison
from toloka_upload.report.account import AccountReport
from toloka_upload.run.history import last_upload

ROWS = [general(number) for number in range(1000)]


def ids(service: Service, pool: int = 21, kind: str = "tasks") -> list[str]:
    """The ids of a pool's items in the order of the rows."""
    found = {}
    for item in service.pool(pool, kind):
        task = item["tasks"][0] if kind == "task-suites" else item
        found[int(task["input_values"]["image"].rpartition("/")[2])] = item["id"]
    return [found[number] for number in sorted(found)]


BOTH = pytest.mark.parametrize(
    "ask", [verify, lambda api: verify_files(api, None)], ids=["run", "files"]
)
Ask = Callable[[Any], AccountReport]


@BOTH
def test_what_was_uploaded_is_the_same(service: Service, ask: Ask) -> None:
    """Exit 0, all rows same, none doubled."""
    upload(service, [*ROWS, golden(1), general(1, overlap=7)])
    report = ask(service)
    assert (report.exit_status, counts(report)) == (0, {"rows": 1002, "same": 1002})


@BOTH
def test_a_missing_task_is_missing(service: Service, ask: Ask) -> None:
    """Exit 1. So is one that was taken back: nobody will ever work on it."""
    upload(service, ROWS)
    api = Tampered(service)
    lost = ids(service)
    api.hidden = {lost[3], lost[700]}
    api.edits = {lost[4]: {"overlap": 0, "remaining_overlap": 0, "infinite_overlap": False}}
    report = ask(api)
    assert (report.exit_status, counts(report)) == (1, {"rows": 1000, "same": 997, "missing": 3})


@BOTH
def test_a_changed_task_is_changed(service: Service, ask: Ask) -> None:
    """Exit 1; what is different is told, field by field: ours and theirs."""
    upload(service, ROWS)
    api = Tampered(service)
    item = ids(service)[5]
    api.edits = {item: {"input_values": {"image": "https://example.com/x", "text": "new"}}}
    report = ask(api)
    assert (report.exit_status, counts(report)) == (1, {"rows": 1000, "same": 999, "changed": 1})
    # One item is asked for by itself, and the emulator tells the truth then.
    assert report.details == [f"changed: a.jsonl:6: {item}: other content"]


@BOTH
def test_changed_solutions_are_a_change(service: Service, ask: Ask) -> None:
    """The API lets anyone change them: they are compared with the rows."""
    upload(service, [golden(1), general(2), golden(3)])
    one, two, _ = ids(service)
    for item in (one, two):
        service(
            "PATCH",
            f"/api/v1/tasks/{item}",
            {},
            {"content-type": "application/json"},
            json.dumps({"known_solutions": [{"output_values": {"result": "BAD"}}]}).encode(),
        )
    report = ask(service)
    assert counts(report) == {"rows": 3, "same": 1, "changed": 2}
    text = "\n".join(report.details)
    assert (
        'known_solutions: ours [{"correctness_weight":1,"output_values":{"result":"OK"}}]' in text
    )
    assert "known_solutions: ours nothing" in text


def test_a_file_that_is_gone_leaves_solutions_uncompared(service: Service) -> None:
    """The journal knows a row's input values, not its solutions: what cannot be compared is no difference."""
    upload(service, [golden(1)])
    Path("a.jsonl").unlink()
    assert counts(verify(service)) == {"rows": 1, "same": 1}


def test_a_row_that_is_twice_in_the_pool_is_doubled(service: Service) -> None:
    """Whoever doubled it; both ids are told."""
    upload(service, ROWS)
    (twin,) = elsewhere(service, [general(7)])
    report = verify_files(service, None)
    assert (report.exit_status, counts(report)) == (1, {"rows": 1000, "same": 1000, "doubled": 1})
    first = ids(Tampered_without(service, twin))[7]
    assert set(report.details[0].split()) >= {twin, first}


def Tampered_without(service: Service, item: str) -> Any:  # noqa: N802
    """The service's pool without an item."""

    class Without:
        def pool(self, number: int, kind: str) -> list[Any]:
            return [found for found in service.pool(number, kind) if found["id"] != item]

    return Without()


def test_a_task_of_nobody_is_extra(service: Service) -> None:
    """It is counted; a difference it is only with `exact`."""
    upload(service, ROWS[:10])
    elsewhere(service, [general(5000), general(5001)])
    for exact, status in ((False, 0), (True, 1)):
        report = verify_files(service, None, exact=exact)
        assert (report.exit_status, counts(report)) == (
            status,
            {"rows": 10, "same": 10, "extra": 2},
        )


def test_a_run_reads_what_it_created_and_no_more(service: Service) -> None:
    """Ranges of its ids; what others have in the pool costs no request unless `exact` asks for it."""
    elsewhere(service, [general(9000 + number) for number in range(2000)])
    upload(service, ROWS)
    api = Tampered(service)
    assert counts(verify(api)) == {"rows": 1000, "same": 1000}
    assert api.pages == 4  # 300 a page
    exact = verify(service, exact=True)
    assert (exact.exit_status, exact.counts["extra"]) == (1, 2000)


def test_the_pages_are_as_large_as_the_api_takes(make_service: Callable[..., Service]) -> None:
    """After a first one of 300, one page for the rest; that it is so is found once."""
    service = make_service(world(), list_limit=100_000)
    upload(service, [general(number) for number in range(5000)])
    api = Tampered(service)
    verify_files(api, None)
    assert api.pages < 10
    assert json.loads((STATE / "pages.json").read_text()) == {"local": 10_000}


def test_rows_known_from_before_are_rows_of_the_run(service: Service) -> None:
    """Also those that were adopted."""
    elsewhere(service, ROWS[:3])
    adopt(service)
    upload(service, ROWS[:6])
    upload(service, ROWS[:8])
    assert counts(verify(service)) == {"rows": 8, "same": 8}
    api = Tampered(service)
    api.hidden = set(ids(service)[:2])
    assert counts(verify(api)) == {"rows": 8, "same": 6, "missing": 2}


def test_a_page_that_cannot_be_read_is_no_difference(service: Service) -> None:
    """Its rows are unread, and the exit is 3."""
    upload(service, ROWS)
    api = Tampered(service)
    first = sorted(ids(service))[0]
    api.broken = lambda query: query.get("id_gte") == first
    report = verify(api)
    assert (report.exit_status, counts(report)) == (3, {"rows": 1000, "same": 700, "unread": 300})
    api.broken = lambda query: "id_gt" in query
    report = verify_files(api, None)
    assert report.exit_status == 3
    assert report.counts["missing"] == 0
    assert report.counts["same"] + report.counts["unread"] == 1000


def test_suites_are_compared_as_their_rows(service: Service) -> None:
    """A suite is there or not with all of its rows."""
    upload(service, ROWS[:9], pool="22", suite_size=3)
    assert counts(verify(service)) == {"rows": 9, "same": 9}
    assert counts(verify_files(service, None, "22", suite_size=3)) == {"rows": 9, "same": 9}
    api = Tampered(service)
    api.hidden = {service.pool(22, "task-suites")[0]["id"]}
    assert counts(verify(api)) == {"rows": 9, "same": 6, "missing": 3}


def test_files_are_verified_whoever_uploaded_them(service: Service) -> None:
    """No journal is needed; equal rows are counted, rows that are no JSON are in no pool."""
    elsewhere(service, [general(1), general(1), golden(2)])
    report = verify_files(service, [general(1), golden(2), general(1), general(3)])
    assert counts(report) == {"rows": 4, "same": 3, "missing": 1}
    write([general(1), general(1), golden(2)])
    with Path("a.jsonl").open("a") as file:
        file.write("no json\n")
    assert counts(verify_files(service, None)) == {"rows": 4, "same": 3, "missing": 1}


def test_the_combined_file_has_a_line_for_everything(service: Service) -> None:
    """In rclone's marks: mark, file and line, id, as far as there are."""
    upload(service, ROWS[:4])
    own = ids(service)
    twin, other = elsewhere(service, [general(0), general(77)])
    api = Tampered(service)
    api.hidden = {own[1]}
    api.edits = {own[2]: {"input_values": {"image": "https://example.com/else"}}}
    combined = io.StringIO()
    verify_files(api, None, combined=combined)
    lines = sorted(combined.getvalue().splitlines())
    doubled = {line for line in lines if line.startswith("- ")}
    assert f"- {other}" in doubled
    assert doubled & {f"- {twin}", f"- {own[0]}"}
    assert f"* a.jsonl:3 {own[2]}" in lines
    assert f"+ a.jsonl:2 {own[1]}" in lines
    assert f"= a.jsonl:4 {own[3]}" in lines
    assert len(lines) == 6


def test_a_sample_looks_at_a_share(service: Service) -> None:
    """Chosen by id, so that the same share is looked at again."""
    upload(service, [general(number) for number in range(6000)])
    one, other = verify(service, sample=0.3), verify(service, sample=0.3)
    assert counts(one) == counts(other)
    for share in (0.01, 0.05, 0.3, 0.5):
        looked_at = verify(service, sample=share).counts["rows"]
        assert abs(looked_at - share * 6000) <= share * 6000 / 10, share
    assert verify(service, sample=1e-9).counts["rows"] == 1  # never nothing


def test_quick_asks_the_operations(service: Service) -> None:
    """No item is read: one request for each operation."""
    upload(service, ROWS, chunk_size=500)
    api = Tampered(service)
    report = verify(api, quick=True)
    assert (counts(report), report.requests, api.pages) == ({"rows": 1000, "same": 1000}, 2, 0)


def test_verifying_changes_nothing(service: Service) -> None:
    """Neither the pool nor the journal; a run that is gone is an error."""
    upload(service, ROWS[:5])
    before, run = service.pool(), last_upload(STATE).id
    verify(service, exact=True)
    verify_files(service, None)
    assert (service.pool(), last_upload(STATE).id, len(service.bodies)) == (before, run, 1)
    forget()
    assert verify(service).exit_status == 73
    shutil.rmtree(STATE)
    with pytest.raises(Exception, match="no upload"):
        verify(service)


def test_a_pool_that_is_gone_is_refused(service: Service) -> None:
    """Exit 69."""
    assert verify_files(service, [general(1)], "99").exit_status == 69


def test_an_archived_pool_can_be_verified(make_service: Callable[..., Service]) -> None:
    """Nothing is to be created."""
    service = make_service(world(status="ARCHIVED"))
    assert counts(verify_files(service, [general(1)])) == {"rows": 1, "missing": 1}


def test_adopted_suites_are_verified_as_rows_of_the_run(service: Service) -> None:
    """Found by their tasks or as a whole, the pool has them."""
    suites = [{"tasks": [general(3 * n), general(3 * n + 1), golden(3 * n + 2)]} for n in range(4)]
    elsewhere(service, suites, "22", "task-suites")
    adopt(service, "22")
    upload(service, suites, pool="22")
    assert counts(verify(service)) == {"rows": 4, "same": 4}
    upload(service, [task for suite in suites for task in suite["tasks"]], pool="22", suite_size=3)
    assert counts(verify(service)) == {"rows": 12, "same": 12}
    api = Tampered(service)
    api.hidden = {service.pool(22, "task-suites")[1]["id"]}
    assert counts(verify(api)) == {"rows": 12, "same": 9, "missing": 3}


@pytest.mark.parametrize("which", [0, 1])
def test_of_equal_rows_one_whose_task_is_gone_is_missing(service: Service, which: int) -> None:
    """Whichever of their tasks somebody took back: the other one stands for one row, and nothing was changed."""
    rows = [general(1), general(1), general(2)]
    upload(service, rows)
    item = sorted(
        task["id"]
        for task in service.pool(21, "tasks")
        if task["input_values"]["image"].endswith("1")
    )[which]
    ask(
        service,
        "PATCH",
        f"/tasks/{item}/set-overlap-or-min",
        {"overlap": 0, "infinite_overlap": False},
    )
    assert counts(verify_files(service, None)) == {"rows": 3, "same": 2, "missing": 1}
    assert counts(verify(service)) == {"rows": 3, "same": 2, "missing": 1}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("1E16", 10**16, True),
        ("10000000000000000", 1e16, True),
        ("9007199254740992.0", 9007199254740992, True),
        ("1e18", 10**18, True),
        ("9007199254740993", 9007199254740992, False),
        ("12345678901234567890123", 12345678901234567890124, True),
        ("1.10", 1.1, True),
        ("1.10", 1.2, False),
    ],
)
def test_numbers_are_compared_by_value(
    make_service: Callable[..., Service], ours: str, theirs: float, *, same: bool
) -> None:
    """Whole ones of up to 64 bits exactly; all others as far as a server that keeps doubles returns them."""
    service = make_service(world({"n": {"type": "float", "required": True}}))
    elsewhere(service, [{"input_values": {"n": theirs}}])
    Path("a.jsonl").write_text('{"input_values":{"n":' + ours + "}}\n")
    report = verify_files(service, None)
    assert counts(report)["same" if same else "missing"] == 1


def test_a_listing_out_of_order_is_not_believed(make_service: Callable[..., Service]) -> None:
    """Read page by page it would lose items: unread, or an error, never missing or adopted in part."""
    service = make_service(list_limit=300)
    upload(service, ROWS[:700])
    api = Shuffled(service)
    found = verify_files(api, None)
    assert found.exit_status == 3
    assert set(counts(found)) <= {"rows", "unread", "same"}
    assert any("order of ids" in warning for warning in found.warnings)
    assert counts(verify(api)) == {"rows": 700, "same": 700}  # a page a range: whatever its order
    forget()
    report = adopt(api)
    assert (report.exit_status, report.error and report.error.code) == (69, "LISTING_NOT_SORTED")


class Shuffled(Tampered):
    """An API that turns the order of each page round."""

    def __call__(self, method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        """Answer one request."""
        status, answer_headers, answer = super().__call__(method, path, query, *rest)
        if method == "GET" and "pool_id" in query and status == 200:
            value = json.loads(answer)
            value["items"] = value["items"][::-1]
            answer = json.dumps(value).encode()
        return status, answer_headers, answer


def test_a_full_page_that_does_not_say_whether_there_are_more_is_not_the_last(
    service: Service,
) -> None:
    """An API without `has_more` is asked on until a page is not full."""

    def silent(method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        status, answer_headers, answer = service(method, path, query, *rest)
        if method == "GET" and "pool_id" in query and status == 200:
            answer = json.dumps({"items": json.loads(answer)["items"]}).encode()
        return status, answer_headers, answer

    upload(service, ROWS[:700])
    assert counts(verify_files(silent, None)) == {"rows": 700, "same": 700}


def test_small_pages_do(make_service: Callable[..., Service]) -> None:
    """An API that gives 50 items at most."""
    service = make_service(list_limit=50)
    elsewhere(service, ROWS[:120])
    assert counts(verify_files(service, ROWS[:120])) == {"rows": 120, "same": 120}


def test_a_row_that_moved_is_not_shown_as_what_was_uploaded(service: Service) -> None:
    """The file has other rows in these lines now: no difference is told from them, and what is not compared is said."""
    rows = [general(1), golden(2), general(3), golden(4)]
    upload(service, rows)
    api = Tampered(service)
    item = next(one["id"] for one in service.pool() if one["input_values"]["image"].endswith("1"))
    api.edits[item] = {"input_values": {"image": "EDITED"}}
    write(rows[::-1])
    report = verify(api)
    assert counts(report) == {"rows": 4, "same": 3, "changed": 1}
    assert report.details == [f"changed: a.jsonl:1: {item}"]
    assert any("2 items were not compared" in warning for warning in report.warnings)


def test_a_run_without_rows_in_the_pool_is_not_the_last_upload(service: Service) -> None:
    """Nothing was sent of it, and nothing would be verified."""
    upload(service, ROWS[:3])
    assert upload(service, [{"input_values": {"nothing": 1}}]).report.exit_status == 65
    assert counts(verify(service)) == {"rows": 3, "same": 3}


def test_a_listing_that_lags_is_looked_at_twice(service: Service) -> None:
    """Right after a run, what the listing does not show yet is not missing."""
    upload(service, ROWS[:20])
    api = Tampered(service)
    api.hidden = {item["id"] for item in service.pool()[:5]}
    api.broken = lambda _: api.pages >= 1 and bool(api.hidden.clear())
    assert counts(verify(api)) == {"rows": 20, "same": 20}


def test_ids_are_written_as_text() -> None:
    """What a server calls an item can forge no line of the combined file."""
    combined = io.StringIO()
    comparison = Comparison(AccountReport("verify"), combined)
    comparison.rows("same", [("a.jsonl", 1)], "x\x1b[31m\n= fake:1 id")
    comparison.task("extra", "y\n= fake:2 id")
    assert len(combined.getvalue().splitlines()) == 2
    assert "\x1b" not in combined.getvalue()


def test_rows_that_cannot_be_in_the_pool_are_named(service: Service) -> None:
    """One of another pool, one that is no row: missing, and the warning says why."""
    Path("a.jsonl").write_text(
        json.dumps(general(1)) + "\n" + json.dumps(general(2, pool_id="24")) + "\n"
    )
    report = verify_files(service, None)
    assert counts(report) == {"rows": 2, "missing": 2}
    assert any("a.jsonl:2" in warning for warning in report.warnings)
