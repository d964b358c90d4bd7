"""Worlds: the default one, one from a file, and a copy of somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated import Api, suite, task

from toloka_upload.emulator import Emulator
from toloka_upload.emulator.settle_in import apart
from toloka_upload.emulator.setup import Setup
from toloka_upload.emulator.store import Store
from toloka_upload.emulator.world import default_world, like, load_world

WORLD = """
[switches]
lock_pool = "refuse"

[[project]]
id = 7
assignments_issuing_type = "MAP_SELECTOR"
[project.task_spec.input_spec]
photo = {type = "url", required = true}

[[pool]]
id = 700
project_id = 7
private_name = "On the map"
[pool.defaults]
default_overlap_for_new_task_suites = 2
[pool.dynamic_pricing_config]
type = "SKILL"
skill_id = "5"
intervals = [{from = 50, to = 100, reward_per_assignment = 0.05}]
[pool.dynamic_overlap_config]
type = "BASIC"
max_overlap = 5
min_confidence = 0.9
answer_weight_skill_id = "5"
fields = [{name = "result"}]

[[pool]]
id = 701
project_id = 7
[pool.mixer_config]
real_tasks_count = 5
[pool.enforced_task_spec.input_spec]
image = {type = "url", required = true}

[[training]]
id = 702
project_id = 7

[[task]]
pool_id = 701
overlap = 3
assignments_taken = 2
input_values = {image = "http://x"}

[[task]]
id = "00000002bd--000000000000000000000009"
pool_id = 701
infinite_overlap = true
input_values = {image = "http://y"}

[[task_suite]]
pool_id = 700
latitude = 1.5
longitude = 2
tasks = [{input_values = {photo = "http://x"}}]

[[assignment]]
tasks = ["00000002bd--000000000000000000000009"]
solutions = [{output_values = {color = "red"}}]
"""


TABLES = ["project", "pool", "training", "task", "task_suite", "assignment"]
TASK = '[[task]]\npool_id = 21\noverlap = 1\ninput_values = {image = "http://x"'


@pytest.fixture
def mapped(api: Api, tmp_path: Path) -> Api:
    """An emulator with a world from a file besides the default one."""
    path = tmp_path / "world.toml"
    path.write_text(WORLD)
    world = load_world(path)
    assert world.switches == {"lock_pool": "refuse"}
    api.emulator.put(world)
    return api


def test_a_world_file_says_what_matters(mapped: Api) -> None:
    """Ids become strings; the rest is filled up from the default world."""
    pool = mapped.get("/pools/700").json
    assert (pool["id"], pool["project_id"], pool["status"]) == ("700", "7", "CLOSED")
    assert "mixer_config" not in pool
    assert mapped.get("/projects/7").json["task_spec"]["input_spec"].keys() == {"photo"}
    assert mapped.get("/trainings/702").json["project_id"] == "7"


def test_a_pool_shows_what_its_price_and_overlap_depend_on(mapped: Api) -> None:
    """`dynamic_pricing_config` and `dynamic_overlap_config`, as the world file has them."""
    pool = mapped.get("/pools/700").json
    assert pool["dynamic_pricing_config"]["intervals"] == [
        {"from": 50, "to": 100, "reward_per_assignment": 0.05}
    ]
    assert pool["dynamic_overlap_config"]["max_overlap"] == 5


def test_a_project_on_the_map_asks_for_coordinates(mapped: Api) -> None:
    """Suites need `latitude` and `longitude` then."""
    item = suite(pool_id="700", tasks=[{"input_values": {"photo": "http://x"}}])
    payload = mapped.post("/task-suites", item).json["payload"]
    assert payload.keys() == {"latitude", "longitude"}
    assert mapped.post("/task-suites", {**item, "latitude": 1.5, "longitude": 2}).status == 201


def test_a_world_may_hold_items_and_answers(mapped: Api) -> None:
    """`[[task]]` and `[[task_suite]]` with what was taken of them; `[[assignment]]` of those, or of others."""
    named, first = mapped.listed(701)
    assert named["id"] == "00000002bd--000000000000000000000009"
    assert (first["overlap"], first["remaining_overlap"]) == (3, 1)
    assert len(mapped.listed(700, "/task-suites")) == 1
    (answer,) = mapped.get("/assignments", pool_id=701).json["items"]
    assert answer["solutions"] == [{"output_values": {"color": "red"}}]
    assert [one["id"] for one in answer["tasks"]] == [named["id"]]


def test_a_world_that_is_put_in_again_doubles_nothing(mapped: Api, tmp_path: Path) -> None:
    """Its items have the same ids each time; what was changed is as the file has it."""
    before = [mapped.listed(701), mapped.listed(700, "/task-suites")]
    mapped.control("taken", {before[0][1]["id"]: 0})
    mapped.emulator.put(load_world(str(tmp_path / "world.toml")))
    assert [mapped.listed(701), mapped.listed(700, "/task-suites")] == before
    assert len(mapped.get("/assignments", pool_id=701).json["items"]) == 1
    state = {pool["id"]: pool for pool in mapped.state["pools"]}
    assert (state["701"]["tasks"], state["700"]["suites"], state["700"]["suite_tasks"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[task]]\npool_id = 21\ninput_values = {}', "task 1: input_values.image: VALUE_REQUIRED"),
        ('[[task]]\npool_id = 404', "task 1: pool_id: ENTITY_DOES_NOT_EXIST"),
        ('[[task]]\nid = "x"\npool_id = 21\noverlap = 1\ninput_values = {image = "http://x"}', "no id of pool 21"),
        (f'{TASK}, score = nan}}', "world.toml: task 1: a number in it is infinite or none"),
        (f'{TASK}, text = 2026-01-01}}', "task 1: JSON cannot say it; put quotes round a date"),
        (f'{TASK}}}\nassignments_taken = -5', "task 1: assignments_taken: VALUE_LESS_THAN_MIN"),
        (f'{TASK}}}\nassignments_taken = 30001', "task 1: assignments_taken: VALUE_GREATER_THAN_MAX"),
        (f'{TASK}}}\nid = 5', "task 1: id: STRING_EXPECTED"),
        ('[[assignment]]\npool_id = 21\nsolutions = [1]', "assignment 1: solutions"),
        ('[[assignment]]\npool_id = 21\nreward = "x"', "assignment 1: reward: FLOAT_EXPECTED"),
        ('[[assignment]]\npool_id = 21\nuser_id = 5', "assignment 1: user_id: STRING_EXPECTED"),
        ('[[assignment]]\npool_id = 21\ntask = ["x"]', "assignment 1: task: VALUE_NOT_ALLOWED"),
        ('[[assignment]]\ntasks = ["x"]', "assignment 1: there is no task 'x'"),
        ('[[assignment]]\npool_id = 21\nstatus = "DONE"', "assignment 1: status: UNKNOWN_ENUM_VALUE: Value must be"),
    ],
)  # fmt: skip
def test_a_wrong_item_is_told_with_its_place(
    api: Api, tmp_path: Path, text: str, words: str
) -> None:
    """Table, number, field; nothing of the world is put in."""
    path = tmp_path / "world.toml"
    path.write_text(f"[[project]]\nid = 5\n{text}")
    with pytest.raises(ValueError, match=words):
        api.emulator.put(load_world(path))
    assert api.get("/projects/5").status == 404


def test_a_pool_may_be_of_a_project_that_is_there(api: Api, tmp_path: Path) -> None:
    """Of the small world's, which it has unless it says otherwise."""
    path = tmp_path / "world.toml"
    path.write_text(
        "[[pool]]\nid = 700\nwill_expire = 2031-05-01\n[[training]]\nid = 701\nproject_id = 1\n"
    )
    api.emulator.put(load_world(path))
    pool = api.get("/pools/700").json
    assert (pool["project_id"], pool["will_expire"]) == ("1", "2031-05-01T00:00:00.000")
    assert api.get("/trainings/701").json["project_id"] == "1"


def test_what_was_copied_is_judged_by_its_types_alone(api: Api) -> None:
    """The API may allow by now what its documents do not; what is no object breaks us all the same."""
    pool = {**default_world().pools[21], "priority": 101, "type": "NEW", "surprise": 1}
    api.emulator.put(like(pool, default_world().projects[1]))
    assert api.get("/pools/21").json["priority"] == 101
    with pytest.raises(ValueError, match="pool 21: defaults: OBJECT_EXPECTED"):
        api.emulator.put(like({**pool, "defaults": 5}, default_world().projects[1]))


def test_an_answer_counts_however_often_its_world_is_put_in(mapped: Api, tmp_path: Path) -> None:
    """`assignments_taken` of the file, and the answers that are there, besides."""
    named, first = mapped.listed(701)
    mapped.control("assignments", {"tasks": [first["id"]], "status": "ACTIVE"})
    for _ in range(2):
        mapped.emulator.put(load_world(tmp_path / "world.toml"))
        assert mapped.get(f"/tasks/{first['id']}").json["remaining_overlap"] == 0
    row = mapped.emulator._context.store.item("tasks", 701, bytes.fromhex(named["id"][12:]))
    assert row
    assert row.taken == 1


def test_a_wrong_world_costs_no_database(tmp_path: Path) -> None:
    """`--reset` deletes nothing if what is to come instead cannot be had."""
    path, database = tmp_path / "world.toml", tmp_path / "e.sqlite3"
    Setup(database).build().close()
    path.write_text("[[pool]]\nid = 5\ndefaults = 5")
    before = database.read_bytes()
    with pytest.raises(ValueError, match=r"world\.toml: pool 5: defaults"):
        Setup(database, reset=True, world=path).build()
    assert database.read_bytes() == before


def test_a_pool_keeps_the_spec_it_was_made_under(mapped: Api) -> None:
    """What it enforces may differ from what its project shows; it is not shown."""
    assert mapped.post("/tasks", task(pool_id="701")).status == 201
    assert "enforced_task_spec" not in mapped.get("/pools/701").json


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[pool", "world.toml"),
        ("[[pools]]\nid = 1", "unknown key 'pools'"),
        ('[[pool]]\nid = "x"', "world.toml: pool 1: `id` must be a number"),
        ("[[pool]]\nid = 5\nproject_id = 6", "world.toml: pool 5: there is no project 6"),
        ("[[pool]]\nid = 5\n[[pool]]\nid = '05'", "world.toml: pool 2: the id 5 stands twice"),
        ("[[pool]]\nid = 5\n[[training]]\nid = 5", "5 is the id of a pool and of a training"),
        ("[[pool]]\nid = 1099511627776", "pool 1099511627776: id: INTEGER_EXPECTED"),
        ("[[pool]]\nid = 99999999999999999999", "pool 1: `id` must be a number"),
        ("[[pool]]\nid = 0", "pool 0: id: INTEGER_EXPECTED"),
        ("[[pool]]\nid = true", "pool 1: `id` must be a number"),
        ("[pool]\nid = 5", r"world.toml: pool is a list of tables, each under \[\[pool\]\]"),
        ("pool = [5]", "pool is a list of tables"),
        *((f"{table} = 5", f"{table} is a list of tables") for table in TABLES),
        ("requester = 5", "world.toml: requester: an object is expected, not 5"),
        ("switches = 5", "world.toml: switches: an object is expected, not 5"),
        ("[switches]\nnothing = 1", "world.toml: switches: there is no switch 'nothing'"),
        ("[requester]\nbalance = nan", "world.toml: requester: a number in it is infinite or none"),
        ("[requester]\nbalance = 2026-01-01T00:00:00", "requester: balance: FLOAT_EXPECTED"),
        ("[[project]]\nid = 5\ntask_spec = 5", "project 5: task_spec: OBJECT_EXPECTED"),
        ('[[project]]\nid = 5\ntask_spec.input_spec = {a = {type = "x"}}', "input_spec.a.type: UNKNOWN_ENUM"),
        ("[[pool]]\nid = 5\ndefaults = 5", "pool 5: defaults: OBJECT_EXPECTED"),
        ("[[pool]]\nid = 5\nenforced_task_spec = 5", "pool 5: enforced_task_spec: OBJECT_EXPECTED"),
        ("[[pool]]\nid = 5\nmixer_config.real_tasks_count = -1", "real_tasks_count: VALUE_LESS_THAN_MIN"),
        ("[[pool]]\nid = 5\nreward_per_assignment = inf", "pool 5: a number in it is infinite or none"),
        ('[[pool]]\nid = 5\nstatus = "BUSY"', "pool 5: status: UNKNOWN_ENUM_VALUE"),
        ("[[pool]]\nid = 5\nmetadata = {since = 2026-01-01}", "pool 5: JSON cannot say it; put quotes round a date"),
        ("a = " + "[" * 3000, "world.toml"),
    ],
)  # fmt: skip
def test_a_wrong_world_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """File, table and number."""
    path = tmp_path / "world.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        Emulator.in_memory(load_world(path))


def test_a_copy_has_the_same_ids_and_is_closed(api: Api) -> None:
    """`--like`: the pool and its project under their own ids; an open one comes closed."""
    pool = {**default_world().pools[24], "id": "38315862", "project_id": "9"}
    project = {**default_world().projects[1], "id": "9"}
    api.emulator.put(like(pool, project))
    copy = api.get("/pools/38315862").json
    assert copy == {**pool, "status": "CLOSED"}
    assert api.get("/projects/9").json == project
    made = api.post("/tasks", task(pool_id="38315862")).json
    assert made["id"].startswith("000248a756--")


def test_a_copy_changes_no_project_of_other_pools(api: Api) -> None:
    """Under a taken id its project gets another one, the same however often it is copied."""
    before = api.get("/projects/1").json
    pool = {**default_world().pools[21], "id": "900"}
    project = {**default_world().projects[1], "public_name": "Another"}
    for _ in range(2):
        api.emulator.put(apart(api.emulator._context.store, like(pool, project)))
    copy = api.get("/pools/900").json
    assert copy["project_id"] != "1"
    assert api.get(f"/projects/{copy['project_id']}").json["public_name"] == "Another"
    assert api.get("/projects/1").json == before
    assert len(api.get("/projects").json["items"]) == 2


def test_a_copy_of_the_same_project_keeps_its_id(api: Api) -> None:
    """Two pools of one project stay together; and a project that no other pool has is replaced."""
    for number in ("900", "901"):
        pool = {**default_world().pools[21], "id": number, "project_id": "9"}
        project = {**default_world().projects[1], "id": "9"}
        api.emulator.put(apart(api.emulator._context.store, like(pool, project)))
        assert api.get(f"/pools/{number}").json["project_id"] == "9"


def test_a_world_comes_to_the_default_one(tmp_path: Path) -> None:
    """In memory too: pool 21 is there, and what the file says besides."""
    path = tmp_path / "world.toml"
    path.write_text(WORLD)
    emulator = Emulator.in_memory(load_world(str(path)))
    assert emulator._context.pool(21)
    assert emulator._context.pool(700)
    emulator.close()


def test_a_copy_of_a_training_is_one(api: Api) -> None:
    """Told by what only trainings have."""
    training = {**default_world().trainings[25], "id": "99"}
    api.emulator.put(like(training, default_world().projects[1]))
    assert api.get("/trainings/99").json["id"] == "99"
    assert api.post("/tasks", task(pool_id="99")).status == 201


def test_a_world_replaces_pools_and_not_their_tasks(api: Api) -> None:
    """Putting a pool in again changes what it is, not what it holds."""
    api.post("/tasks", task())
    api.emulator.put(default_world())
    assert len(api.listed()) == 1


def test_the_default_world_is_put_in_once(tmp_path: Path) -> None:
    """A pool that was opened is open the next time."""
    path = tmp_path / "e.sqlite3"
    emulator = Emulator(Store(path))
    emulator._context.pools.change(21, "open", 0)
    emulator.close()
    emulator = Emulator(Store(path))
    pool = emulator._context.pool(21)
    assert pool
    assert pool.status == "OPEN"
    emulator.close()


@pytest.mark.parametrize("number", ["x", "9" * 20, None, [], {}])
@pytest.mark.parametrize("what", ["pool", "project"])
def test_an_answer_without_an_id_is_no_copy(what: str, number: object) -> None:
    """`--like` reads what a server says; it may be anything."""
    pool, project = dict(default_world().pools[21]), dict(default_world().projects[1])
    (pool if what == "pool" else project)["id"] = number
    with pytest.raises(ValueError, match=f"the API's answer for the {what} has no id"):
        like(pool, project)


def test_a_copied_pool_without_a_status_is_closed(api: Api) -> None:
    """Null is nothing said."""
    api.emulator.put(
        like({**default_world().pools[21], "status": None}, default_world().projects[1])
    )
    assert api.get("/pools/21").json["status"] == "CLOSED"
