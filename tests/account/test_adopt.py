"""`adopt`: what a pool has from elsewhere is known, and no row of it is created again."""

from __future__ import annotations

from pathlib import Path

from account_runs import STATE, URL, adopt, elsewhere, forget, general, golden, upload
from input_runs import Service, world
from input_runs import upload as upload_files

from toloka_upload.run.history import past_runs


def test_rows_of_another_program_are_already_uploaded(service: Service) -> None:
    """The listing alone tells; an upload of the same rows creates nothing, and names their ids."""
    rows = [general(number) for number in range(700)]
    elsewhere(service, rows)
    report = adopt(service)
    assert (report.exit_status, report.counts) == (0, {"listed": 700, "adopted": 700, "known": 0})
    assert upload(service, rows).counts == {"read": 700, "already_uploaded": 700}
    assert len(service.pool()) == 700


def test_a_lost_journal_is_learnt_again(service: Service) -> None:
    """What this program uploaded counts like anything else in the pool."""
    rows = [general(number) for number in range(10)] + [golden(3), golden(3, "BAD")]
    upload(service, rows)
    forget()
    assert adopt(service).counts["adopted"] == 12
    assert upload(service, [*rows, general(10)]).counts == {
        "read": 13,
        "created": 1,
        "already_uploaded": 12,
    }


def test_a_journal_that_is_damaged_is_kept_aside_and_learnt_again(service: Service) -> None:
    """An upload ends with 73 and names `adopt`; after that, nothing is created twice."""
    rows = [general(number) for number in range(10)]
    upload(service, rows)
    (journal,) = (STATE / "journals").glob("*.db")
    data = journal.read_bytes()
    journal.write_bytes(data[: len(data) // 2])
    refused = upload(service, rows)
    assert refused.exit == 73
    assert len(service.pool()) == 10
    assert adopt(service).counts["adopted"] == 10
    assert upload(service, rows).counts == {"read": 10, "already_uploaded": 10}
    assert list((STATE / "journals").glob("*.damaged-1*"))


def test_adopting_twice_adopts_nothing_new(service: Service) -> None:
    """Known items are counted as known, those of uploads and those that were adopted."""
    elsewhere(service, [general(1)])
    upload(service, [general(2)])
    assert adopt(service).counts == {"listed": 2, "adopted": 1, "known": 1}
    assert adopt(service).counts == {"listed": 2, "adopted": 0, "known": 2}


def test_equal_rows_are_adopted_by_number(service: Service) -> None:
    """Two equal tasks in the pool stand for two equal rows; a third row is new."""
    elsewhere(service, [general(1), general(1)])
    adopt(service)
    assert upload(service, [general(1)] * 3).counts == {
        "read": 3,
        "created": 1,
        "already_uploaded": 2,
    }
    assert upload(service, [general(1)] * 3).counts == {"read": 3, "already_uploaded": 3}


def test_uploaded_and_adopted_tasks_stand_for_one_row_each(service: Service) -> None:
    """One equal task is ours, one another program's: two rows are known, the third is not."""
    upload(service, [general(1)])
    elsewhere(service, [general(1)])
    adopt(service)
    assert upload(service, [general(1)] * 3).counts["created"] == 1


def test_a_control_task_is_no_general_one(service: Service) -> None:
    """Solutions and hints are part of what a task is; overlap is not, for the API fills it in."""
    elsewhere(service, [general(1, overlap=7), golden(2)])
    adopt(service)
    counts = upload(service, [general(1), golden(2, overlap=3), golden(1), general(2)]).counts
    assert counts == {"read": 4, "created": 2, "already_uploaded": 2}


def test_suites_are_adopted_whole_and_by_their_tasks(service: Service) -> None:
    """Whether the rows come as suites or are grouped into suites, of whatever size."""
    suites = [{"tasks": [general(3 * n), general(3 * n + 1), golden(3 * n + 2)]} for n in range(4)]
    elsewhere(service, suites, "22", "task-suites")
    assert adopt(service, "22").counts["listed"] == 4
    whole = upload(service, [*suites, {"tasks": [general(99)]}], pool="22")
    assert whole.counts == {"read": 5, "created": 1, "already_uploaded": 4}
    rows = [task for suite in suites for task in suite["tasks"]]
    grouped = upload(service, [*rows, general(77)], pool="22", suite_size=5)
    assert grouped.counts == {"read": 13, "created": 1, "already_uploaded": 12}


def test_what_was_taken_back_is_not_adopted(service: Service) -> None:
    """An overlap of zero: nobody has it, and nobody will."""
    taken, _ = elsewhere(service, [general(1), general(2)])
    path = f"/api/v1/tasks/{taken}/set-overlap-or-min"
    body = b'{"overlap":0,"infinite_overlap":false}'
    assert service("PATCH", path, {}, {"content-type": "application/json"}, body)[0] == 200
    assert adopt(service).counts == {"listed": 1, "adopted": 1, "known": 0}
    assert upload(service, [general(1), general(2)]).counts["created"] == 1


def test_numbers_count_by_value(service: Service) -> None:
    """The pool may write 1.10 as 1.1 and 2.0 as 2."""
    elsewhere(service, [general(1) | {"input_values": {"image": URL, "score": 1.1, "number": 2}}])
    adopt(service)
    path = Path("b.jsonl")
    path.write_text(f'{{"input_values":{{"score":1.10,"image":"{URL}","number":2}}}}\n')
    assert upload_files(service, STATE, path).counts == {"read": 1, "already_uploaded": 1}


def test_again_uploads_adopted_rows_once_more(service: Service) -> None:
    """As it does with every row that is known."""
    elsewhere(service, [general(1)])
    adopt(service)
    assert upload(service, [general(1)], again=True).counts == {"read": 1, "created": 1}


def test_a_dry_run_knows_adopted_rows(service: Service) -> None:
    """It tells what would be sent, without touching the journal."""
    elsewhere(service, [general(1)])
    adopt(service)
    assert upload(service, [general(1), general(2)], dry_run=True).counts == {
        "read": 2,
        "already_uploaded": 1,
        "unsent": 1,
    }


def test_an_adoption_is_a_run(service: Service) -> None:
    """`runs` shows it."""
    elsewhere(service, [general(1)])
    adopt(service)
    (run,) = past_runs(STATE)
    assert (run.state, run.command) == ("ok", "adopt")


def test_an_archived_pool_can_be_adopted(make_service) -> None:
    """It is only read."""
    assert adopt(make_service(world(status="ARCHIVED"))).exit_status == 0
