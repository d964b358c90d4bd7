"""Answers that somebody says have been given: enough for a poller to run."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import Api, suite, task

ANSWER = {"output_values": {"result": "OK"}}


def ids(api: Api, *overlaps: int) -> list[str]:
    """Tasks of pool 21."""
    return [api.post("/tasks", task(n, overlap=overlap)).json["id"] for n, overlap in enumerate(overlaps)]  # fmt: skip


def put(api: Api, **said: Any) -> Any:
    """Put an assignment in by the control endpoint."""
    reply = api.control("assignments", said)
    assert reply.status == 200, reply.body
    return reply.json[0]


def listed(api: Api, **query: Any) -> list[str]:
    """Ids of assignments, in the order of the answer."""
    return [one["id"] for one in api.get("/assignments", **query).json["items"]]


def test_a_poller_finds_an_empty_page_first(api: Api) -> None:
    """Before anybody has answered; a listing names a pool, a suite or a task."""
    assert api.get("/assignments", pool_id=21).json == {"items": [], "has_more": False}
    reply = api.get("/assignments", status="ACCEPTED")
    assert reply.json["payload"]["pool_id"]["code"] == "VALUE_REQUIRED"
    assert api.get("/assignments/x").code == "DOES_NOT_EXIST"


def test_an_answer_needs_only_its_tasks_and_what_was_answered(api: Api) -> None:
    """The rest is filled up; the tasks are shown as they are."""
    first, second = ids(api, 2, 3)
    made = put(api, tasks=[first, {"id": second}], solutions=[ANSWER, ANSWER])
    shown = made["tasks"]
    assert [one["id"] for one in shown] == [first, second]
    assert [one["remaining_overlap"] for one in shown] == [2, 3]
    assert {**shown[0], "remaining_overlap": 1} == api.get(f"/tasks/{first}").json
    assert (made["pool_id"], made["status"], made["reward"]) == ("21", "ACCEPTED", 0.02)
    assert made["mixed"] is True
    assert made.keys() >= {"id", "task_suite_id", "user_id", "created", "submitted", "accepted"}
    assert api.get(f"/assignments/{made['id']}").json == made
    assert api.get("/assignments", pool_id=21).json["items"] == [made]


def test_an_answer_takes_an_overlap(api: Api) -> None:
    """Of each of its tasks, or of its suite; once, however often it is put in; not if it was skipped."""
    (one,) = ids(api, 3)
    made = put(api, tasks=[one], status="ACTIVE")
    put(api, id=made["id"], tasks=[one], status="SUBMITTED", solutions=[ANSWER])
    put(api, tasks=[one], status="SKIPPED")
    assert api.get(f"/tasks/{one}").json["remaining_overlap"] == 2
    of_suite = api.post("/task-suites", suite(overlap=2)).json
    answer = put(api, task_suite_id=of_suite["id"], solutions=[ANSWER, ANSWER])
    assert answer["tasks"] == of_suite["tasks"]
    assert answer["mixed"] is False
    assert api.get(f"/task-suites/{of_suite['id']}").json["remaining_overlap"] == 1


def test_answers_are_filtered_and_sorted(api: Api) -> None:
    """By pool, suite, task, performer, statuses and moments."""
    one, two = ids(api, 5, 5)
    a = put(api, tasks=[one], user_id="ann", created="2026-03-01T00:00:00")["id"]
    b = put(api, tasks=[two], user_id="bob", status="REJECTED", created="2026-03-02T00:00:00.5")["id"]  # fmt: skip
    c = put(api, tasks=[one, two], status="SUBMITTED", created="2026-03-03T00:00:00", id="z")["id"]
    assert listed(api, pool_id=21, sort="created") == [a, b, c]
    assert listed(api, pool_id=21, sort="-created", limit=2) == [c, b]
    assert listed(api, pool_id=22) == []
    assert set(listed(api, task_id=two)) == {b, c}
    assert listed(api, pool_id=21, user_id="ann") == [a]
    assert set(listed(api, pool_id=21, status="SUBMITTED,REJECTED")) == {b, c}
    assert set(listed(api, pool_id=21, created_gte="2026-03-02T00:00:00.500")) == {b, c}
    assert listed(api, pool_id=21, created_gt="2026-03-02T00:00:00.500") == [c]
    assert listed(api, pool_id=21, rejected_lt="2050-01-01") == [b]
    assert listed(api, pool_id=21, id_gt="y") == ["z"]
    suite_id = api.get("/assignments/z").json["task_suite_id"]
    assert "z" in listed(api, task_suite_id=suite_id)
    for query in ({"status": "DONE"}, {"sort": "user_id"}, {"reward": 1}):
        assert api.get("/assignments", pool_id=21, **query).status == 400


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("SUBMITTED", "ACCEPTED", 200),
        ("SUBMITTED", "REJECTED", 200),
        ("REJECTED", "ACCEPTED", 200),
        ("ACCEPTED", "REJECTED", 409),
        ("ACTIVE", "ACCEPTED", 409),
        ("SUBMITTED", "ACTIVE", 409),
        ("SUBMITTED", "FINE", 400),
    ],
)
def test_answers_are_accepted_or_rejected(api: Api, before: str, after: str, status: int) -> None:
    """PATCH with a comment; what is accepted stays so."""
    made = put(api, pool_id="21", status=before)["id"]
    body = {"status": after, "public_comment": "Because."}
    reply = api.patch(f"/assignments/{made}", body)
    assert reply.status == status
    if status == 200:
        assert reply.json["public_comment"] == "Because."
        assert after.lower() in reply.json
        assert api.get(f"/assignments/{made}").json == reply.json
    else:
        assert api.get(f"/assignments/{made}").json["status"] == before


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"pool_id": "404"},
        {"tasks": ["0000000015--" + "0" * 24]},
        {"tasks": ["x"]},
        {"task_suite_id": "x"},
        {"pool_id": "21", "status": "DONE"},
        {"pool_id": "21", "solutions": [ANSWER]},
        {"pool_id": "21", "tasks": 5},
        ["x"],
    ],
)
def test_a_wrong_answer_is_not_put_in(api: Api, said: Any) -> None:
    """400 from the control endpoint, all or nothing."""
    assert api.control("assignments", [{"pool_id": "21"}, said]).status == 400
    assert listed(api, pool_id=21) == []


def test_an_answer_that_is_rejected_gives_its_overlap_back(api: Api) -> None:
    """However it came to be rejected: by word of the API or of the control endpoint."""
    one = ids(api, 3)[0]
    of_suite = api.post("/task-suites", suite(overlap=2)).json["id"]

    def remaining() -> list[int]:
        return [
            api.get(f"/tasks/{one}").json["remaining_overlap"],
            api.get(f"/task-suites/{of_suite}").json["remaining_overlap"],
        ]

    first = put(api, tasks=[one], status="SUBMITTED", solutions=[ANSWER])["id"]
    second = put(api, task_suite_id=of_suite, status="SUBMITTED", solutions=[ANSWER, ANSWER])["id"]
    assert remaining() == [2, 1]
    for name in (first, second):
        assert api.patch(f"/assignments/{name}", {"status": "REJECTED"}).status == 200
    assert remaining() == [3, 2]
    for name in (first, second):
        assert api.patch(f"/assignments/{name}", {"status": "ACCEPTED"}).status == 200
    assert remaining() == [2, 1]
    put(api, id=first, tasks=[one], status="EXPIRED")
    assert remaining() == [3, 1]


def test_no_more_answers_come_than_are_asked_for(api: Api) -> None:
    """An overlap of two is two answers; those that were skipped do not count."""
    one = ids(api, 2)[0]
    for status in ("ACTIVE", "SKIPPED", "ACCEPTED"):
        put(api, tasks=[one], status=status)
    reply = api.control("assignments", {"tasks": [one]})
    assert (reply.status, "nobody more gets" in reply.json["message"]) == (400, True)
    back = api.patch(f"/tasks/{one}/set-overlap-or-min", {"overlap": 0, "infinite_overlap": False})
    assert back.json["overlap"] == 2
