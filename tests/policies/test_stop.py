"""When sending on is pointless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.policies.stop import MaxErrors, SameReason, StopRule, parse_max_errors

IMAGE = ("input_values.image", "VALUE_REQUIRED")
TEXT = ("input_values.text", "STRING_EXPECTED")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("0", MaxErrors(0)),
        ("100", MaxErrors(100)),
        ("5%", MaxErrors(5, percent=True)),
        (" 0.5 % ", MaxErrors(0.5, percent=True)),
        ("100%", MaxErrors(100, percent=True)),
    ],
)
def test_max_errors_is_a_number_or_a_share(text: str, parsed: MaxErrors) -> None:
    """Rows, or percent of the rows done; it prints as it was written."""
    assert parse_max_errors(text) == parsed
    assert str(parsed) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "many", "5%%", "٣", "101%", "nan%"])
def test_what_is_no_bound_is_refused(text: str) -> None:
    """A bound is never guessed at."""
    with pytest.raises(ValueError, match=r"like 5%|at most 100%"):
        parse_max_errors(text)


def test_more_rejected_rows_than_the_number_stop() -> None:
    """The number itself is still borne; 0 bears none."""
    assert not StopRule(MaxErrors(10)).passed(10_000, 10)
    assert StopRule(MaxErrors(10)).passed(10_000, 11)
    assert not StopRule(MaxErrors(0)).passed(10_000, 0)
    assert StopRule(MaxErrors(0)).passed(1, 1)


def test_a_share_counts_against_the_rows_done() -> None:
    """5 % of 10,000 rows are borne, and not one more."""
    rule = StopRule(MaxErrors(5, percent=True))
    assert not rule.passed(10_000, 500)
    assert rule.passed(10_000, 501)


def test_a_share_of_few_rows_is_judged_as_of_a_hundred() -> None:
    """One bad row among the first three is not "33 %"; a bad stretch shows before a hundred rows are done."""
    rule = StopRule(MaxErrors(5, percent=True))
    assert not rule.passed(3, 1)
    assert not rule.passed(5, 5)
    assert rule.passed(6, 6)
    assert not rule.passed(100, 5)
    assert rule.passed(100, 6)


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_without_a_bound_nothing_stops(rows: int, rejected: int) -> None:
    """`--max-errors` is off unless given."""
    assert not StopRule(None).passed(rows, min(rows, rejected))


def test_two_chunks_refused_for_one_reason_end_it() -> None:
    """When every row lacks the image, the third chunk is not tried."""
    rule = SameReason()
    assert rule.chunk(500, 500, {IMAGE: 500}) is None, (
        "one chunk may be one bad stretch of the file"
    )
    assert rule.chunk(500, 500, {IMAGE: 500, TEXT: 200}) == IMAGE, (
        "a second fault in some rows changes nothing"
    )


def test_small_chunks_are_counted_up_to_a_hundred_rows() -> None:
    """Ten chunks of ten rows, not two."""
    rule = SameReason()
    answers = [rule.chunk(10, 10, {IMAGE: 10}) for _ in range(10)]
    assert answers == [None] * 9 + [IMAGE]


def test_a_single_good_row_settles_it() -> None:
    """Where one row was accepted, others may be: it never stops after that."""
    rule = SameReason()
    rule.chunk(500, 499, {IMAGE: 499})
    assert [rule.chunk(500, 500, {IMAGE: 500}) for _ in range(10)] == [None] * 10


def test_different_reasons_settle_it() -> None:
    """Rows that are refused for this and that are bad rows, not a wrong column."""
    rule = SameReason()
    rule.chunk(500, 500, {IMAGE: 300, TEXT: 200})
    assert rule.chunk(500, 500, {IMAGE: 500}) is None
    rule = SameReason()
    rule.chunk(500, 500, {IMAGE: 500})
    assert rule.chunk(500, 500, {TEXT: 500}) is None, "a reason must be common to all chunks"


def test_rows_refused_without_a_reason_never_stop_it() -> None:
    """No reason cannot be named as one; nor does a chunk without rows say anything."""
    rule = SameReason()
    assert [rule.chunk(500, 500, {}) for _ in range(3)] == [None] * 3
    rule = SameReason()
    assert [rule.chunk(0, 0, {}) for _ in range(3)] == [None] * 3
