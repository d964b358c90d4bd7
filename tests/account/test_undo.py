"""`undo`: exactly what a run created is taken back, each once, whatever happens on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from account_runs import (
    STATE,
    Killed,
    Patches,
    adopt,
    ask,
    counts,
    elsewhere,
    forget,
    general,
    golden,
    undo,
    upload,
    verify,
    verify_files,
)
from input_runs import Answer, Service

from toloka_upload.errors import UsageProblem
from toloka_upload.run.history import last_upload, past_run, past_runs, prune

ROWS = [general(number) for number in range(500)]


def overlaps(service: Service, pool: int = 21, kind: str = "tasks") -> list[int]:
    """The overlaps of a pool's items, sorted."""
    return sorted(item["overlap"] for item in service.pool(pool, kind))


def test_what_a_run_created_is_taken_back(service: Service) -> None:
    """Each task once, and nobody gets it any more; what others have in the pool stays."""
    elsewhere(service, [general(7000)])
    upload(service, ROWS[:10])
    upload(service, ROWS)
    api = Patches(service)
    report = undo(api)
    assert (report.exit_status, counts(report)) == (0, {"items": 490, "undone": 490})
    assert set(api.patched.values()) == {1}
    assert overlaps(service) == [0] * 490 + [3] * 11


def test_undone_rows_are_free(service: Service) -> None:
    """The same file uploads them again as created, and then they are known as ever."""
    upload(service, [*ROWS, golden(1)])
    undo(service)
    assert counts(verify(service)) == {"rows": 501, "missing": 501}
    assert upload(service, [*ROWS, golden(1)]).counts == {"read": 501, "created": 501}
    assert upload(service, [*ROWS, golden(1)]).counts == {"read": 501, "already_uploaded": 501}
    assert counts(verify_files(service, None)) == {"rows": 501, "same": 501}


def test_undoing_twice_asks_nothing(service: Service) -> None:
    """Each task once, however often it is called; the counts stay."""
    upload(service, ROWS)
    undo(service)
    api, run = Patches(service), last_upload(STATE).id
    report = undo(api, run)
    assert (counts(report), api.patched.total(), report.requests) == (
        {"items": 500, "undone": 500},
        0,
        0,
    )


def test_what_somebody_has_is_partly_undone(service: Service) -> None:
    """Nobody more gets it; its row stays known, and how many had it is told."""
    upload(service, ROWS[:3])
    taken = service.pool()[0]["id"]
    headers = {"content-type": "application/json"}
    text = json.dumps({taken: 2}).encode()
    assert service("POST", "/_emulator/taken", {}, headers, text)[0] == 200
    report = undo(service)
    assert (report.exit_status, counts(report)) == (0, {"items": 3, "undone": 2, "partly": 1})
    assert report.details == [f"partly: {taken}: 2 had it or have it"]
    assert upload(service, ROWS[:3]).counts == {"read": 3, "created": 2, "already_uploaded": 1}
    states = {run.state for run in past_runs(STATE) if run.command == "upload"}
    assert states == {"partly undone", "ok"}


def test_a_refusal_is_counted_and_tried_again_by_the_next_call(service: Service) -> None:
    """Exit 1; the others are taken back all the same."""
    upload(service, ROWS[:5])
    api = Patches(service)
    refused = service.pool()[2]["id"]
    api.answers = {refused: (409, b'{"code":"INAPPROPRIATE_STATUS","message":"no"}')}
    report = undo(api)
    assert (report.exit_status, counts(report)) == (1, {"items": 5, "undone": 4, "failed": 1})
    assert report.details[0].startswith(f"failed: {refused}: ")
    api = Patches(service)
    assert counts(undo(api, last_upload(STATE).id)) == {"items": 5, "undone": 5}
    assert dict(api.patched) == {refused: 1}


def test_suites_are_taken_back(service: Service) -> None:
    """One request a suite; the rows of all of its tasks are free."""
    upload(service, ROWS[:9], pool="22", suite_size=3)
    report = undo(service)
    assert counts(report) == {"items": 3, "undone": 3}
    assert overlaps(service, 22, "task-suites") == [0, 0, 0]
    assert upload(service, ROWS[:9], pool="22", suite_size=3).counts["created"] == 9


def test_rows_known_from_before_are_not_taken_back(service: Service) -> None:
    """They are another run's, or nobody's: an adoption has nothing to undo."""
    elsewhere(service, ROWS[:2])
    adopt(service)
    (adoption,) = past_runs(STATE)
    assert counts(undo(service, adoption.id)) == {}
    upload(service, ROWS[:3])
    assert counts(undo(service)) == {"items": 1, "undone": 1}
    assert overlaps(service) == [0, 3, 3]


def test_a_dry_run_only_says_it(service: Service) -> None:
    """No request, no lock, nothing in the journal."""
    upload(service, ROWS[:3])
    report = undo(service, dry_run=True)
    assert (counts(report), report.requests) == ({"items": 3, "left": 3}, 0)
    assert [run.command for run in past_runs(STATE)] == ["upload"]


def test_the_pool_is_closed_first(service: Service) -> None:
    """`close_pool`: one request stops the work on all of its tasks."""
    upload(service, ROWS[:3], open_pool=True)
    assert ask(service, "GET", "/pools/21")["status"] == "OPEN"
    undo(service, close_pool=True)
    assert ask(service, "GET", "/pools/21")["status"] == "CLOSED"
    assert counts(undo(service, close_pool=True)) == {"items": 3, "undone": 3}


def test_an_undo_is_a_run(service: Service) -> None:
    """`runs` shows it, and what became of the other."""
    upload(service, ROWS[:3])
    run = last_upload(STATE)
    undo(service)
    found = {each.command: each for each in past_runs(STATE)}
    assert found["undo"].as_json()["of"] == run.id
    assert found["undo"].state == "ok"
    assert (found["upload"].state, found["upload"].next_step) == ("undone", "nothing")


@pytest.mark.parametrize("after", [False, True], ids=["before the answer", "after it"])
@pytest.mark.parametrize("most", [1, 199, 200, 201, 431])
def test_a_killed_undo_goes_on(service: Service, most: int, *, after: bool) -> None:
    """What arrived is asked for and not sent again; what did not arrive is sent; other runs' tasks are left alone."""
    upload(service, [general(9000)])
    upload(service, ROWS)
    run = last_upload(STATE).id
    first = Patches(service, most, after=after)
    with pytest.raises(Killed):
        undo(first, run)
    second = Patches(service)
    assert counts(undo(second, run)) == {"items": 500, "undone": 500}
    assert set((first.patched + second.patched).values()) == {1}
    assert second.asked <= 200
    assert overlaps(service) == [0] * 500 + [3]


def test_after_a_kill_just_what_was_taken_back_is_sent_again(service: Service) -> None:
    """Of what was asked for and not heard of, the items are looked at: no row is sent again that is there still."""
    upload(service, ROWS)
    run = last_upload(STATE).id
    with pytest.raises(Killed):
        undo(Patches(service, 250), run)
    counted = upload(service, ROWS).counts
    assert (
        counted["created"] == 250
    )  # the first batch, which is known to be undone, and 50 that are looked at


class Slow:
    """An API that works off what is to be taken back, and whose process gets no answer."""

    def __init__(self, service: Service, works: int) -> None:
        self._service = service
        self._works = works

    def __call__(self, method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        """Answer one request; the process dies with the one after `works`."""
        if method == "PATCH":
            self._works -= 1
            if self._works >= 0:
                self._service(method, path, query, *rest)
            if self._works <= 0:
                raise Killed
        return self._service(method, path, query, *rest)


@pytest.mark.parametrize("works", [1, 20, 60])
def test_an_upload_after_an_undo_that_was_killed_asks_what_was_taken_back(
    service: Service, works: int
) -> None:
    """Rows whose items may have been taken back are not taken for rows in the pool: they are asked for first."""
    run = upload(service, ROWS[:60]).report.run_id
    with pytest.raises(Killed):
        undo(Slow(service, works))
    gone = overlaps(service).count(0)
    assert gone > 0
    (past,) = [one for one in past_runs(STATE) if one.id == run]
    assert past.state == "partly undone"
    assert f"toloka-upload undo {run}" in past.next_step
    assert upload(service, ROWS[:60]).counts == {
        name: number
        for name, number in (("read", 60), ("created", gone), ("already_uploaded", 60 - gone))
        if number
    }
    assert len(overlaps(service)) - overlaps(service).count(0) == 60
    assert counts(verify_files(service, ROWS[:60])) == {"rows": 60, "same": 60}


def test_an_adoption_after_an_undo_that_was_killed_asks_too(service: Service) -> None:
    """What may have been taken back is not adopted as if it were there."""
    upload(service, ROWS[:60])
    with pytest.raises(Killed):
        undo(Slow(service, 30))
    adopt(service)
    gone = overlaps(service).count(0)
    assert upload(service, ROWS[:60]).counts["created"] == gone


def test_rows_whose_items_cannot_be_asked_for_are_unknown(service: Service) -> None:
    """Never guessed: exit 3, with a warning that names the undo; nothing is sent for them."""
    run = upload(service, ROWS[:10]).report.run_id
    with pytest.raises(Killed):
        undo(Slow(service, 5))

    def forgetful(method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        if method == "GET" and path.count("--"):
            return 404, {}, b'{"code":"DOES_NOT_EXIST","message":"gone","request_id":"1"}'
        return service(method, path, query, *rest)

    ended = upload(forgetful, ROWS[:10])
    assert ended.report.exit_status == 3
    assert ended.counts["unknown"] > 0
    assert "created" not in ended.counts
    assert any(f"toloka-upload undo {run}" in warning for warning in ended.report.warnings)


@pytest.mark.parametrize("how", ["gone", "begun anew"])
def test_a_run_whose_journal_is_lost_is_not_said_to_have_nothing(
    service: Service, how: str
) -> None:
    """73, not success with zeros: what the run created is there still."""
    run = upload(service, ROWS[:5]).report.run_id
    (path,) = (STATE / "journals").glob("*.db")
    path.write_bytes(b"no journal" * 100) if how == "begun anew" else forget()
    if how == "begun anew":
        adopt(service)
    for report in (undo(service, run), verify(service)):
        assert report.exit_status == 73
        assert report.error
        assert report.error.code == "RUN_LOST"
        assert "created 5 rows" in report.error.message
    assert overlaps(service) == [3] * 5


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", {"undone": 2}),
        (b"{}", {"undone": 2}),
        (b'{"overlap":3,"remaining_overlap":1}', {"undone": 1, "failed": 1}),
        (b'{"overlap":3,"remaining_overlap":0}', {"undone": 1, "partly": 1}),
    ],
)
def test_only_what_is_proven_counts_as_taken_back(
    service: Service, answer: bytes, expected: dict[str, int]
) -> None:
    """An answer that does not say how the item stands is no proof: the item is looked at."""
    upload(service, ROWS[:2])
    item = service.pool()[0]["id"]
    calls: list[str] = []

    def api(method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        status, answer_headers, found = service(method, path, query, *rest)
        if method == "PATCH" and item in path:
            calls.append(path)
            return 200, {}, answer
        return status, answer_headers, found

    report = undo(api)
    assert counts(report) == {"items": 2, **expected}
    assert len(calls) == 1
    if "failed" in expected:
        run = last_upload(STATE)
        assert run.next_step == f"its undo failed for 1 item: toloka-upload undo {run.id}"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_run_without_a_name_is_not_the_only_one(service: Service, name: str) -> None:
    """`undo "$RUN" --yes` with a variable that was never set takes nothing back."""
    upload(service, ROWS[:2])
    with pytest.raises(UsageProblem):
        undo(service, past_run(STATE, name).id)
    assert overlaps(service) == [3, 3]


@pytest.mark.parametrize("adopts", [False, True])
def test_undone_rows_are_free_also_when_the_journal_is_lost(
    service: Service, *, adopts: bool
) -> None:
    """The API still knows the old operations: what they created is looked at, not taken to be there."""
    upload(service, ROWS[:50])
    undo(service)
    forget()
    if adopts:
        adopt(service)
    again = upload(service, ROWS[:50])
    assert (again.report.exit_status, again.counts) == (0, {"read": 50, "created": 50})
    assert overlaps(service) == [0] * 50 + [3] * 50
    assert upload(service, ROWS[:50]).counts == {"read": 50, "already_uploaded": 50}
    forget()
    assert upload(service, ROWS[:50]).counts == {"read": 50, "already_uploaded": 50}
    assert overlaps(service) == [0] * 50 + [3] * 50


def test_of_a_lost_journal_just_what_was_taken_back_goes_again(service: Service) -> None:
    """The others count as uploaded already."""
    upload(service, ROWS[:50])
    for item in service.pool()[10:15]:
        ask(
            service,
            "PATCH",
            f"/tasks/{item['id']}/set-overlap-or-min",
            {"overlap": 0, "infinite_overlap": False},
        )
    forget()
    counted = upload(service, ROWS[:50]).counts
    assert counted == {"read": 50, "created": 5, "already_uploaded": 45}
    assert overlaps(service) == [0] * 5 + [3] * 50


def test_a_pool_that_is_gone_does_not_keep_the_others(service: Service) -> None:
    """Two pools, one of them gone since: the other's items are taken back, and the error says which is gone."""
    rows = [{**general(number), "pool_id": "21" if number % 2 else "24"} for number in range(6)]
    run = upload(service, rows, pool=None).report.run_id

    def api(method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        if path.endswith(("/pools/24", "/trainings/24")):
            return 404, {}, b'{"code":"DOES_NOT_EXIST","message":"gone","request_id":"1"}'
        return service(method, path, query, *rest)

    report = undo(api, run)
    assert (report.exit_status, counts(report)) == (69, {"items": 6, "undone": 3, "left": 3})
    assert report.error
    assert "24" in report.error.message


def test_items_of_an_archived_pool_are_tried(service: Service) -> None:
    """Whether it takes anything back is for the API to say, and `adopt` only reads."""
    upload(service, ROWS[:3])
    ask(service, "POST", "/pools/21/archive")
    report = undo(service)
    assert report.counts["failed"] + report.counts["undone"] == 3
    forget()
    assert adopt(service).exit_status == 0


def test_an_undo_is_no_upload(service: Service) -> None:
    """Undoing or verifying it is a usage error, not success with zeros."""
    upload(service, ROWS[:3])
    undo(service)
    (own,) = [run.id for run in past_runs(STATE) if run.command == "undo"]
    assert undo(service, own).exit_status == 2


def test_a_pruned_run_is_not_said_to_be_killed(service: Service) -> None:
    """Its report is forgotten, not its end."""
    upload(service, ROWS[:3])
    (STATE / "runs.jsonl").unlink()
    assert prune(STATE, 0.0, time.time() + 1) == 1
    (run,) = past_runs(STATE)
    assert (run.state, run.next_step) == ("pruned", "nothing")
