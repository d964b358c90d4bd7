"""Every switch shows its difference on the wire. One test a switch, found by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from emulated import Api, bad_task, new_id, suite, task

from toloka_upload.emulator import Switches
from toloka_upload.emulator.switches import about
from toloka_upload.emulator.world import World, default_world

MakeApi = Callable[..., Api]

QUOTAS = {
    f"{what}_per_{time}" for what in ("tasks", "suites", "pools") for time in ("minute", "day")
}


def bare(**more: Any) -> dict[str, Any]:
    """A task that names no overlap."""
    return {"pool_id": "21", "input_values": {"image": "http://x"}, **more}


def finished(api: Api, items: list[Any], path: str = "/tasks", **query: Any) -> tuple[Any, Any]:
    """The operation of a request and its log, after its end."""
    operation = api.submit(items, path, **query)
    return api.operation(operation), api.log(operation)


def test_every_switch_has_its_test() -> None:
    """A switch without a test here is a reading of the documents that nobody proved."""
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert about().keys() - tested == QUOTAS


def test_require_token(make_api: MakeApi) -> None:
    """Only that secret comes in, under either scheme; `*` takes any; empty asks for none."""
    api = make_api(require_token="secret")
    for header, status in (
        ("OAuth secret", 200),
        ("ApiKey secret", 200),
        ("Bearer secret", 401),
        ("OAuth other", 401),
        ("", 401),
    ):
        assert api.send("GET", "/requester", headers={"authorization": header}).status == status
    api.emulator.switch(require_token="*")
    assert api.send("GET", "/requester", headers={"authorization": "OAuth other"}).status == 200
    assert api.get("/requester").status == 401
    assert (
        api.control("switches", {"require_token": ""}).status == 401
    )  # nor is it switched off without it
    assert api.state["pools"]
    api.emulator.switch(require_token="")
    assert api.get("/requester").status == 200


def test_auth_status(make_api: MakeApi) -> None:
    """401 `AUTHENTICATION_ERROR`, or 403 `ACCESS_DENIED`."""
    for status, code in (("401", "AUTHENTICATION_ERROR"), ("403", "ACCESS_DENIED")):
        reply = make_api(require_token="x", auth_status=status).get("/requester")
        assert (reply.status, reply.code) == (int(status), code)


def test_sync_items(make_api: MakeApi) -> None:
    """Most items of a synchronous request."""
    api = make_api(sync_items=2)
    assert api.post("/tasks", [task()] * 3).code == "ENTITY_TOO_LARGE"
    assert api.post("/tasks", [task()] * 2).status == 201


def test_async_items(make_api: MakeApi) -> None:
    """Most items of an asynchronous request."""
    api = make_api(async_items=2)
    assert api.post("/tasks", [task()] * 3, async_mode=True).code == "ENTITY_TOO_LARGE"
    assert api.post("/tasks", [task()] * 2, async_mode=True).status == 202


def test_input_bytes(make_api: MakeApi) -> None:
    """Zero is no limit."""
    assert make_api(input_bytes=10).post("/tasks", task()).status == 413
    assert make_api(input_bytes=0).post("/tasks", task()).status == 201


def test_output_bytes(make_api: MakeApi) -> None:
    """Baseline solutions count as well."""
    item = task(baseline_solutions=[{"output_values": {"result": "OK"}}])
    assert make_api(output_bytes=10).post("/tasks", item).status == 413
    assert make_api(output_bytes=0).post("/tasks", item).status == 201


@pytest.mark.parametrize("path", ["/tasks", "/task-suites"])
def test_byte_count(make_api: MakeApi, path: str) -> None:
    """Spaces between tokens, and escapes, count only as sent."""
    spacious = '{"image" :  "http://\\u0078"}'
    one = f'{{"pool_id":"21","overlap":1,"input_values":{spacious}}}'
    if path == "/task-suites":
        one = f'{{"pool_id":"22","overlap":1,"tasks":[{{"input_values":{spacious}}}]}}'
    compact = len('{"image":"http://x"}')
    api = make_api(input_bytes=compact)
    assert api.post(path, one.encode()).status == 201
    api.emulator.switch(byte_count="raw")
    assert api.post(path, one.encode()).status == 413
    api.emulator.switch(input_bytes=len(spacious))
    assert api.post(path, one.encode()).status == 201


def test_oversize(make_api: MakeApi) -> None:
    """Four answers to too many bytes; in the log only for operations."""
    api = make_api(input_bytes=5, oversize="413-html")
    page = api.post("/tasks", task())
    assert page.status == 413
    assert page.body.startswith(b"<html>")
    api.emulator.switch(oversize="400")
    payload = api.post("/tasks", task()).json["payload"]
    assert payload["input_values"]["code"] == "OBJECT_SIZE_BYTES_GREATER_THAN_MAX"
    api.emulator.switch(oversize="log")
    assert api.post("/tasks", task()).status == 400
    operation, log = finished(api, [task()])
    assert operation["status"] == "FAIL"
    assert log[0]["output"]["code"] == "OBJECT_SIZE_BYTES_GREATER_THAN_MAX"


def test_requests_per_second(make_api: MakeApi) -> None:
    """Zero is no limit."""
    api = make_api(requests_per_second=1)
    assert [api.get("/requester").status for _ in range(2)] == [200, 429]
    api = make_api(requests_per_second=0)
    assert {api.get("/requester").status for _ in range(400)} == {200}


@pytest.mark.parametrize("quota", sorted(QUOTAS))
def test_quotas(make_api: MakeApi, quota: str) -> None:
    """Six quotas, each of its own; see `test_creation` for how they count."""
    api = make_api(**{quota: 1})
    path, body, status = {
        "tasks": ("/tasks", [task()], 201),
        "suites": ("/task-suites", [suite()], 201),
        "pools": ("/pools/21/clone", None, 202),
    }[quota.partition("_")[0]]
    assert [api.post(path, body).status for _ in range(2)] == [status, 429]


def test_quota_answer(make_api: MakeApi) -> None:
    """`interval`, `Retry-After` in both forms, nothing, or a FAILed operation."""
    api = make_api(tasks_per_minute=1)
    api.post("/tasks", task())
    api.clock.advance(20)
    for answer, header in (
        ("retry-after", r"41"),
        ("retry-after-date", r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
        ("bare", ""),
    ):
        api.emulator.switch(quota_answer=answer)
        reply = api.post("/tasks", task())
        assert reply.status == 429
        assert "payload" not in reply.json
        assert re.fullmatch(header, reply.headers.get("Retry-After", ""))
    api.emulator.switch(quota_answer="log")
    operation, log = finished(api, [task()])
    assert operation["status"] == "FAIL"
    assert log[0]["output"]["code"] == "TOO_MANY_REQUESTS"


def test_pool_tasks(make_api: MakeApi) -> None:
    """Tasks in suites count, as do tasks of their own."""
    api = make_api(pool_tasks=2)
    assert api.post("/task-suites", suite(size=2)).status == 201
    assert api.post("/task-suites", suite(size=1)).code == "POOL_TASK_SUITES_COUNT_EXCEEDED"


def test_suites_count_as(make_api: MakeApi) -> None:
    """A suite counts as one."""
    api = make_api(pool_tasks=2, suites_count_as="suites")
    assert [api.post("/task-suites", suite(size=3)).status for _ in range(3)] == [201, 201, 409]


def test_list_limit(make_api: MakeApi) -> None:
    """300, or what toloka-kit's authors found: 100,000."""
    assert make_api().get("/tasks", pool_id=21, limit=301).status == 400
    api = make_api(list_limit=100_000)
    assert api.get("/tasks", pool_id=21, limit=100_000).status == 200
    assert api.get("/tasks", pool_id=21, limit=100_001).status == 400


def test_operation_seconds(make_api: MakeApi) -> None:
    """PENDING for a tenth of it, then RUNNING; items show at its end."""
    api = make_api(operation_seconds=10)
    operation = api.submit([task()])
    seen = []
    for seconds in (0, 0.9, 0.1, 4, 4.9, 0.1):
        api.clock.advance(seconds)
        state = api.operation(operation)
        seen.append((state["status"], state["progress"], len(api.listed())))
    assert seen == [
        ("PENDING", 0, 0),
        ("PENDING", 9, 0),
        ("RUNNING", 10, 0),
        ("RUNNING", 50, 0),
        ("RUNNING", 99, 0),
        ("SUCCESS", 100, 1),
    ]


def test_operation_seconds_per_item(make_api: MakeApi) -> None:
    """Duration grows with the number of items."""
    api = make_api(operation_seconds=1, operation_seconds_per_item=0.5)
    operation = api.submit([task()] * 4)
    api.clock.advance(2.9)
    assert api.operation(operation)["status"] == "RUNNING"
    api.clock.advance(0.1)
    assert api.operation(operation)["status"] == "SUCCESS"


def test_lock_pool(make_api: MakeApi) -> None:
    """Two operations on a pool at once: both run, the second is refused, fails, or waits its turn."""
    api = make_api(operation_seconds=10, lock_pool="off")
    both = [api.submit([task()]), api.submit([task()])]
    api.clock.advance(10)
    assert [api.operation(each)["status"] for each in both] == ["SUCCESS"] * 2

    api.emulator.switch(lock_pool="refuse")
    api.submit([task()])
    reply = api.post("/tasks", [task()], async_mode=True)
    assert (reply.status, reply.code) == (409, "POOL_LOCKED_BY_ANOTHER_OPERATION")
    assert api.post("/tasks", [task(pool_id="24")], async_mode=True).status == 202

    api.emulator.switch(lock_pool="fail")
    second = api.submit([task()])
    api.clock.advance(10)
    assert api.operation(second)["status"] == "FAIL"
    assert api.log(second)[0]["output"]["code"] == "POOL_LOCKED_BY_ANOTHER_OPERATION"

    api.emulator.switch(lock_pool="queue")
    first, second = api.submit([task()]), api.submit([task()])
    api.clock.advance(10)
    assert [api.operation(each)["status"] for each in (first, second)] == ["SUCCESS", "PENDING"]
    api.clock.advance(10)
    assert api.operation(second)["status"] == "SUCCESS"


def test_details(make_api: MakeApi) -> None:
    """Five counters, two, one of the SDK's fixtures, or none."""
    full = {"total_count": 1, "valid_count": 1, "not_valid_count": 0}
    short = {"success_count": 1, "failed_count": 0}
    shapes = {
        "full": {**full, **short},
        "short": short,
        "items": {"items_count": 1},
        "absent": None,
    }
    for name, details in shapes.items():
        operation, _ = finished(make_api(details=name), [task()])
        assert operation.get("details") == details


def test_progress(make_api: MakeApi) -> None:
    """It may be absent."""
    assert "progress" not in finished(make_api(progress=False), [task()])[0]


def test_own_operation_ids(make_api: MakeApi) -> None:
    """Three forms have been seen."""
    for form, pattern in (
        ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("hex", r"[0-9a-f]{32}"),
        ("objectid", r"[0-9a-f]{24}"),
    ):
        assert re.fullmatch(pattern, make_api(own_operation_ids=form).submit([task()]))


def test_sync_operation_id(make_api: MakeApi) -> None:
    """In synchronous mode an id protects nothing, unless the switch says so."""
    chosen = new_id()
    for reading, statuses in (("ignored", [201, 201]), ("reserved", [201, 409])):
        api = make_api(sync_operation_id=reading)
        sent = [api.post("/tasks", [task()], operation_id=chosen).status for _ in range(2)]
        assert sent == statuses
        assert api.get(f"/operations/{chosen}").status == (404 if reading == "ignored" else 200)


def test_operation_id_days(make_api: MakeApi) -> None:
    """For good, or for some days after which the same id creates again."""
    for days, status in ((0, 409), (1, 202)):
        api, chosen = make_api(operation_id_days=days), new_id()
        api.operation(api.submit([task()], operation_id=chosen))
        assert api.post("/tasks", [task()], async_mode=True, operation_id=chosen).status == 409
        api.clock.advance(2 * 86_400)
        assert api.post("/tasks", [task()], async_mode=True, operation_id=chosen).status == status


def test_same_id_other_body(make_api: MakeApi) -> None:
    """The server may compare bodies."""
    for reading, status in (("409", 409), ("400", 400)):
        api, chosen = make_api(same_id_other_body=reading), new_id()
        api.submit([task(0)], operation_id=chosen)
        other = api.post("/tasks", [task(1)], async_mode=True, operation_id=chosen)
        same = api.post("/tasks", [task(0)], async_mode=True, operation_id=chosen)
        assert (other.status, same.status) == (status, 409)


def test_failed_opening(make_api: MakeApi) -> None:
    """Items stay created; whether the operation FAILs is open."""
    for reading, status in (("success", "SUCCESS"), ("fail", "FAIL")):
        api = make_api(failed_opening=reading, tasks_without_mixer="accept")
        operation, log = finished(api, [task(pool_id="22")], open_pool=True)
        assert operation["status"] == status
        assert operation["details"]["success_count"] == 1
        (opening,) = (entry for entry in log if entry["type"] == "POOL_OPEN")
        assert opening["output"]["code"] == "EMPTY_POOL"
        assert opening["output"]["request_id"].startswith("ao_")
        assert len(api.listed(22)) == 1


def test_skip_some_invalid(make_api: MakeApi) -> None:
    """The status of a batch of which some were skipped."""
    for reading, status in (("success", "SUCCESS"), ("fail", "FAIL")):
        api = make_api(skip_some_invalid=reading)
        operation, log = finished(api, [task(), bad_task()], skip_invalid_items=True)
        assert operation["status"] == status
        assert sorted(entry["success"] for entry in log) == [False, True]


def test_skip_all_invalid(make_api: MakeApi) -> None:
    """The status of a batch of which all were skipped."""
    for reading, status in (("success", "SUCCESS"), ("fail", "FAIL")):
        api = make_api(skip_all_invalid=reading)
        operation, _ = finished(api, [bad_task()], skip_invalid_items=True)
        assert operation["status"] == status


def test_sync_skip_all_invalid(make_api: MakeApi) -> None:
    """400 as if nothing were skipped, or 201 with nothing created."""
    reply = make_api().post("/tasks", [bad_task()], skip_invalid_items=True)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    reply = make_api(sync_skip_all_invalid="201").post(
        "/tasks", [bad_task()], skip_invalid_items=True
    )
    assert reply.status == 201
    assert reply.json["items"] == {}
    assert reply.json["validation_errors"].keys() == {"0"}


def test_sync_payload(make_api: MakeApi) -> None:
    """Three shapes of the 400's payload."""
    field = {"code": "VALUE_REQUIRED", "message": "Value must be present and not equal to null"}
    for shape, payload in (
        ("nested", {"1": {"input_values.image": field}}),
        ("flat", {"1.input_values.image": field}),
        ("unindexed", {"input_values.image": field}),
    ):
        reply = make_api(sync_payload=shape).post("/tasks", [task(), bad_task()])
        assert reply.json["payload"] == payload


def test_no_validation_errors(make_api: MakeApi) -> None:
    """The key may be absent, null or empty."""
    for form, value in (("absent", "absent"), ("null", None), ("empty", {})):
        made = make_api(no_validation_errors=form).post("/tasks", [task()]).json
        assert made.get("validation_errors", "absent") == value


def world_without_required() -> World:
    """The default world, its input field `image` not saying whether it is required."""
    world = json.loads(json.dumps(default_world().projects[1]))
    del world["task_spec"]["input_spec"]["image"]["required"]
    return World({1: world}, {})


def test_required_by_default(make_api: MakeApi) -> None:
    """What a spec means that does not say `required`."""
    for reading, status in ((True, 400), (False, 201)):
        api = make_api(required_by_default=reading)
        api.emulator.put(world_without_required())
        assert api.post("/tasks", bad_task()).status == status


def test_unknown_keys(make_api: MakeApi) -> None:
    """Only names that begin with `__` are proven to be accepted."""
    item = task(my_key=1)
    payload = make_api().post("/tasks", item).json["payload"]
    assert payload["my_key"]["code"] == "VALUE_NOT_ALLOWED"
    made = make_api(unknown_keys="any").post("/tasks", item)
    assert made.status == 201
    assert "my_key" not in made.json


def test_read_only_keys(make_api: MakeApi) -> None:
    """A task that was read from the API and is sent back."""
    item = task(id="x", created="2026-01-01T00:00:00", remaining_overlap=3)
    made = make_api().post("/tasks", item)
    assert made.status == 201
    assert made.json["id"] != "x"
    refused = make_api(read_only_keys="refused").post("/tasks", item)
    assert refused.json["payload"].keys() >= {"id", "created", "remaining_overlap"}


def test_tasks_without_mixer(make_api: MakeApi) -> None:
    """Refused; created, and then the pool cannot be opened; or FAILed in the background."""
    item = task(pool_id="22")
    assert make_api().post("/tasks", item).code == "MIXER_CONFIG_REQUIRED"
    api = make_api(tasks_without_mixer="accept")
    assert api.post("/tasks", item).status == 201
    assert api.post("/pools/22/open").code == "EMPTY_POOL"
    operation, log = finished(make_api(tasks_without_mixer="log"), [item])
    assert operation["status"] == "FAIL"
    assert log[0]["output"]["code"] == "MIXER_CONFIG_REQUIRED"


def test_suites_with_mixer(make_api: MakeApi) -> None:
    """Likewise for suites in a pool that mixes."""
    item = suite(pool_id="21")
    assert make_api().post("/task-suites", item).code == "POOL_TASK_TYPE_CONFLICT"
    assert make_api(suites_with_mixer="accept").post("/task-suites", item).status == 201
    _, log = finished(make_api(suites_with_mixer="log"), [item], "/task-suites")
    assert log[0]["output"]["code"] == "POOL_TASK_TYPE_CONFLICT"


def test_unpaid_general_tasks(make_api: MakeApi) -> None:
    """A pool that pays nothing takes control and training tasks, alone or in suites."""
    solved = {"known_solutions": [{"output_values": {"result": "OK"}}]}

    def unpaid(**switches: Any) -> Api:
        api = make_api(**switches)
        for number in (21, 22):
            body = {**default_world().pools[number], "reward_per_assignment": 0}
            api.emulator.put(World({}, {number: body}))
        return api

    inside = {"input_values": {"image": "http://x"}}
    assert unpaid().post("/tasks", [task(), task(**solved)]).code == "POOL_TASK_TYPE_CONFLICT"
    assert unpaid().post("/tasks", [task(pool_id="24"), task(**solved)]).status == 201
    assert unpaid().post("/task-suites", suite()).code == "POOL_TASK_TYPE_CONFLICT"
    assert unpaid().post("/task-suites", suite(tasks=[{**inside, **solved}])).status == 201
    assert unpaid(unpaid_general_tasks="accept").post("/tasks", task()).status == 201
    _, log = finished(unpaid(unpaid_general_tasks="log"), [task()])
    assert log[0]["output"]["code"] == "POOL_TASK_TYPE_CONFLICT"


def test_suite_default_for_tasks(make_api: MakeApi) -> None:
    """`allow_defaults` for tasks of a pool that has a default for suites alone."""
    item = bare(pool_id="22")
    for reading, status in ((True, 201), (False, 400)):
        api = make_api(suite_default_for_tasks=reading, tasks_without_mixer="accept")
        assert api.post("/tasks", item, allow_defaults=True).status == status


def test_overlap_without_defaults(make_api: MakeApi) -> None:
    """An item that names no overlap, in a request that does not allow defaults."""
    assert make_api().post("/tasks", bare()).status == 400
    assert make_api(overlap_without_defaults="default").post("/tasks", bare()).json["overlap"] == 3


def test_log_errors(make_api: MakeApi) -> None:
    """A flat map of fields, or an envelope that has it as its payload."""
    _, flat = finished(make_api(), [bad_task()])
    _, envelope = finished(make_api(log_errors="envelope"), [bad_task()])
    assert isinstance(envelope[0]["output"]["code"], str)
    assert envelope[0]["output"]["payload"] == flat[0]["output"]


def test_log_valid_items(make_api: MakeApi) -> None:
    """Valid items of a batch that was not created: no entry, or a successful validation."""
    for reading, entries in (
        ("none", [("TASK_VALIDATE", False)]),
        ("validate", [("TASK_VALIDATE", False), ("TASK_VALIDATE", True)]),
    ):
        _, log = finished(make_api(log_valid_items=reading), [task(), bad_task()])
        assert [(entry["type"], entry["success"]) for entry in log] == entries


def test_log_input(make_api: MakeApi) -> None:
    """The input of a created item, filled in or as sent."""
    sent = bare(__item_idx="0")
    for reading, extra in (("enriched", {"overlap": 3, "infinite_overlap": False}), ("raw", {})):
        _, (entry,) = finished(make_api(log_input=reading), [sent], allow_defaults=True)
        assert entry["input"] == {**sent, **extra}


def test_log_markers(make_api: MakeApi) -> None:
    """The log may lack the markers."""
    items = [task(__item_idx="0"), bad_task(__item_idx="1")]
    _, log = finished(make_api(log_markers=False), items, skip_invalid_items=True)
    assert [entry["input"].get("__item_idx") for entry in log] == [None, None]
    assert log[0]["input"]["input_values"] == items[1]["input_values"]


def test_empty_fail_log(make_api: MakeApi) -> None:
    """A FAIL that tells nothing; a success still tells."""
    api = make_api(empty_fail_log=True)
    assert finished(api, [bad_task()])[1] == []
    assert len(finished(api, [task()])[1]) == 1


def test_log_days(make_api: MakeApi) -> None:
    """Logs are kept for about a month; 0: for ever."""
    for days, status in ((30, 409), (0, 200)):
        api = make_api(log_days=days)
        operation = api.submit([task()])
        api.operation(operation)
        api.clock.advance(31 * 86_400)
        assert api.get(f"/operations/{operation}/log").status == status


def test_archived_log_status(make_api: MakeApi) -> None:
    """The code is known, its HTTP status is not."""
    for status in ("404", "409", "410"):
        api = make_api(archived_log_status=status, log_days=1)
        operation = api.submit([task()])
        api.clock.advance(2 * 86_400)
        api.operation(operation)
        reply = api.get(f"/operations/{operation}/log")
        assert (reply.status, reply.code) == (int(status), "OPERATION_LOGS_ARCHIVED")


def test_listing_delay(make_api: MakeApi) -> None:
    """A listing may lag behind; a GET by id does not."""
    api = make_api(listing_delay=5)
    made = api.post("/tasks", task()).json
    assert api.listed() == []
    assert api.get(f"/tasks/{made['id']}").status == 200
    api.clock.advance(5)
    assert len(api.listed()) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lok_pool": "off"}, "lok_pool"),
        ({"lock_pool": "maybe"}, "refuse"),
        ({"progress": "perhaps"}, "true, false"),
        ({"sync_items": "many"}, "number"),
        ({"sync_items": -1}, "number"),
        ({"sync_items": True}, "sync_items"),
        ({"operation_seconds": "nan"}, "number"),
        ({"operation_seconds": "inf"}, "number"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, Any], words: str) -> None:
    """`ValueError` that names the switch and what it takes."""
    with pytest.raises(ValueError, match=words):
        Switches().changed(settings)


def test_settings_are_taken_from_text_and_from_values() -> None:
    """`--switch progress=off` says the same as `progress = false` in TOML."""
    for value in ("off", "false", "No", "0", False, 0):
        assert Switches().changed({"progress": value}).progress is False
    assert Switches().changed({"sync_items": "7", "auth_status": 403}) == Switches(
        sync_items=7, auth_status="403"
    )


def test_assignments_taken(make_api: MakeApi) -> None:
    """Each new item has been begun so often, as far as its overlap goes."""
    api = make_api(assignments_taken=2)
    left = [api.post("/tasks", task(overlap=n)).json["remaining_overlap"] for n in (1, 2, 3)]
    assert left == [0, 0, 1]
    api.submit([task(9, overlap=5)])
    assert [one["remaining_overlap"] for one in api.listed() if one["overlap"] == 5] == [3]


def test_patch_in_archived_pool(make_api: MakeApi) -> None:
    """409, or as in any other pool."""
    api = make_api()
    path = f"/tasks/{api.post('/tasks', task()).json['id']}"
    api.operation(api.post("/pools/21/archive").json["id"])
    assert api.send("PATCH", path, {"overlap": 2}).code == "POOL_INAPPROPRIATE_STATUS"
    api.emulator.switch(patch_in_archived_pool="accept")
    assert api.send("PATCH", path, {"overlap": 2}).json["overlap"] == 2
