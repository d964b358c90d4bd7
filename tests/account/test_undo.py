"""`undo`: exactly what a run created is taken back, each once, whatever happens on the way."""

from __future__ import annotations

import json

import pytest
from account_runs import (
    STATE,
    Killed,
    Patches,
    adopt,
    ask,
    counts,
    elsewhere,
    general,
    golden,
    undo,
    upload,
    verify,
    verify_files,
)
from input_runs import Service

from toloka_upload.run.history import last_upload, past_runs

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


def test_what_was_asked_for_and_not_heard_of_stays_known(service: Service) -> None:
    """Between a kill and the next call no row is sent again that may be there still."""
    upload(service, ROWS)
    run = last_upload(STATE).id
    with pytest.raises(Killed):
        undo(Patches(service, 250), run)
    counted = upload(service, ROWS).counts
    assert counted["created"] == 200  # the first batch, which is known to be undone
