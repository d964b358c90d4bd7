"""What each endpoint answers, in the shapes that the documents and both official SDKs know."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from emulated import Api, bad_task, new_id, suite, task

from toloka_upload.emulator import Emulator

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_requester_tells_who_the_token_belongs_to(api: Api) -> None:
    """`GET /requester`: id, balance, public_name, company."""
    me = api.get("/requester").json
    assert me.keys() == {"id", "balance", "public_name", "company"}
    assert isinstance(me["balance"], float)


def test_requests_on_behalf_of_another_account_are_its_own(api: Api) -> None:
    """`X-Act-Under-Account-ID` names the requester in whose name the request is made."""
    headers = {"x-act-under-account-id": "somebody"}
    assert api.send("GET", "/requester", headers=headers).json["id"] == "somebody"


@pytest.mark.parametrize(
    ("number", "status", "mixes"),
    [(21, "CLOSED", True), (22, "CLOSED", False), (23, "ARCHIVED", True), (24, "OPEN", True)],
)
def test_the_default_world_has_a_pool_of_each_kind(
    api: Api, *, number: int, status: str, mixes: bool
) -> None:
    """Ids are strings; `mixer_config` is absent where there is no smart mixing."""
    pool = api.get(f"/pools/{number}").json
    assert (pool["id"], pool["project_id"], pool["status"]) == (str(number), "1", status)
    assert ("mixer_config" in pool) is mixes
    assert isinstance(pool["defaults"]["default_overlap_for_new_task_suites"], int)
    assert MOMENT.fullmatch(pool["created"])


def test_a_training_is_found_under_trainings_only(api: Api) -> None:
    """Trainings share the id space of pools, and have an endpoint of their own."""
    assert api.get("/trainings/25").json["id"] == "25"
    assert api.get("/pools/25").code == "POOL_IS_TRAINING"
    assert api.get("/trainings/21").status == 404


def test_a_project_carries_both_specs(api: Api) -> None:
    """`task_spec.input_spec` and `output_spec` map field ids to specs."""
    project = api.get("/projects/1").json
    assert project["status"] == "ACTIVE"
    spec = project["task_spec"]
    assert spec["input_spec"]["image"] == {"type": "url", "required": True, "hidden": False}
    assert spec["output_spec"]["result"]["allowed_values"] == ["OK", "BAD"]


@pytest.mark.parametrize(
    "path",
    [
        "/pools/404",
        "/projects/404",
        "/tasks/x",
        "/task-suites/x",
        f"/operations/{uuid.UUID(int=4)}",
    ],
)
def test_what_does_not_exist_answers_404(api: Api, path: str) -> None:
    """404 `DOES_NOT_EXIST` with a request id."""
    reply = api.get(path)
    assert (reply.status, reply.code) == (404, "DOES_NOT_EXIST")
    assert UUID.fullmatch(reply.json["request_id"])


def test_unknown_paths_and_methods_are_refused(api: Api) -> None:
    """404 `NOT_FOUND`, and 405 `METHOD_NOT_ALLOWED` (there is no DELETE for tasks)."""
    assert api.get("/nothing").code == "NOT_FOUND"
    assert api.send("DELETE", "/tasks").status == 405


def test_a_task_has_the_documented_members(api: Api) -> None:
    """A created task: ids as strings, overlap filled in, a moment of creation."""
    made = api.post("/tasks", task(overlap=2)).json
    assert made.keys() == {
        *("id", "pool_id", "input_values", "overlap", "infinite_overlap"),
        *("remaining_overlap", "created"),
    }
    assert re.fullmatch(r"0000000015--[0-9a-f]{24}", made["id"])
    assert (made["overlap"], made["infinite_overlap"], made["remaining_overlap"]) == (2, False, 2)
    assert MOMENT.fullmatch(made["created"])
    assert api.get(f"/tasks/{made['id']}").json == made


def test_infinite_overlap_comes_back_as_null(api: Api) -> None:
    """`"overlap": null, "infinite_overlap": true`."""
    item = task(infinite_overlap=True)
    del item["overlap"]
    made = api.post("/tasks", item).json
    assert made["overlap"] is None
    assert made["infinite_overlap"] is True


def test_a_suite_has_the_documented_members(api: Api) -> None:
    """A created suite: its tasks, `mixed`, and an id of the pool's."""
    made = api.post("/task-suites", suite()).json
    assert made["id"].startswith("0000000016--")
    assert made["mixed"] is False
    assert len(made["tasks"]) == 2
    assert api.get(f"/task-suites/{made['id']}").json == made


def test_a_fresh_operation_is_not_finished(api: Api) -> None:
    """202 with the operation as it stands before its work: parameters echoed, no details, no end."""
    chosen = new_id()
    reply = api.post("/tasks", [task()], async_mode=True, operation_id=chosen, allow_defaults=True)
    made = reply.json
    assert reply.status == 202
    assert made["id"] == chosen
    assert made["type"] == "TASK.BATCH_CREATE"
    assert made["status"] == "PENDING"
    assert made["progress"] == 0
    assert made["parameters"] == {
        "skip_invalid_items": False,
        "allow_defaults": True,
        "open_pool": False,
    }
    assert not made.keys() & {"details", "started", "finished"}


def test_a_finished_operation_counts_its_items(api: Api) -> None:
    """Five counters, `started` and `finished`; the documents' sample of a batch that failed."""
    made = api.operation(api.submit([task(), bad_task()]))
    assert made["status"] == "FAIL"
    assert made["details"] == {
        "total_count": 2,
        "valid_count": 1,
        "not_valid_count": 1,
        "success_count": 0,
        "failed_count": 2,
    }
    assert MOMENT.fullmatch(made["started"])
    assert MOMENT.fullmatch(made["finished"])


def test_the_log_tells_of_each_item(api: Api) -> None:
    """Entries `{type, success, input, output}`; failures first; markers echoed; successes enriched."""
    items = [task(0, __item_idx="0"), bad_task(__item_idx="1")]
    operation = api.submit(items, skip_invalid_items=True)
    failed, created = api.log(operation)
    assert failed == {
        "type": "TASK_VALIDATE",
        "success": False,
        "input": items[1],
        "output": {
            "input_values.image": {
                "code": "VALUE_REQUIRED",
                "message": "Value must be present and not equal to null",
            }
        },
    }
    assert created["type"] == "TASK_CREATE"
    assert created["success"] is True
    assert created["input"] == {**items[0], "infinite_overlap": False}
    assert created["output"].keys() == {"task_id"}


def test_the_log_of_suites_names_them(api: Api) -> None:
    """`TASK_SUITE_CREATE` with `task_suite_id`; paths of faults begin with `tasks.<index>.`."""
    broken = suite(1)
    broken["tasks"][1]["input_values"] = {"image": "x"}
    operation = api.submit([suite(), broken], "/task-suites", skip_invalid_items=True)
    failed, created = api.log(operation)
    assert failed["type"] == "TASK_SUITE_VALIDATE"
    assert failed["output"]["tasks.1.input_values.image"]["code"] == "INVALID_URL_SYNTAX"
    assert created["type"] == "TASK_SUITE_CREATE"
    assert created["output"].keys() == {"task_suite_id"}


def test_opening_is_an_operation(api: Api) -> None:
    """202 with `POOL.OPEN`; 204 without a body once it is open."""
    api.post("/tasks", task())
    reply = api.post("/pools/21/open")
    assert reply.status == 202
    assert (reply.json["type"], reply.json["parameters"]) == ("POOL.OPEN", {"pool_id": "21"})
    assert api.operation(reply.json["id"])["status"] == "SUCCESS"
    assert api.get("/pools/21").json["status"] == "OPEN"
    again = api.post("/pools/21/open")
    assert (again.status, again.body) == (204, b"")


def test_a_pool_tells_when_it_was_started_and_stopped(api: Api) -> None:
    """`last_started`, then `last_stopped` and `last_close_reason`; an archived one opens no more."""
    api.post("/tasks", task())
    for change, status in (("open", "OPEN"), ("close", "CLOSED"), ("archive", "ARCHIVED")):
        api.operation(api.post(f"/pools/21/{change}").json["id"])
        pool = api.get("/pools/21").json
        assert pool["status"] == status
        assert ("last_close_reason" in pool) is (status != "OPEN")
    assert MOMENT.fullmatch(pool["last_started"])
    assert MOMENT.fullmatch(pool["last_stopped"])
    assert api.post("/pools/21/close").code == "INAPPROPRIATE_STATUS"
    assert api.post("/pools/21/melt").code == "NOT_FOUND"


@pytest.mark.parametrize(("pool", "code"), [(22, "EMPTY_POOL"), (23, "INAPPROPRIATE_STATUS")])
def test_what_cannot_be_opened_is_refused(api: Api, pool: int, code: str) -> None:
    """409: an empty pool, an archived one."""
    reply = api.post(f"/pools/{pool}/open")
    assert (reply.status, reply.code) == (409, code)


def test_opening_with_creation_is_told_in_the_log(api: Api) -> None:
    """A `POOL_OPEN` entry whose input has the pool's number and no marker."""
    operation = api.submit([task(__item_idx="0")], open_pool=True)
    entry = next(entry for entry in api.log(operation) if entry["type"] == "POOL_OPEN")
    assert entry["input"] == {"pool_id": 21}
    assert entry["success"] is True
    assert api.get("/pools/21").json["status"] == "OPEN"


def test_lists_say_whether_there_is_more(api: Api) -> None:
    """`{"items": [...], "has_more": bool}`, of pools, projects and operations alike."""
    for _ in range(3):
        api.submit([task()])
    for path, size in (("/pools", 4), ("/projects", 1), ("/operations", 3)):
        page: Any = api.get(path).json
        assert (len(page["items"]), page["has_more"]) == (size, False)
    assert api.get("/operations", limit=2).json["has_more"] is True


def test_operations_are_searched_by_their_status_now(api: Api) -> None:
    """Filters see what a GET would see at that moment."""
    api.emulator.switch(operation_seconds=10)
    operation = api.submit([task()])
    for seconds, status in ((0.1, "PENDING"), (5, "RUNNING"), (6, "SUCCESS")):
        api.clock.advance(seconds)
        found = api.get("/operations", status=status, type="TASK.BATCH_CREATE").json["items"]
        assert [entry["id"] for entry in found] == [operation]


def test_items_are_of_a_pool_and_a_kind_that_there_are(api: Api) -> None:
    """An assertion about a mistyped pool would hold for ever."""
    assert api.emulator.items("21") == api.emulator.items(21) == []
    for pool, kind in (
        (404, "tasks"),
        ("x", "tasks"),
        (21, "bogus"),
        (21, "tasks; DROP TABLE tasks"),
    ):
        with pytest.raises(ValueError, match=r"there is no pool|kind is one of"):
            api.emulator.items(pool, kind)


def test_text_that_no_socket_brings_has_an_answer(api: Api) -> None:
    """A lone surrogate in a request that a test makes by hand."""
    assert api.get("/tasks/\ud800").status == 404
    assert api.get("/projects", public_name="\ud800").status == 400
    assert api.get("/assignments", pool_id=21, user_id="\ud800").status == 200


@pytest.mark.parametrize("path", ["tasks", "/task", "/tasks/1", "POST /tasks", ""])
def test_only_paths_that_there_are_are_counted(api: Api, path: str) -> None:
    """An assertion that nothing came to a mistyped path would hold for ever."""
    api.get("/operations/x")
    assert api.emulator.ledger.count("GET", "/operations/{id}") == 1
    with pytest.raises(ValueError, match="no path"):
        api.emulator.ledger.count("GET", path)


@pytest.mark.parametrize("world", ["world.toml", {}, 5])
def test_a_world_is_one(api: Api, world: object) -> None:
    """The plugin and `put` take what `load_world` returns, and say so."""
    for take in (Emulator.in_memory, api.emulator.put):
        with pytest.raises(TypeError, match="load_world"):
            take(world)
