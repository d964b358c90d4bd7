"""Creating tasks and suites: what is accepted, what is refused, and what is never done twice."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from emulated import Api, bad_task, new_id, suite, task

MakeApi = Callable[..., Api]


def test_an_array_comes_back_as_a_map_of_its_places(api: Api) -> None:
    """201: `items` under the decimal index of each item in the request."""
    made = api.post("/tasks", [task(0), task(1)]).json
    assert list(made) == ["items"]
    assert [made["items"][place]["input_values"] for place in "01"] == [
        task(0)["input_values"],
        task(1)["input_values"],
    ]


def test_one_bad_item_spoils_the_batch(api: Api) -> None:
    """Without `skip_invalid_items` nothing is created: 400 `VALIDATION_ERROR`."""
    reply = api.post("/tasks", [task(), bad_task()])
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert reply.json["payload"]["1.input_values.image"]["code"] == "VALUE_REQUIRED"
    assert api.listed() == []


def test_skipping_creates_the_good_ones(api: Api) -> None:
    """201 with both maps filled; `items` is sparse."""
    made = api.post("/tasks", [bad_task(), task()], skip_invalid_items=True).json
    assert made["items"].keys() == {"1"}
    assert made["validation_errors"].keys() == {"0"}
    assert len(api.listed()) == 1


def test_two_equal_items_are_two_tasks(api: Api) -> None:
    """The API does not compare contents."""
    api.post("/tasks", [task(), task()])
    assert len(api.listed()) == 2


def test_an_asynchronous_request_is_not_validated_at_once(api: Api) -> None:
    """Faults of items stand in the log alone; a batch that failed creates nothing."""
    api.emulator.switch(operation_seconds=1)
    operation = api.submit([task(), bad_task()])
    assert api.log(operation) == []
    api.clock.advance(1)
    assert api.operation(operation)["status"] == "FAIL"
    assert [entry["type"] for entry in api.log(operation)] == ["TASK_VALIDATE"]
    assert api.listed() == []


def test_an_operation_id_is_used_once(api: Api) -> None:
    """409 `OPERATION_ALREADY_EXISTS`, before and after the end, and nothing is created again."""
    chosen = new_id()
    api.submit([task()], operation_id=chosen)
    for _ in range(2):
        reply = api.post("/tasks", [task()], async_mode=True, operation_id=chosen)
        assert (reply.status, reply.code) == (409, "OPERATION_ALREADY_EXISTS")
        api.operation(chosen)
    assert len(api.listed()) == 1


def test_the_id_of_a_failed_operation_is_burnt(api: Api) -> None:
    """After a FAIL as after a success."""
    chosen = new_id()
    api.operation(api.submit([bad_task()], operation_id=chosen))
    reply = api.post("/tasks", [task()], async_mode=True, operation_id=chosen)
    assert reply.code == "OPERATION_ALREADY_EXISTS"


@pytest.mark.parametrize("sent", range(5))
def test_an_operation_id_is_one_in_whatever_form(api: Api, sent: int) -> None:
    """With dashes or not, in either case, in braces: sent in one form, it is used, and found, in all of them."""
    chosen = new_id()
    forms = [
        *(chosen, chosen.upper(), chosen.replace("-", "")),
        *(f"{{{chosen.upper()}}}", f"urn:uuid:{chosen}"),
    ]
    assert api.submit([task()], operation_id=forms[sent]) == chosen
    for form in forms:
        assert api.post("/tasks", [task()], async_mode=True, operation_id=form).status == 409
        assert api.operation(form)["id"] == chosen
        assert len(api.log(form)) == 1


@pytest.mark.parametrize(
    "text", ["1" * 31, "1_" * 16, "+" + "1" * 31, "\u0661" * 32, "-".join("1" * 32)]
)
def test_what_is_no_uuid_is_no_operation_id(api: Api, text: str) -> None:
    """Though Python would read it as one."""
    reply = api.post("/tasks", [task()], async_mode=True, operation_id=text)
    assert (reply.status, reply.json["payload"].keys()) == (400, {"operation_id"})


@pytest.mark.parametrize("form", ["uuid", "hex", "objectid"])
def test_an_id_of_the_servers_own_is_found(make_api: Callable[..., Api], form: str) -> None:
    """In each of the forms that it chooses."""
    api = make_api(own_operation_ids=form)
    assert len(api.log(api.submit([task()]))) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"async_mode": "True"}, "async_mode"),
        ({"skip_invalid_items": "1"}, "skip_invalid_items"),
        ({"async_mode": "true", "operation_id": "mine"}, "operation_id"),
        ({"asyncmode": "true"}, "asyncmode"),
    ],
)
def test_a_parameter_that_cannot_be_understood_is_refused(
    api: Api, query: dict[str, str], field: str
) -> None:
    """Booleans are `true` and `false`; ids are UUIDs; unknown names are told."""
    reply = api.post("/tasks", [task()], **query)
    assert reply.status == 400
    assert field in reply.json["payload"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"[1]", b'{"a":}', b"[{}", b"[{}] x", b'[{"a":NaN}]', b"\xff", b"[{},]"],
)
def test_a_body_that_is_no_list_of_objects_is_refused(api: Api, body: bytes) -> None:
    """400, whatever it is; never a 500."""
    assert api.post("/tasks", body).status == 400


def test_a_nested_body_does_not_break_it(api: Api) -> None:
    """Depth is bounded by a refusal, not by a crash."""
    assert api.post("/tasks", b'{"a":' * 100_000).status == 400


def test_a_body_must_be_json_by_its_type(api: Api) -> None:
    """415 without `Content-Type: application/json`; parameters and case do not matter."""
    for kind, status in (("text/plain", 415), ("", 415), ("application/JSON; charset=utf-8", 201)):
        reply = api.send("POST", "/tasks", task(), {"content-type": kind})
        assert reply.status == status


def test_a_compressed_body_is_refused(api: Api) -> None:
    """Nothing says that the API takes one."""
    assert api.send("POST", "/tasks", task(), {"content-encoding": "gzip"}).status == 415


@pytest.mark.parametrize(("mode", "most"), [(False, 5_000), (True, 10_000)])
def test_a_request_has_at_most_so_many_items(api: Api, *, mode: bool, most: int) -> None:
    """5,000 synchronous items, 10,000 asynchronous ones; 413 beyond."""
    items = [{"pool_id": "21"}] * most
    assert api.post("/tasks", [*items, {}], async_mode=mode).status == 413
    assert api.post("/tasks", items, async_mode=mode).status != 413


@pytest.mark.parametrize("text", ["x", "я"])
def test_input_values_are_counted_in_bytes(make_api: MakeApi, text: str) -> None:
    """The sum over all `input_values` as compact UTF-8 JSON, exactly."""
    item = task(input_values={"image": "http://x", "text": text * 50})
    size = len(json.dumps(item["input_values"], ensure_ascii=False, separators=(",", ":")).encode())
    api = make_api(input_bytes=3 * size)
    assert api.post("/tasks", [item] * 3).status == 201
    assert api.post("/tasks", [item] * 4).status == 413


def test_output_values_are_counted_apart(make_api: MakeApi) -> None:
    """Known and baseline solutions, by a limit of their own."""
    item = task(known_solutions=[{"output_values": {"result": "OK"}}])
    assert make_api(output_bytes=15).post("/tasks", item).status == 201
    assert make_api(output_bytes=14).post("/tasks", item).status == 413


def test_the_tasks_of_suites_are_counted(make_api: MakeApi) -> None:
    """Every task of every suite."""
    size = len('{"image":"https://e.com/0-0"}')
    api = make_api(input_bytes=2 * size)
    assert api.post("/task-suites", suite(size=2)).status == 201
    assert api.post("/task-suites", suite(size=3)).status == 413


@pytest.mark.parametrize(
    ("pool", "path", "code"),
    [
        (23, "/tasks", "POOL_INAPPROPRIATE_STATUS"),
        (22, "/tasks", "MIXER_CONFIG_REQUIRED"),
        (21, "/task-suites", "POOL_TASK_TYPE_CONFLICT"),
    ],
)
def test_a_pool_that_does_not_take_them_refuses_all(
    api: Api, pool: int, path: str, code: str
) -> None:
    """409 in either mode, before any item is looked at."""
    for mode in (False, True):
        reply = api.post(path, [{"pool_id": str(pool), "tasks": []}], async_mode=mode)
        assert (reply.status, reply.code) == (409, code)


def test_a_pool_that_does_not_exist_is_the_items_fault(api: Api) -> None:
    """`ENTITY_DOES_NOT_EXIST` on `pool_id`; one request may mix pools."""
    made = api.post(
        "/tasks", [task(), task(pool_id="999"), task(pool_id=24)], skip_invalid_items=True
    )
    assert made.json["items"].keys() == {"0", "2"}
    assert made.json["validation_errors"]["1"]["pool_id"]["code"] == "ENTITY_DOES_NOT_EXIST"


def test_open_pools_and_trainings_take_tasks(api: Api) -> None:
    """Adding to a running pool is a documented use; a training's id stands in `pool_id`."""
    assert api.post("/tasks", [task(pool_id="24"), task(pool_id="25")]).status == 201


@pytest.mark.parametrize(
    ("more", "defaults", "expected"),
    [
        ({"overlap": 7}, False, 7),
        ({"overlap": 7}, True, 7),
        ({"infinite_overlap": True}, False, None),
        ({"infinite_overlap": True, "overlap": None}, True, None),
        ({}, True, 3),
        ({"infinite_overlap": False}, True, 3),
    ],
)
def test_overlap_comes_from_the_item_then_from_the_pool(
    api: Api, *, more: dict[str, object], defaults: bool, expected: int | None
) -> None:
    """The item wins over the pool's default; infinite is null."""
    item = {"pool_id": "21", "input_values": {"image": "http://x"}, **more}
    assert api.post("/tasks", item, allow_defaults=defaults).json["overlap"] == expected


@pytest.mark.parametrize("more", [{}, {"infinite_overlap": False}, {"overlap": None}])
def test_an_overlap_that_nothing_gives_is_missing(api: Api, more: dict[str, object]) -> None:
    """`VALUE_REQUIRED` on `overlap`."""
    item = {"pool_id": "21", "input_values": {"image": "http://x"}, **more}
    assert api.post("/tasks", item).json["payload"]["overlap"]["code"] == "VALUE_REQUIRED"


def test_markers_are_echoed_and_not_kept(api: Api) -> None:
    """Keys that begin with `__` come back in the log; the task has none of them."""
    operation = api.submit([task(__item_idx="0", __client_uuid="ab")])
    api.operation(operation)
    (entry,) = api.log(operation)
    assert (entry["input"]["__item_idx"], entry["input"]["__client_uuid"]) == ("0", "ab")
    (made,) = api.listed()
    assert not any(key.startswith("__") for key in made)


def test_digits_and_escapes_are_kept(api: Api) -> None:
    """What was sent comes back to the letter, in the listing and in the log."""
    values = (
        b'{"image":"http://x","number":12345678901234567890123,"score":1.10,"text":"\\u044f\\/"}'
    )
    body = b'[{"pool_id":"21","overlap":1,"input_values":%b}]' % values
    operation = api.post("/tasks", body, async_mode=True).json["id"]
    api.operation(operation)
    assert values in api.get(f"/operations/{operation}/log").body
    assert values in api.get("/tasks", pool_id=21).body


def test_ids_are_in_no_order_of_the_request(api: Api) -> None:
    """Ids sort by creation to the second: items of one request are shuffled among them."""
    api.post("/tasks", [task(number) for number in range(50)])
    listed = [made["input_values"]["image"] for made in api.listed()]
    sent = [task(number)["input_values"]["image"] for number in range(50)]
    assert sorted(listed) == sorted(sent)
    assert listed != sent


def test_a_full_pool_takes_no_more(make_api: MakeApi) -> None:
    """`POOL_TASKS_COUNT_EXCEEDED` for what would pass the limit, and not for the last that fits."""
    api = make_api(pool_tasks=3)
    assert api.post("/tasks", [task(), task()]).status == 201
    assert api.post("/tasks", [task(), task()]).code == "POOL_TASKS_COUNT_EXCEEDED"
    assert api.post("/tasks", [task()]).status == 201


def test_a_pool_that_filled_up_meanwhile_fails_the_operation(make_api: MakeApi) -> None:
    """Two operations that fit alone and not together: the second FAILs, and says why in its log."""
    api = make_api(pool_tasks=3, operation_seconds=1)
    first, second = api.submit([task(), task()]), api.submit([task(), task()])
    api.clock.advance(1)
    assert api.operation(first)["status"] == "SUCCESS"
    assert api.operation(second)["status"] == "FAIL"
    codes = {entry["output"]["code"] for entry in api.log(second)}
    assert codes == {"POOL_TASKS_COUNT_EXCEEDED"}
    assert len(api.listed()) == 2


def test_more_than_so_many_requests_a_second_are_refused(make_api: MakeApi) -> None:
    """A bare 429 within the second; not after it."""
    api = make_api(requests_per_second=3)
    assert [api.get("/requester").status for _ in range(4)] == [200, 200, 200, 429]
    assert "payload" not in api.get("/requester").json
    api.clock.advance(1.0)
    assert api.get("/requester").status == 200


@pytest.mark.parametrize(
    ("switch", "interval", "seconds"),
    [("tasks_per_minute", "MIN", 60), ("tasks_per_day", "DAY", 86_400)],
)
def test_items_are_counted_over_time(
    make_api: MakeApi, switch: str, interval: str, seconds: int
) -> None:
    """429 with `payload.interval`; a refused request counts for nothing; the window slides."""
    api = make_api(**{switch: 3})
    assert api.post("/tasks", [task(), task()]).status == 201
    refused = api.post("/tasks", [task(), task()], async_mode=True)
    assert (refused.status, refused.json["payload"]) == (429, {"interval": interval})
    assert api.post("/tasks", [task()]).status == 201
    api.clock.advance(seconds - 0.01)
    assert api.post("/tasks", [task()]).status == 429
    api.clock.advance(0.01)
    assert api.post("/tasks", [task()]).status == 201


def test_suites_have_a_quota_of_their_own(make_api: MakeApi) -> None:
    """Counted as suites, not as their tasks."""
    api = make_api(suites_per_minute=2, tasks_per_minute=1)
    assert api.post("/task-suites", [suite(), suite()]).status == 201
    assert api.post("/task-suites", [suite()]).status == 429
    assert api.post("/tasks", [task()]).status == 201
