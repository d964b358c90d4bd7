"""Projects, pools and trainings made and changed over the API: a pipeline begins with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulated import Api, new_id, suite, task

KINDS = pytest.mark.parametrize("path", ["/projects", "/pools", "/trainings"])

PROJECT = {
    "public_name": "Elephants",
    "public_description": "What color is it?",
    "task_spec": {
        "input_spec": {"url": {"type": "url", "required": True}},
        "output_spec": {"color": {"type": "string"}},
        "view_spec": {"type": "classic", "markup": ""},
    },
    "assignments_issuing_type": "AUTOMATED",
}
POOL = {
    "project_id": "1",
    "private_name": "First",
    "will_expire": "2036-01-01T00:00:00",
    "reward_per_assignment": 0.05,
    "assignment_max_duration_seconds": 300,
}
TRAINING = {
    "project_id": "1",
    "private_name": "Lessons",
    "inherited_instructions": True,
    "training_tasks_in_task_suite_count": 3,
}
FORMS: dict[str, dict[str, Any]] = {"/projects": PROJECT, "/pools": POOL, "/trainings": TRAINING}


def done(api: Api, path: str) -> Any:
    """POST something that is an operation, and let it come to its end."""
    reply = api.post(path)
    assert reply.status == 202, reply.body
    return api.operation(reply.json["id"])


def archived(api: Api, *pools: str) -> None:
    """Archive pools."""
    for pool in pools:
        assert done(api, f"/pools/{pool}/archive")["status"] == "SUCCESS"


@KINDS
def test_what_is_made_is_there(api: Api, path: str) -> None:
    """201 with an id of its own, a moment and a status; GET and the listing have it as it is."""
    reply = api.post(path, FORMS[path])
    assert reply.status == 201
    made = reply.json
    assert made["status"] == ("ACTIVE" if path == "/projects" else "CLOSED")
    assert made.items() >= FORMS[path].items()
    assert made["id"].isdecimal()
    assert api.get(f"{path}/{made['id']}").json == made
    assert made in api.get(path, id_gte=made["id"]).json["items"]
    assert api.post(path, FORMS[path]).json["id"] != made["id"]


@KINDS
def test_what_is_edited_is_edited_whole(api: Api, path: str) -> None:
    """PUT takes the whole form; what only the API sets stays, what is not said is gone."""
    name = "public_name" if path == "/projects" else "private_name"
    made = api.post(path, {**FORMS[path], "metadata": {"a": ["b"]}}).json
    reply = api.put(f"{path}/{made['id']}", {**FORMS[path], name: "Second", "id": "0"})
    assert reply.status == 200
    assert "metadata" not in reply.json
    assert reply.json[name] == "Second"
    assert (reply.json["id"], reply.json["created"]) == (made["id"], made["created"])
    assert api.get(f"{path}/{made['id']}").json == reply.json


@pytest.mark.parametrize(
    ("path", "change", "field", "code"),
    [
        ("/projects", {"public_name": None}, "public_name", "VALUE_REQUIRED"),
        ("/projects", {"task_spec": []}, "task_spec", "OBJECT_EXPECTED"),
        ("/projects", {"task_spec": {}}, "task_spec.input_spec", "VALUE_REQUIRED"),
        ("/projects", {"assignments_issuing_type": "X"}, "assignments_issuing_type", "UNKNOWN_ENUM_VALUE"),
        ("/projects", {"sensitive": "no"}, "sensitive", "BOOLEAN_EXPECTED"),
        ("/pools", {"reward_per_asignment": 1}, "reward_per_asignment", "VALUE_NOT_ALLOWED"),
        ("/pools", {"project_id": "404"}, "project_id", "ENTITY_DOES_NOT_EXIST"),
        ("/pools", {"project_id": [1]}, "project_id", "INTEGER_EXPECTED"),
        ("/pools", {"reward_per_assignment": -1}, "reward_per_assignment", "VALUE_LESS_THAN_MIN"),
        ("/pools", {"will_expire": "soon"}, "will_expire", "INVALID_DATE_TIME_SYNTAX"),
        ("/pools", {"priority": 101}, "priority", "VALUE_GREATER_THAN_MAX"),
        ("/pools", {"mixer_config": {"real_tasks_count": 501}},
         "mixer_config.real_tasks_count", "VALUE_GREATER_THAN_MAX"),
        ("/pools", {"defaults": {}}, "defaults.default_overlap_for_new_task_suites", "VALUE_REQUIRED"),
        ("/pools", {"dynamic_pricing_config": {"type": "SKILL", "skill_id": "1", "intervals": [{"from": 1}]}},
         "dynamic_pricing_config.intervals.0.reward_per_assignment", "VALUE_REQUIRED"),
        ("/pools", {"dynamic_overlap_config": {"type": "COMPLEX"}},
         "dynamic_overlap_config.type", "UNKNOWN_ENUM_VALUE"),
        ("/trainings", {"training_tasks_in_task_suite_count": "3"},
         "training_tasks_in_task_suite_count", "INTEGER_EXPECTED"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_form_is_told_by_its_path(
    api: Api, path: str, change: Any, field: str, code: str
) -> None:
    """400 with the path and the API's code, for POST and PUT alike; nothing is made or changed."""
    made = api.post(path, FORMS[path]).json
    before = api.get(path).json
    for reply in (
        api.post(path, {**FORMS[path], **change}),
        api.put(f"{path}/{made['id']}", {**FORMS[path], **change}),
    ):
        assert reply.status == 400
        assert reply.json["payload"][field]["code"] == code
    assert api.get(path).json == before


def test_prices_and_overlaps_that_depend_are_taken(api: Api) -> None:
    """`dynamic_pricing_config` and `dynamic_overlap_config` as the documents have them."""
    pricing = {
        "type": "SKILL",
        "skill_id": "1289",
        "intervals": [{"from": 0, "to": 60, "reward_per_assignment": 0.03}],
    }
    overlap = {
        "type": "BASIC",
        "max_overlap": 5,
        "min_confidence": 0.9,
        "answer_weight_skill_id": "1289",
        "fields": [{"name": "result"}],
    }
    form = {**POOL, "dynamic_pricing_config": pricing, "dynamic_overlap_config": overlap}
    assert api.post("/pools", form).json.items() >= form.items()


def test_a_pipeline_begins_with_nothing_but_a_token(api: Api) -> None:
    """A project, a pool, tasks checked against its spec, the pool opened and closed."""
    project = api.post("/projects", PROJECT).json["id"]
    form = {**POOL, "project_id": project, "mixer_config": {"real_tasks_count": 1}}
    pool = api.post("/pools", form).json["id"]
    assert api.post("/tasks", task(pool_id=pool)).status == 400
    one = {"pool_id": pool, "input_values": {"url": "http://x"}, "overlap": 1}
    assert api.post("/tasks", one).status == 201
    assert done(api, f"/pools/{pool}/open")["status"] == "SUCCESS"
    assert api.get(f"/pools/{pool}").json["status"] == "OPEN"
    assert done(api, f"/pools/{pool}/close")["type"] == "POOL.CLOSE"
    assert api.get(f"/pools/{pool}").json["last_close_reason"] == "MANUAL"


def test_a_clone_is_empty_and_else_alike(api: Api) -> None:
    """202; its id stands in the operation's details once it is there."""
    api.post("/tasks", task())
    made = done(api, "/pools/21/clone")
    assert (made["type"], made["parameters"]) == ("POOL.CLONE", {"pool_id": "21"})
    clone = api.get(f"/pools/{made['details']['pool_id']}").json
    differ = {"id", "created", "last_close_reason"}
    original = api.get("/pools/21").json
    assert {name for name in original if original[name] != clone.get(name)} == differ
    assert api.listed(int(clone["id"])) == []
    training = done(api, "/trainings/25/clone")["details"]["training_id"]
    assert api.get(f"/trainings/{training}").json["private_name"] == "Images, training"


def test_a_pool_can_be_told_only_what_its_status_allows(api: Api) -> None:
    """409 with the statuses that would do; 204 if it is so already."""
    for path, statuses in (
        ("/pools/24/archive", ["CLOSED"]),
        ("/pools/23/close", ["OPEN"]),
        ("/pools/23/open", ["CLOSED"]),
        ("/pools/21/close-for-update", None),
        ("/pools/24/open", None),
    ):
        reply = api.post(path)
        if statuses is None:
            assert (reply.status, reply.body) == (204, b"")
        else:
            assert (reply.status, reply.code) == (409, "INAPPROPRIATE_STATUS")
            assert reply.json["payload"] == {"appropriate_statuses": statuses}
            assert reply.json["message"].startswith("This or related resource")


def test_an_open_pool_is_closed_before_it_is_edited(api: Api) -> None:
    """PUT answers 409; `close-for-update` says why the pool is closed."""
    assert api.put("/pools/24", POOL).code == "INAPPROPRIATE_STATUS"
    assert done(api, "/pools/24/close-for-update")["type"] == "POOL.CLOSE"
    assert api.put("/pools/24", POOL).status == 200


def test_the_priority_is_patched_and_nothing_else(api: Api) -> None:
    """Also of an open pool; an archived one is answered with a bare 409."""
    assert api.patch("/pools/24", {"priority": 90}).json["priority"] == 90
    assert api.get("/pools/24").json["priority"] == 90
    assert api.patch("/pools/24", {"priority": 101}).status == 400
    assert api.patch("/pools/24", {"private_name": "x"}).status == 400
    reply = api.patch("/pools/23", {"priority": 1})
    assert (reply.status, reply.body) == (409, b"")


def test_a_project_is_archived_after_its_pools(api: Api) -> None:
    """409 `UNARCHIVED_POOLS_CONFLICT` before; then nothing can be made in it."""
    assert api.post("/projects/1/archive").code == "UNARCHIVED_POOLS_CONFLICT"
    done(api, "/pools/24/close")
    archived(api, "21", "22", "24")
    made = done(api, "/projects/1/archive")
    assert (made["type"], made["parameters"]) == ("PROJECT.ARCHIVE", {"project_id": "1"})
    assert api.get("/projects/1").json["status"] == "ARCHIVED"
    assert api.post("/projects/1/archive").status == 204
    assert api.post("/pools", POOL).code == "PROJECT_INAPPROPRIATE_STATUS"
    assert api.put("/projects/1", PROJECT).code == "INAPPROPRIATE_STATUS"


def test_a_pool_keeps_the_spec_that_its_project_had(api: Api) -> None:
    """An edited project shows the new spec; pools that were there check by the old one, new ones by the new."""
    assert api.put("/projects/1", PROJECT).status == 200
    assert api.post("/tasks", task()).status == 201
    form = {**POOL, "mixer_config": {"real_tasks_count": 1}}
    pool = api.post("/pools", form).json["id"]
    assert api.post("/tasks", task(pool_id=pool)).status == 400
    assert "enforced_task_spec" not in api.get("/pools/21").json
    assert "enforced_task_spec" not in api.put("/pools/21", POOL).json
    assert api.post("/task-suites", suite(pool_id="21")).status == 201  # and kept through an edit


def test_a_training_has_its_own_path(api: Api) -> None:
    """A pool's path says so, whatever the method."""
    for reply in (
        api.put("/pools/25", POOL),
        api.patch("/pools/25", {"priority": 1}),
        api.post("/pools/25/open"),
    ):
        assert reply.code == "POOL_IS_TRAINING"
    assert api.put("/trainings/21", TRAINING).code == "DOES_NOT_EXIST"


def test_what_only_the_api_sets_is_passed_over_or_refused(api: Api) -> None:
    """By the switch, as for tasks; unknown members likewise."""
    api.emulator.switch(read_only_keys="refused", unknown_keys="any")
    reply = api.post("/pools", {**POOL, "status": "OPEN"})
    assert reply.json["payload"]["status"]["code"] == "VALUE_NOT_ALLOWED"
    assert api.post("/pools", {**POOL, "surprise": 1}).status == 201


def test_opening_with_creation_opens_each_pool(api: Api) -> None:
    """One entry a pool; the one that got nothing says `EMPTY_POOL`."""
    other = done(api, "/pools/21/clone")["details"]["pool_id"]
    items = [task(), task(pool_id="22", input_values={}), task(pool_id=other, input_values={})]
    api.emulator.switch(tasks_without_mixer="accept")
    log = api.log(api.submit(items, open_pool=True, skip_invalid_items=True))
    entries = {one["input"]["pool_id"]: one for one in log if one["type"] == "POOL_OPEN"}
    assert entries.keys() == {21, 22, int(other)}
    assert entries[21]["success"] is True
    assert entries[int(other)]["output"]["code"] == "EMPTY_POOL"
    assert api.get("/pools/21").json["status"] == "OPEN"
    assert api.get(f"/pools/{other}").json["status"] == "CLOSED"


def test_lists_are_filtered_and_sorted_as_documented(api: Api) -> None:
    """Statuses, owners, moments, names; a wrong value of an enumeration is 400."""
    for name in ("b", "a"):
        api.clock.advance(1)
        api.post("/projects", {**PROJECT, "public_name": name, "private_comment": name})

    def found(path: str, **query: Any) -> list[str]:
        return [one["id"] for one in api.get(path, **query).json["items"]]

    assert found("/projects", sort="-public_name") == ["2", "3", "1"]
    assert found("/projects", sort="private_comment,id") == ["1", "3", "2"]
    assert found("/projects", status="ARCHIVED") == []
    assert found("/projects", owner="somebody else") == []
    assert found("/projects", created_gt=api.get("/projects/2").json["created"]) == ["3"]
    assert found("/projects", created_lte="2026-01-15T09:00:00Z") == ["1"]
    me = api.get("/requester").json
    owned = {"owner_id": me["id"], "owner_company_id": me["company"]["id"]}
    assert found("/projects", **owned) == ["1", "2", "3"]
    assert found("/pools", status="OPEN", project_id=1, **owned) == ["24"]
    assert found("/pools", owner_id="somebody else") == []
    api.post("/tasks", task())
    assert len(found("/tasks", pool_id=21, **owned)) == 1
    assert found("/task-suites", pool_id=21, **owned) == []
    assert found("/tasks", pool_id=21, owner_id="somebody else") == []
    assert found("/trainings", project_id=1) == ["25"]
    api.post("/tasks", task())
    done(api, "/pools/21/open")
    started = api.get("/pools/21").json["last_started"]
    assert found("/pools", last_started_gte=started, sort="last_started") == ["21"]
    assert found("/pools", last_started_lt=started) == []
    for path, query in (
        ("/pools", {"status": "AJAR"}),
        ("/projects", {"status": "OPEN"}),
        ("/operations", {"type": "POOL.EXPLODE"}),
        ("/operations", {"status": "DONE"}),
        ("/pools", {"sort": "private_name"}),
        ("/pools", {"owner": "me"}),
    ):
        assert api.get(path, **query).status == 400


@pytest.mark.parametrize("path", ["/pools", "/projects", "/trainings", "/operations", "/tasks"])
def test_no_number_is_too_large_to_be_refused(api: Api, path: str) -> None:
    """What no database holds is 400 or an empty page, not a failure of ours."""
    huge = "9" * 30
    for name in ("id_gt", "project_id", "overlap_gt", "pool_id", "limit", "created_gt"):
        query = {"pool_id": 21} if path == "/tasks" else {}
        assert api.get(path, **{**query, name: huge}).status in (200, 400)
    assert api.get(f"{path}/{huge}").status == 404


def test_huge_numbers_in_bodies_are_refused(api: Api) -> None:
    """Integers and floats beyond all bounds, in every kind of body."""
    huge = 10**400
    for reply in (
        api.post("/tasks", task(overlap=huge)),
        api.post("/tasks", task(pool_id=huge)),
        api.post("/task-suites", suite(issuing_order_override=huge)),
        api.post("/pools", {**POOL, "priority": huge}),
        api.post("/pools", {**POOL, "project_id": huge}),
        api.post("/pools", b'{"reward_per_assignment": 1e999}'),
        api.post("/tasks", b'{"overlap": ' + b"9" * 5000 + b"}"),
        api.control("taken", {"x": huge}),
        api.control("switches", {"sync_items": huge}),
        api.control("faults", {"action": "delay", "seconds": huge}),
        api.control("faults", {"action": "refuse", "status": huge}),
    ):
        assert reply.status == 400, reply


@pytest.mark.parametrize(
    ("spec", "field", "code"),
    [
        ({"a": {"type": "bogus"}}, "a.type", "UNKNOWN_ENUM_VALUE"),
        ({"a": {"type": 5}}, "a.type", "UNKNOWN_ENUM_VALUE"),
        ({"a": {}}, "a.type", "VALUE_REQUIRED"),
        ({"a": 5}, "a", "OBJECT_EXPECTED"),
        ({"a": {"type": "integer", "min_value": "x"}}, "a.min_value", "FLOAT_EXPECTED"),
        ({"a": {"type": "string", "required": "x"}}, "a.required", "BOOLEAN_EXPECTED"),
        ({"a": {"type": "string", "pattern": "("}}, "a.pattern", "INVALID_REGEX_SYNTAX"),
        ({"a": {"type": "string", "pattern": "*a"}}, "a.pattern", "INVALID_REGEX_SYNTAX"),
        ({"a": {"type": "string", "pattern": 5}}, "a.pattern", "STRING_EXPECTED"),
        ({"a b": {"type": "string"}}, "", "CHARACTER_NOT_ALLOWED"),
        ({"": {"type": "string"}}, "", "CHARACTER_NOT_ALLOWED"),
        ({"\u00e9": {"type": "string"}}, "", "CHARACTER_NOT_ALLOWED"),
    ],
)
def test_a_project_says_what_its_fields_are(api: Api, spec: Any, field: str, code: str) -> None:
    """The spec of each is checked when the project is made."""
    task_spec = {**PROJECT["task_spec"], "input_spec": spec}
    reply = api.post("/projects", {**PROJECT, "task_spec": task_spec})
    assert reply.status == 400
    path = f"task_spec.input_spec.{field}".rstrip(".")
    assert reply.json["payload"][path]["code"] == code


@pytest.mark.parametrize("pattern", [r"\p{L}+", r"\Q(\E", "a{2}{3}", "[a-z&&[^b]]", "x*+"])
def test_a_pattern_that_only_java_knows_is_taken(api: Api, pattern: str) -> None:
    """What Python cannot read is not wrong for that."""
    fields = {"a": {"type": "string", "pattern": pattern}}
    task_spec = {**PROJECT["task_spec"], "input_spec": fields}
    assert api.post("/projects", {**PROJECT, "task_spec": task_spec}).status == 201


@pytest.mark.parametrize(
    "more",
    [
        b'"reward_per_assignment": 1e999',
        b'"reward_per_assignment": 0.004',
        b'"reward_per_assignment": 1e10',
        b'"metadata": {"x": [1e999]}',
        b'"filter": {"and": [-1e999]}',
        b'"mixer_config": {"surprise": 1e999}',
        b'"surprise": 1e999',
    ],
)
def test_no_number_comes_in_that_cannot_be_shown(make_api: Any, more: bytes) -> None:
    """The whole listing would be no JSON."""
    api = make_api(unknown_keys="any")
    body = json.dumps(POOL).encode()[:-1] + b", " + more + b"}"
    assert api.post("/pools", body).status == 400
    assert api.get("/pools").status == 200


def test_a_pool_that_was_archived_meanwhile_is_given_nothing(make_api: Any) -> None:
    """The creation FAILs, and its log says why."""
    api = make_api(operation_seconds=1)
    operation = api.submit([task(), task(1)], operation_id=new_id())
    api.emulator.switch(operation_seconds=0)
    done(api, "/pools/21/archive")
    api.clock.advance(1)
    state = api.operation(operation)
    assert (state["status"], state["details"]["success_count"]) == ("FAIL", 0)
    assert {entry["output"]["code"] for entry in api.log(operation)} == {
        "POOL_INAPPROPRIATE_STATUS"
    }
    assert api.listed() == []


@pytest.mark.parametrize("way", ["open", "clone", "archive"])
def test_a_locked_pool_is_not_changed(make_api: Any, way: str) -> None:
    """`lock_pool`: a change meanwhile is refused, FAILs, or waits its turn, as a creation does."""
    api = make_api(lock_pool="refuse", operation_seconds=1)
    api.post("/tasks", [task()])
    api.submit([task()])
    reply = api.post(f"/pools/21/{way}")
    assert (reply.status, reply.code) == (409, "POOL_LOCKED_BY_ANOTHER_OPERATION")
    api.emulator.switch(lock_pool="fail")
    failed = api.post(f"/pools/21/{way}").json["id"]
    api.emulator.switch(lock_pool="queue")
    waiting = api.post(f"/pools/21/{way}").json["id"]
    api.clock.advance(1.5)
    assert (api.operation(failed)["status"], api.operation(waiting)["status"]) == (
        "FAIL",
        "RUNNING",
    )
    (entry,) = api.log(failed)
    assert entry["output"]["code"] == "POOL_LOCKED_BY_ANOTHER_OPERATION"
    assert api.get("/pools/21").json["status"] == "CLOSED"
    api.clock.advance(1)
    assert api.operation(waiting)["status"] == "SUCCESS"


def test_an_opening_is_not_lost_behind_a_closing(make_api: Any) -> None:
    """What is asked is measured against what is on its way."""
    api = make_api(operation_seconds=1)
    assert api.post("/pools/24/close").status == 202
    assert api.post("/pools/24/close").status == 204
    api.post("/tasks", [task(pool_id="24")])
    assert api.post("/pools/24/open").status == 202
    assert api.post("/pools/24/open").status == 204
    assert api.post("/pools/24/archive").status == 409
    api.clock.advance(2)
    assert api.get("/pools/24").json["status"] == "OPEN"


def test_what_cannot_be_checked_is_shown(api: Api) -> None:
    """Without google-re2 some patterns are not applied to long values: the page says so."""
    fields = {"a": {"type": "string", "pattern": r"(\w+\s?)*\1"}}
    task_spec = {**PROJECT["task_spec"], "input_spec": fields}
    project = api.post("/projects", {**PROJECT, "task_spec": task_spec}).json["id"]
    pool = api.post("/pools", {**POOL, "project_id": project, "mixer_config": {}}).json["id"]
    assert api.state["unchecked"] == []
    api.post("/tasks", task(pool_id=pool, input_values={"a": "a" * 60 + "!"}))
    (note,) = api.state["unchecked"]
    assert "pattern" in note
