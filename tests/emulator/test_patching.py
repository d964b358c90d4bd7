"""PATCH of tasks and suites, and what `undo` relies on: nothing that somebody has begun is taken away."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import Api, Reply, suite, task
from hypothesis import given
from hypothesis import strategies as st

FORMS = pytest.mark.parametrize(
    ("path", "item"), [("/tasks", task(overlap=3)), ("/task-suites", suite(overlap=3))]
)


def undo(api: Api, path: str, item_id: str) -> Reply:
    """The request that takes back what nobody has begun."""
    body = {"overlap": 0, "infinite_overlap": False}
    return api.patch(f"{path}/{item_id}/set-overlap-or-min", body)


@FORMS
def test_what_nobody_has_begun_is_taken_back_whole(api: Api, path: str, item: Any) -> None:
    """Overlap 0: the item answers with none left, and stays in the listing."""
    made = api.post(path, item).json
    reply = undo(api, path, made["id"])
    assert reply.status == 200
    assert reply.json == {**made, "overlap": 0, "remaining_overlap": 0}
    assert api.get(f"{path}/{made['id']}").json == reply.json
    assert api.listed(int(made["pool_id"]), path) == [reply.json]


@FORMS
def test_what_somebody_has_begun_stays(api: Api, path: str, item: Any) -> None:
    """With two of three assignments taken, the overlap becomes two, and nobody more gets the item."""
    made = api.post(path, item).json
    assert api.control("taken", {made["id"]: 2}).status == 200
    assert api.get(f"{path}/{made['id']}").json["remaining_overlap"] == 1
    for _ in range(2):  # saying it again changes nothing
        back = undo(api, path, made["id"]).json
        assert (back["overlap"], back["remaining_overlap"]) == (2, 0)


def test_infinite_overlap_is_taken_back_too(api: Api) -> None:
    """`infinite_overlap: false` and overlap 0 end it."""
    made = api.post("/tasks", task(overlap=None, infinite_overlap=True)).json
    back = undo(api, "/tasks", made["id"]).json
    assert (back["overlap"], back["infinite_overlap"]) == (0, False)


@given(
    overlap=st.integers(1, 30_000) | st.none(),
    begun=st.integers(0, 30_000),
    wanted=st.integers(0, 30_000),
)
def test_the_overlap_is_the_one_wanted_or_the_least_possible(
    overlap: int | None, begun: int, wanted: int
) -> None:
    """The greater of what is wanted and what was taken of the overlap; what remains is never below zero."""
    api = Api(requests_per_second=0)
    sent = {"infinite_overlap": True} if overlap is None else {"overlap": overlap}
    made = api.post("/tasks", task(**{"overlap": None, **sent})).json
    api.control("taken", {made["id"]: begun})
    path = f"/tasks/{made['id']}/set-overlap-or-min"
    new = api.patch(path, {"overlap": wanted, "infinite_overlap": False}).json
    assert new["overlap"] == max(wanted, begun if overlap is None else min(begun, overlap))
    assert new["remaining_overlap"] == max(wanted - begun, 0)
    api.emulator.close()


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "overlap", "VALUE_REQUIRED"),
        ({"overlap": -1}, "overlap", "VALUE_LESS_THAN_MIN"),
        ({"overlap": 30_001}, "overlap", "VALUE_GREATER_THAN_MAX"),
        ({"overlap": "1"}, "overlap", "INTEGER_EXPECTED"),
        ({"overlap": True}, "overlap", "INTEGER_EXPECTED"),
        ({"overlap": 1, "infinite_overlap": True}, "overlap", "VALUE_NOT_ALLOWED"),
        ({"overlap": 0, "infinite_overlap": 0}, "infinite_overlap", "BOOLEAN_EXPECTED"),
        ({"overlap": 0, "input_values": {}}, "input_values", "VALUE_NOT_ALLOWED"),
    ],
)
def test_a_wrong_overlap_changes_nothing(api: Api, body: Any, field: str, code: str) -> None:
    """400 with the field; the item is as before."""
    made = api.post("/tasks", task(overlap=3)).json
    reply = api.patch(f"/tasks/{made['id']}/set-overlap-or-min", body)
    assert reply.status == 400
    assert reply.json["payload"][field]["code"] == code
    assert api.get(f"/tasks/{made['id']}").json == made


@FORMS
@pytest.mark.parametrize(("overlap", "status"), [(0, 400), (1, 400), (2, 200), (9, 200)])
def test_a_plain_patch_refuses_less_than_one_and_less_than_was_taken(
    api: Api, path: str, item: Any, overlap: int, status: int
) -> None:
    """That is what `set-overlap-or-min` is there for."""
    made = api.post(path, item).json
    api.control("taken", {made["id"]: 2})
    body = {"overlap": overlap, "infinite_overlap": False}
    reply = api.patch(f"{path}/{made['id']}", body)
    assert reply.status == status
    if status == 200:
        assert (reply.json["overlap"], reply.json["remaining_overlap"]) == (overlap, overlap - 2)


def test_a_task_becomes_a_control_task_and_back(api: Api) -> None:
    """Solutions and hint are checked as in creation; a null takes a member away; nothing else changes."""
    made = api.post("/tasks", task()).json
    path = f"/tasks/{made['id']}"
    right = {"known_solutions": [{"output_values": {"result": "OK"}, "correctness_weight": 0.5}]}
    wrong = {"known_solutions": [{"output_values": {"result": "?"}}]}
    assert api.patch(path, right).json == {**made, **right}
    refused = api.patch(path, wrong)
    assert list(refused.json["payload"]) == ["known_solutions.0.output_values.result"]
    assert api.patch(path, {"known_solutions": None}).json == made
    assert api.patch(path, {"input_values": {}}).json["payload"]["input_values"]


def test_a_suites_priority_can_be_changed(api: Api) -> None:
    """`issuing_order_override`, digit for digit."""
    made = api.post("/task-suites", suite()).json
    path = f"/task-suites/{made['id']}"
    body = b'{"infinite_overlap":false,"issuing_order_override":10.50}'
    assert b'"issuing_order_override":10.50' in api.patch(path, body).body
    assert api.patch(path, {"issuing_order_override": 1e6}).status == 400


def test_a_patch_may_open_the_pool(api: Api) -> None:
    """`open_pool=true`, once the overlap is changed."""
    made = api.post("/tasks", task()).json
    api.patch(f"/tasks/{made['id']}", {"overlap": 5}, open_pool=True)
    assert api.get("/pools/21").json["status"] == "OPEN"


def test_what_cannot_be_patched(api: Api) -> None:
    """404 for what is not there, 400 for an array, 409 in a locked pool."""
    made = api.post("/tasks", task()).json
    assert undo(api, "/tasks", "0000000015--" + "0" * 24).code == "DOES_NOT_EXIST"
    assert undo(api, "/task-suites", made["id"]).code == "DOES_NOT_EXIST"
    path = f"/tasks/{made['id']}"
    assert api.patch(path, [{"overlap": 1}]).status == 400
    assert api.patch(path, b"").status == 400
    api.emulator.faults.add({"action": "lock-pool", "path": "/tasks", "seconds": 5})
    assert api.post("/tasks", task()).code == "POOL_LOCKED_BY_ANOTHER_OPERATION"
    assert undo(api, "/tasks", made["id"]).code == "POOL_LOCKED_BY_ANOTHER_OPERATION"


def test_lists_are_filtered_by_the_overlap_as_it_is_now(api: Api) -> None:
    """`overlap`, `overlap_lt` and its kind see what a PATCH changed; infinite overlap is no number."""
    ids = [api.post("/tasks", task(overlap=n)).json["id"] for n in (1, 2, 3)]
    api.post("/tasks", task(overlap=None, infinite_overlap=True))
    undo(api, "/tasks", ids[2])

    def found(**query: Any) -> list[str]:
        return [one["id"] for one in api.get("/tasks", pool_id=21, **query).json["items"]]

    assert found(overlap=0) == [ids[2]]
    assert set(found(overlap_gte=1)) == set(ids[:2])
    assert set(found(overlap_gt=0, overlap_lt=2)) == {ids[0]}


def test_only_what_exists_can_be_taken(api: Api) -> None:
    """The control endpoint takes all of a request or nothing."""
    made = api.post("/tasks", task(overlap=3)).json
    for body in ({made["id"]: 1, "x": 1}, {made["id"]: -1}, {made["id"]: "1"}, [made["id"]]):
        assert api.control("taken", body).status == 400
    assert api.get(f"/tasks/{made['id']}").json["remaining_overlap"] == 3


def test_the_balance_can_be_changed(api: Api) -> None:
    """The control endpoint sets what `GET /requester` answers; null takes a member away."""
    api.control("requester", {"balance": 0.25})
    assert api.get("/requester").json["balance"] == 0.25
    api.control("requester", {"balance": None})
    assert "balance" not in api.get("/requester").json
