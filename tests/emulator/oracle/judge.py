"""The official client drives an emulator and says what it thinks. Runs in the oracle's own environment.

    python judge.py http://127.0.0.1:8080/api/v1

Each check is a claim about what toloka-kit returns: values, and the types that the SDK's classes promise.
"""

# The checks are no pytest tests: their names are the claims, and a failed assertion shows its line.
# ruff: noqa: D103, PT018

import datetime as dt
import decimal
import json
import logging
import re
import sys
import traceback
import urllib.request
import uuid
from pathlib import Path

import toloka.client as toloka
from toloka.client import exceptions, operations, search_requests
from toloka.client.batch_create_results import TaskBatchCreateResult, TaskSuiteBatchCreateResult
from toloka.client.operation_log import OperationLogItem
from toloka.client.task import BaseTask, CreateTaskParameters, CreateTasksParameters

URL = sys.argv[1]
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "emulator.md"
SERVER = URL.removesuffix("/api/v1")
logging.disable(logging.CRITICAL)
client = toloka.TolokaClient("a-token", url=SERVER, retries=2, timeout=30)
checks = []


def check(function):
    checks.append(function)
    return function


def tasks(count, pool="21", **more):
    return [
        toloka.Task(
            pool_id=pool,
            input_values={"image": f"https://example.com/{uuid.uuid4()}-{i}.jpg", "text": "кот"},
            **more,
        )
        for i in range(count)
    ]


def broken(pool="21"):
    return toloka.Task(pool_id=pool, input_values={"text": "no image"}, overlap=1)


def refused(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as problem:
        return problem
    raise AssertionError(f"{kind.__name__} was not raised")


def control(path, body):
    request = urllib.request.Request(
        f"{SERVER}/_emulator/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "OAuth secret"},
    )
    return json.load(urllib.request.urlopen(request))


def typed(value, beyond=()):
    """What the SDK could not place in its types lands in `_unexpected`; `beyond` it the documents know members."""
    unexpected = set(getattr(value, "_unexpected", None) or ()) - set(beyond)
    assert not unexpected, f"unexpected members: {unexpected}"
    return value


def counters(total, valid, success):
    return {
        "total_count": total,
        "valid_count": valid,
        "not_valid_count": total - valid,
        "success_count": success,
        "failed_count": total - success,
    }


def finished(operation):
    return client.wait_operation(operation, disable_progress=True)


@check
def requester():
    me = typed(client.get_requester())
    assert (
        isinstance(me.id, str) and isinstance(me.balance, decimal.Decimal) and me.public_name["EN"]
    )
    typed(me.company)


@check
def pool_with_smart_mixing():
    pool = typed(client.get_pool("21"))
    assert (pool.id, pool.project_id, pool.status) == ("21", "1", toloka.Pool.Status.CLOSED)
    assert isinstance(pool.created, dt.datetime) and isinstance(pool.will_expire, dt.datetime)
    assert typed(pool.mixer_config).real_tasks_count == 8
    assert typed(pool.defaults).default_overlap_for_new_tasks == 3
    assert pool.type == toloka.Pool.Type.REGULAR


@check
def pools_of_other_kinds():
    assert client.get_pool("22").mixer_config is None
    assert client.get_pool("23").is_archived() and client.get_pool("24").is_open()


@check
def all_pools_by_paging():
    assert [pool.id for pool in client.get_pools(batch_size=2)] == ["21", "22", "23", "24"]
    found = client.find_pools(status="ARCHIVED", limit=5)
    assert [pool.id for pool in found.items] == ["23"] and found.has_more is False


@check
def training():
    training = typed(client.get_training("25"))
    assert training.id == "25" and training.status == toloka.Training.Status.CLOSED
    result = client.create_tasks(
        tasks(
            2,
            "25",
            infinite_overlap=True,
            known_solutions=[BaseTask.KnownSolution(output_values={"result": "OK"})],
            message_on_unknown_solution="hint",
        )
    )
    assert len(result.items) == 2
    assert all(
        typed(task).infinite_overlap and task.message_on_unknown_solution == "hint"
        for task in result.items.values()
    )


@check
def project_and_its_spec():
    project = typed(client.get_project("1"), beyond=["owner"])
    spec = typed(project.task_spec)
    assert (
        spec.input_spec["image"].required and type(spec.input_spec["image"]).__name__ == "UrlSpec"
    )
    assert spec.output_spec["result"].allowed_values == ["OK", "BAD"]
    for field in [*spec.input_spec.values(), *spec.output_spec.values()]:
        typed(field)
    assert [found.id for found in client.get_projects()] == ["1"]


@check
def one_task_synchronously():
    task = typed(client.create_task(tasks(1, overlap=2)[0], CreateTaskParameters(async_mode=False)))
    assert task.overlap == 2 and task.infinite_overlap is False and task.remaining_overlap == 2
    assert isinstance(task.created, dt.datetime) and task.id.startswith(f"{21:010x}--")
    again = typed(client.get_task(task.id))
    assert again == task


@check
def tasks_synchronously():
    result = client.create_tasks(
        tasks(3), CreateTasksParameters(async_mode=False, allow_defaults=True)
    )
    assert isinstance(result, TaskBatchCreateResult) and set(result.items) == {"0", "1", "2"}
    assert not result.validation_errors
    assert all(typed(task).overlap == 3 for task in result.items.values())


@check
def tasks_synchronously_skipping():
    batch = [tasks(1, overlap=1)[0], broken(), tasks(1, overlap=1)[0]]
    result = client.create_tasks(
        batch, CreateTasksParameters(async_mode=False, skip_invalid_items=True)
    )
    assert set(result.items) == {"0", "2"} and set(result.validation_errors) == {"1"}
    assert result.validation_errors["1"]["input_values.image"].code == "VALUE_REQUIRED"


@check
def tasks_synchronously_all_or_nothing():
    batch = [tasks(1, overlap=1)[0], broken()]
    problem = refused(
        exceptions.ValidationApiError,
        client.create_tasks,
        batch,
        CreateTasksParameters(async_mode=False),
    )
    assert problem.code == "VALIDATION_ERROR" and problem.request_id
    assert list(problem.payload) == ["1.input_values.image"]
    left = [task.input_values["image"] for task in client.get_tasks(pool_id="21")]
    assert batch[0].input_values["image"] not in left


@check
def tasks_synchronously_through_an_operation():
    batch = tasks(120, overlap=1)
    result = client.create_tasks(batch)
    assert len(result.items) == 120
    sent = {str(place): task.input_values for place, task in enumerate(batch)}
    assert {place: typed(task).input_values for place, task in result.items.items()} == sent


@check
def tasks_through_an_operation_skipping():
    batch = [tasks(1, overlap=1)[0], broken(), tasks(1, overlap=1)[0]]
    result = client.create_tasks(batch, skip_invalid_items=True)
    assert set(result.items) == {"0", "2"}
    assert result.validation_errors["1"]["input_values.image"].code == "VALUE_REQUIRED"


@check
def tasks_through_an_operation_all_or_nothing():
    batch = [tasks(1, overlap=1)[0], broken()]
    problem = refused(exceptions.ValidationApiError, client.create_tasks, batch)
    assert problem.payload["1"]["input_values.image"].code == "VALUE_REQUIRED"


@check
def tasks_asynchronously():
    operation = client.create_tasks_async(tasks(5, overlap=1))
    assert isinstance(operation, operations.TasksCreateOperation)
    assert operation.status in (
        operations.Operation.Status.PENDING,
        operations.Operation.Status.RUNNING,
    )
    assert isinstance(operation.submitted, dt.datetime)
    assert (
        operation.parameters.skip_invalid_items is False
        and operation.parameters.allow_defaults is False
    )
    done = finished(operation)
    assert done.status == operations.Operation.Status.SUCCESS and done.progress == 100
    assert isinstance(done.started, dt.datetime) and isinstance(done.finished, dt.datetime)
    assert done.details == counters(total=5, valid=5, success=5)


@check
def a_failed_operation():
    operation = client.create_tasks_async([tasks(1, overlap=1)[0], broken()])
    done = finished(operation)
    assert done.status == operations.Operation.Status.FAIL
    assert done.details == counters(total=2, valid=1, success=0)


@check
def an_operation_and_its_log():
    batch = [tasks(1, overlap=1)[0], broken()]
    for place, task in enumerate(batch):
        task._unexpected = {"__item_idx": str(place)}
    operation = client.create_tasks_async(batch, skip_invalid_items=True)
    finished(operation)
    log = list(client.get_operation_log(operation.id))
    assert len(log) == 2 and all(isinstance(entry, OperationLogItem) for entry in log)
    by_type = {entry.type: entry for entry in log}
    bad, good = by_type["TASK_VALIDATE"], by_type["TASK_CREATE"]
    assert not bad.success and bad.output["input_values.image"]["code"] == "VALUE_REQUIRED"
    assert bad.input["__item_idx"] == "1" and good.input["__item_idx"] == "0"
    assert (
        good.success
        and client.get_task(good.output["task_id"]).input_values == batch[0].input_values
    )
    assert good.input["overlap"] == 1


@check
def a_repeated_operation_id():
    chosen = uuid.uuid4()
    batch = tasks(4, overlap=1)
    parameters = CreateTasksParameters(operation_id=chosen)
    first = client.create_tasks(batch, parameters)
    before = len(list(client.get_tasks(pool_id="21")))
    again = client.create_tasks(batch, CreateTasksParameters(operation_id=chosen))
    assert {task.id for task in first.items.values()} == {task.id for task in again.items.values()}
    assert len(list(client.get_tasks(pool_id="21"))) == before
    assert client.get_operation(str(chosen)).id == str(chosen)


@check
def an_answer_lost_after_the_work():
    control(
        "faults",
        {
            "action": "refuse-after",
            "method": "POST",
            "path": "/tasks",
            "status": 500,
            "body": "json",
        },
    )
    batch = tasks(3, overlap=1)
    result = client.create_tasks(batch)
    assert len(result.items) == 3
    images = {task.input_values["image"] for task in batch}
    assert sum(task.input_values["image"] in images for task in client.get_tasks(pool_id="21")) == 3


@check
def suites_synchronously_and_through_an_operation():
    suites = [
        toloka.TaskSuite(
            pool_id="22",
            overlap=2,
            tasks=[
                BaseTask(input_values={"image": f"https://example.com/{i}{j}.jpg"})
                for j in range(3)
            ],
        )
        for i in range(4)
    ]
    for asynchronous in (False, True):
        result = client.create_task_suites(suites, async_mode=asynchronous)
        assert isinstance(result, TaskSuiteBatchCreateResult) and len(result.items) == 4
        suite = typed(result.items["0"])
        assert suite.overlap == 2 and suite.mixed is False and len(suite.tasks) == 3
        assert typed(client.get_task_suite(suite.id)) == suite
    single = client.create_task_suite(
        toloka.TaskSuite(pool_id="22", infinite_overlap=True, tasks=suites[0].tasks)
    )
    assert single.infinite_overlap is True and single.overlap is None


@check
def suites_that_are_refused():
    bad = toloka.TaskSuite(pool_id="22", overlap=1, tasks=[BaseTask(input_values={"image": "x"})])
    problem = refused(
        exceptions.ValidationApiError, client.create_task_suites, [bad], async_mode=False
    )
    assert problem.payload["0.tasks.0.input_values.image"]["code"] == "INVALID_URL_SYNTAX"
    good = toloka.TaskSuite(
        pool_id="22", overlap=1, tasks=[BaseTask(input_values={"image": "http://x"})]
    )
    operation = client.create_task_suites_async([good, bad], skip_invalid_items=True)
    assert isinstance(operation, operations.TaskSuiteCreateBatchOperation)
    done = finished(operation)
    assert done.details == counters(total=2, valid=1, success=1)
    types = sorted(entry.type for entry in client.get_operation_log(operation.id))
    assert types == ["TASK_SUITE_CREATE", "TASK_SUITE_VALIDATE"]


@check
def suites_listed():
    found = list(client.get_task_suites(pool_id="22", batch_size=2))
    assert len(found) >= 9 and len({suite.id for suite in found}) == len(found)
    assert all(isinstance(suite.created, dt.datetime) for suite in found)


@check
def tasks_listed_by_paging():
    everything = list(client.get_tasks(pool_id="21", batch_size=7))
    assert [task.id for task in everything] == sorted(task.id for task in everything)
    assert len({task.id for task in everything}) == len(everything) > 120
    page = client.find_tasks(pool_id="21", limit=10, sort=search_requests.TaskSortItems(["-id"]))
    assert page.has_more is True and page.items[0].id == everything[-1].id
    some = list(client.get_tasks(pool_id="21", id_gte=everything[3].id, id_lt=everything[9].id))
    assert [task.id for task in some] == [task.id for task in everything[3:9]]
    assert all(task.overlap == 3 for task in client.get_tasks(pool_id="21", overlap=3))
    since = everything[-1].created
    assert {task.id for task in client.get_tasks(pool_id="21", created_gte=since)} >= {
        everything[-1].id
    }


@check
def a_limit_that_is_too_high():
    problem = refused(exceptions.ValidationApiError, client.find_tasks, pool_id="21", limit=301)
    assert "limit" in problem.payload


@check
def opening_a_pool():
    operation = client.open_pool_async("22")
    assert (
        isinstance(operation, operations.PoolOpenOperation) and operation.parameters.pool_id == "22"
    )
    done = finished(operation)
    assert done.status == operations.Operation.Status.SUCCESS
    assert client.get_pool("22").is_open()
    assert client.open_pool_async("22") is None
    assert client.close_pool("22").is_closed()


@check
def opening_with_creation():
    operation = client.create_tasks_async(tasks(1, overlap=1), open_pool=True)
    finished(operation)
    opening = [
        entry for entry in client.get_operation_log(operation.id) if entry.type == "POOL_OPEN"
    ]
    assert len(opening) == 1 and opening[0].success and opening[0].input == {"pool_id": 21}
    assert client.get_pool("21").is_open()


@check
def opening_what_cannot_be():
    problem = refused(exceptions.IncorrectActionsApiError, client.open_pool, "23")
    assert problem.status_code == 409 and problem.payload["appropriate_statuses"] == ["CLOSED"]


@check
def operations_searched():
    found = client.find_operations(
        type=operations.OperationType.TASK_BATCH_CREATE, limit=3, sort=["-submitted"]
    )
    assert len(found.items) == 3 and found.has_more is True
    moments = [operation.submitted for operation in found.items]
    assert moments == sorted(moments, reverse=True)
    everything = list(client.get_operations(batch_size=5))
    assert len({operation.id for operation in everything}) == len(everything)
    assert len(everything) > 10, len(everything)
    failed = list(client.get_operations(status=operations.Operation.Status.FAIL))
    assert failed and all(
        operation.status == operations.Operation.Status.FAIL for operation in failed
    )
    opened = client.find_operations(type=operations.OperationType.POOL_OPEN).items
    assert opened and all(
        isinstance(operation, operations.PoolOpenOperation) for operation in opened
    )


@check
def what_does_not_exist():
    for call, number in (
        (client.get_pool, "404"),
        (client.get_task, "404"),
        (client.get_operation, "404"),
        (client.get_project, "404"),
    ):
        assert refused(exceptions.DoesNotExistApiError, call, number).status_code == 404


@check
def a_pool_that_takes_nothing():
    problem = refused(exceptions.ApiError, client.create_tasks, tasks(1, "23", overlap=1))
    assert problem.status_code == 409 and problem.code == "POOL_INAPPROPRIATE_STATUS"


@check
def too_many_items():
    batch = [toloka.Task(pool_id="21", input_values={"image": "http://x"}, overlap=1)] * 5001
    problem = refused(
        exceptions.ApiError, client.create_tasks, batch, CreateTasksParameters(async_mode=False)
    )
    assert problem.status_code == 413


@check
def the_daily_quota():
    control("switches", {"tasks_per_day": 1})
    problem = refused(exceptions.TooManyRequestsApiError, client.create_tasks, tasks(1, overlap=1))
    assert problem.payload == {"interval": "DAY"}
    control("switches", {"tasks_per_day": 0})


@check
def tasks_and_suites_changed():
    task = client.create_task(tasks(1, "25", overlap=3)[0])
    assert typed(client.patch_task(task.id, overlap=5, infinite_overlap=False)).overlap == 5
    control("taken", {task.id: 2})
    back = typed(client.patch_task_overlap_or_min(task.id, overlap=0))
    assert (back.overlap, back.remaining_overlap) == (2, 0)
    problem = refused(exceptions.ValidationApiError, client.patch_task, task.id, overlap=0)
    assert problem.payload["overlap"]["code"] == "VALUE_LESS_THAN_MIN"
    golden = [BaseTask.KnownSolution(output_values={"result": "OK"})]
    assert client.patch_task(task.id, known_solutions=golden).known_solutions == golden
    suite = next(client.get_task_suites(pool_id="22"))
    assert client.patch_task_suite(suite.id, infinite_overlap=True).infinite_overlap is True
    assert client.patch_task_suite_overlap_or_min(suite.id, overlap=0).remaining_overlap == 0


@check
def a_project_edited_and_cloned():
    project = client.get_project("1")
    project.public_name = "Another name"
    edited = typed(client.update_project("1", project), beyond=["owner"])
    assert edited.public_name == "Another name"
    cloned = client.clone_project("1")
    assert len(cloned.pools) == 4 and len(cloned.trainings) == 1
    for pool in cloned.pools:
        assert typed(client.get_pool(pool.id)).project_id == cloned.project.id
        assert client.archive_pool(pool.id).is_archived()
    assert client.archive_project(cloned.project.id).status.value == "ARCHIVED"


@check
def pools_edited_cloned_and_prioritised():
    pool = client.clone_pool("21")
    pool.private_name = "Copy"
    pool.dynamic_pricing_config = toloka.pool.DynamicPricingConfig(
        toloka.pool.DynamicPricingConfig.Type.SKILL,
        "1",
        [toloka.pool.DynamicPricingConfig.Interval(from_=1, to=50, reward_per_assignment=0.03)],
    )
    assert typed(client.update_pool(pool.id, pool)).private_name == "Copy"
    assert client.patch_pool(pool.id, toloka.pool.PoolPatchRequest(priority=42)).priority == 42
    client.create_task(tasks(1, pool.id, overlap=1)[0])
    client.open_pool(pool.id)
    problem = refused(exceptions.IncorrectActionsApiError, client.update_pool, pool.id, pool)
    assert problem.payload["appropriate_statuses"] == ["CLOSED"]
    assert client.close_pool_for_update(pool.id).is_closed()
    assert client.find_pools(sort=["-last_started"], limit=1).items[0].id == pool.id


@check
def trainings_made_and_told():
    training = typed(client.clone_training("25"))
    training.private_name = "Lessons"
    assert client.update_training(training.id, training).private_name == "Lessons"
    made = client.create_training(training)
    assert made.id != training.id and client.archive_training(made.id).is_archived()


@check
def the_pipeline_of_the_document():
    text = DOCUMENT.read_text(encoding="utf-8").replace("http://127.0.0.1:8080", SERVER)
    parts = re.findall(r"(?s)```python\n(.*?)```", text)
    names = {}
    for part in parts:
        if "client." in part:
            exec(compile(part, str(DOCUMENT), "exec"), names)


@check
def answers_searched():
    found = [typed(one) for one in client.get_assignments(pool_id="21")]
    assert found == []
    task = client.create_task(tasks(1, "21", overlap=2)[0])
    said = {"tasks": [task.id], "solutions": [{"output_values": {"result": "OK"}}]}
    for status in ("SUBMITTED", "ACCEPTED", "SKIPPED"):
        control("assignments", {**said, "status": status})
    statuses = [toloka.Assignment.SUBMITTED, toloka.Assignment.ACCEPTED]
    found = [typed(one) for one in client.get_assignments(pool_id="21", status=statuses)]
    assert len(found) == 2 and all(one.tasks[0].id == task.id for one in found)
    assert (
        client.reject_assignment(
            next(one.id for one in found if one.status.value == "SUBMITTED"), "No"
        ).status.value
        == "REJECTED"
    )
    assert client.get_task(task.id).remaining_overlap == 1  # it is issued again


@check
def a_wrong_token():
    control("switches", {"require_token": "secret"})
    try:
        assert refused(exceptions.ApiError, client.get_pool, "21").status_code == 401
        assert toloka.TolokaClient("secret", url=SERVER).get_pool("21").id == "21"
    finally:
        control("switches", {"require_token": ""})


def main():
    failed = 0
    for function in checks:
        try:
            function()
        except Exception:  # noqa: BLE001
            failed += 1
            print(f"FAILED {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
