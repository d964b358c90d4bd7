"""Listings: every item is found once, whatever the page; filters and sorting mean what they say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from emulated import Api, suite, task
from hypothesis import given, settings
from hypothesis import strategies as st

_COUNT = 23


@pytest.fixture(scope="module")
def filled() -> Any:
    """Pool 21 with tasks from several seconds, and a few in others."""
    api = Api()
    for number in range(_COUNT):
        api.post("/tasks", [task(number, overlap=1 + number % 4), task(number, pool_id="24")])
        api.clock.advance(0.4)
    yield api
    api.emulator.close()


def pages(api: Api, **query: Any) -> list[list[Any]]:
    """All pages, by `id_gt` or `id_lt`, as the sort says."""
    found = []
    for _ in range(200):
        page = api.get("/tasks", pool_id=21, **query).json
        found.append(page["items"])
        if not page["has_more"]:
            return found
        query["id_lt" if query["sort"] == "-id" else "id_gt"] = page["items"][-1]["id"]
    raise AssertionError("paging does not end")


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 30), sort=st.sampled_from(["id", "-id"]))
def test_paging_finds_each_item_once(filled: Api, limit: int, sort: str) -> None:
    """Pages are full but the last, in order, and hold this pool's items alone."""
    found = pages(filled, limit=limit, sort=sort)
    assert all(len(page) == limit for page in found[:-1])
    ids = [item["id"] for item in itertools.chain(*found)]
    assert len(ids) == _COUNT
    assert ids == sorted(ids, reverse=sort == "-id")
    assert {item["pool_id"] for item in itertools.chain(*found)} == {"21"}


@settings(max_examples=60, deadline=None)
@given(
    field=st.sampled_from(["id", "created", "overlap"]),
    sign=st.sampled_from(["gt", "gte", "lt", "lte"]),
    place=st.integers(0, _COUNT - 1),
)
def test_a_filter_keeps_what_compares_so(filled: Api, field: str, sign: str, place: int) -> None:
    """`<field>_gt`, `_gte`, `_lt`, `_lte` over ids, moments and overlaps."""
    everything = filled.listed()
    bound = everything[place][field]
    compare = {
        "gt": lambda value: value > bound,
        "gte": lambda value: value >= bound,
        "lt": lambda value: value < bound,
        "lte": lambda value: value <= bound,
    }[sign]
    found = filled.get("/tasks", pool_id=21, limit=300, **{f"{field}_{sign}": bound}).json["items"]
    assert [item["id"] for item in found] == [
        item["id"] for item in everything if compare(item[field])
    ]


def test_overlap_is_filtered_by_its_value(filled: Api) -> None:
    """`overlap=2`."""
    found = filled.get("/tasks", pool_id=21, overlap=2).json["items"]
    assert len(found) == 6
    assert {item["overlap"] for item in found} == {2}


def test_fifty_come_without_a_limit(api: Api) -> None:
    """The usual page of tasks and suites."""
    api.post("/tasks", [task(number) for number in range(51)])
    page = api.get("/tasks", pool_id=21).json
    assert (len(page["items"]), page["has_more"]) == (50, True)


def test_sorting_by_several(filled: Api) -> None:
    """A comma-separated list, each with its own direction."""
    found = filled.get("/tasks", pool_id=21, sort="-created,id", limit=300).json["items"]
    keys = [(item["created"], item["id"]) for item in found]
    assert [key[0] for key in keys] == sorted((key[0] for key in keys), reverse=True)


def test_an_id_of_another_pool_is_a_bound_all_the_same(filled: Api) -> None:
    """Ids compare as text: those of pool 24 are behind all of pool 21."""
    other = filled.listed(24)[0]["id"]
    assert filled.get("/tasks", pool_id=21, id_gt=other).json["items"] == []
    assert len(filled.get("/tasks", pool_id=21, id_lt=other).json["items"]) == _COUNT


def test_suites_are_listed_by_pool_or_by_task(api: Api) -> None:
    """`task_id` finds suites that smart mixing built; there are none here."""
    api.post("/task-suites", [suite(0), suite(1)])
    assert len(api.get("/task-suites", pool_id=22).json["items"]) == 2
    assert api.get("/task-suites", task_id="x").json == {"items": [], "has_more": False}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "pool_id"),
        ({"pool_id": 21, "limit": 0}, "limit"),
        ({"pool_id": 21, "limit": "ten"}, "limit"),
        ({"pool_id": 21, "sort": "size"}, "sort"),
        ({"pool_id": 21, "id_gt": "x"}, "id_gt"),
        ({"pool_id": 21, "created_gt": "yesterday"}, "created_gt"),
        ({"pool_id": 21, "overlap": "many"}, "overlap"),
        ({"pool_id": 21, "colour": "red"}, "colour"),
        ({"pool_id": 21, "sort": "id,-id"}, "sort"),
        ({"pool_id": 21, "sort": ",".join(["id"] * 3000)}, "sort"),
        ({"pool_id": "21", "created_gt": "20260101"}, "created_gt"),
        ({"pool_id": "21", "created_gt": "2026-W01-1"}, "created_gt"),
        ({"pool_id": "21", "created_gt": "0001-01-01T00:00:00+14:00"}, "created_gt"),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused(
    api: Api, query: dict[str, Any], field: str
) -> None:
    """400 `VALIDATION_ERROR` that names the parameter."""
    reply = api.get("/tasks", **query)
    assert reply.status == 400
    assert field in reply.json["payload"]


@pytest.mark.parametrize(
    "text", ["2_1", "\u0662\u0661", "+21", " 21", "21\n", "0x15", "21.0", "1e1", "9" * 19]
)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/tasks", "pool_id"),
        ("/task-suites", "pool_id"),
        ("/assignments", "pool_id"),
        ("/pools", "project_id"),
        ("/pools", "id_gt"),
        ("/projects", "id_lte"),
        ("/tasks", "overlap"),
        ("/tasks", "overlap_gte"),
        ("/pools", "limit"),
    ],
)
def test_a_number_is_written_in_digits_alone(api: Api, path: str, name: str, text: str) -> None:
    """One reading for every number in a query: what Python would take besides is 400."""
    reply = api.get(path, **{"pool_id": "21", name: text} if path == "/tasks" else {name: text})
    assert reply.status == 400
    assert name in reply.json["payload"]
    assert api.get(f"/pools/{text}").status == 404
