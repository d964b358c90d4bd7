"""Who waits for whom before a pool's listing is looked into."""

from __future__ import annotations

from toloka_upload.items.identity import digest
from toloka_upload.session.arrivals import Arrivals

X, Y, Z = digest(b"x"), digest(b"y"), digest(b"z")


def test_a_look_waits_for_requests_with_equal_rows_and_for_no_others() -> None:
    """What an equal one creates could be taken for what is looked for; what others create could not."""
    arrivals = Arrivals()
    for number, contents in enumerate([X, X + Y, Y, Z]):
        arrivals.expect(number, contents, 0.0)
    with arrivals.look({0}, {X}) as look:
        assert not look.may_begin()
        arrivals.over(1)
        assert look.may_begin()


def test_two_looks_for_equal_rows_do_not_wait_for_each_other() -> None:
    """Which of them gets which of two equal items makes no difference, and neither waits for ever."""
    arrivals = Arrivals()
    arrivals.expect(0, X, 0.0)
    arrivals.expect(1, X, 0.0)
    with arrivals.look({0}, {X}) as first, arrivals.look({1}, {X}) as second:
        assert first.may_begin()
        assert second.may_begin()


def test_a_look_that_is_not_certain_waits_for_one_that_is() -> None:
    """It would take all there is, and leave the other one without what it must have created."""
    arrivals = Arrivals()
    arrivals.expect(0, X, 0.0)
    arrivals.expect(1, X, 0.0)
    with arrivals.look({0}, {X}) as guess:
        with arrivals.look({1}, {X}, certain=True) as certain:
            assert certain.may_begin()
            assert not guess.may_begin()
            arrivals.over(1)
        assert guess.may_begin()


def test_a_look_goes_on_waiting_for_a_request_that_has_another_record() -> None:
    """The same request again: the one of an earlier run, taken over by the record of this one."""
    arrivals = Arrivals()
    arrivals.expect(0, X, 0.0)
    arrivals.expect(1, X, 0.0)
    with arrivals.look({0}, {X}) as look:
        arrivals.rename(1, 2)
        assert not look.may_begin()
        arrivals.over(2)
        assert look.may_begin()


def test_what_a_request_may_have_created_that_was_given_up_is_nobodys() -> None:
    """Nobody waits for it, and what is equal to its rows cannot be told from them."""
    arrivals = Arrivals()
    arrivals.expect(0, X + Y, 0.0)
    arrivals.expect(1, X + Z, 0.0)
    arrivals.give_up(1)
    with arrivals.look({0}, {X, Y}) as look:
        assert look.may_begin()
        look.begin()
        assert X in look.unclear
        assert Y not in look.unclear


def test_new_requests_wait_from_when_a_look_is_asked_for_and_old_ones_while_it_is_on() -> None:
    """A look may wait for one that left before: that one must be able to go again."""
    arrivals = Arrivals()
    arrivals.expect(0, X, 0.0)
    with arrivals.look({0}, {X}) as look:
        assert (arrivals.asked, arrivals.looking) == (True, False)
        look.begin()
        assert (arrivals.asked, arrivals.looking) == (True, True)
    assert (arrivals.asked, arrivals.looking) == (False, False)


def test_the_time_of_the_latest_try_counts() -> None:
    """A request that leaves again may take its whole time again."""
    arrivals = Arrivals()
    arrivals.expect(0, X, 1.0)
    arrivals.expect(0, X, 5.0)
    assert arrivals.left_at(0) == 5.0
    arrivals.over(0)
    assert arrivals.left_at(0) is None
    assert 0 not in arrivals
