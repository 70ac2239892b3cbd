"""Who is waited for, and who has to leave."""

import pytest

from pyrdpmux.mux.streaming.turns import BURDEN, MAX_BACKLOG, MAX_LAG, PATIENCE, RELIEF, SLACK, Turns
from tests.mux.streaming.seats import FakeSeat

NOW = 50.0


def goes(turns: Turns, seats: list[FakeSeat], now: float = NOW) -> list[object]:
    """A frame goes after as much patience as there is; who has to leave before."""
    at = turns.frame_at(seats, now, now)
    if at is not None and at > now:
        assert turns.frame_at(seats, now, at) == at
    return list(turns.take_leavers(seats, now + PATIENCE))


def test_nobody_is_waited_for_by_who_is_not_ready() -> None:
    turns = Turns()
    assert turns.frame_at([FakeSeat(NOW + 3), FakeSeat(None)], NOW, NOW) == NOW + 3
    assert turns.frame_at([FakeSeat(None)], NOW, NOW) is None
    assert turns.frame_at([FakeSeat()], NOW + 1, NOW) == NOW + 1
    assert turns.take_leavers([FakeSeat()], NOW) == []


def test_no_seat_is_asked_for_what_is_due_later() -> None:
    """Whoever is not ready by then is waited for as if it had been due only now."""
    turns, seats = Turns(), [FakeSeat(), FakeSeat(None)]
    assert turns.frame_at(seats, NOW, NOW) == NOW + PATIENCE
    asked = [seat.asked for seat in seats]
    assert turns.frame_at(seats, NOW + 1, NOW) == NOW + 1
    assert [seat.asked for seat in seats] == asked
    assert turns.take_leavers(seats, NOW) == []
    assert turns.frame_at(seats, NOW + 1, NOW + 1) == NOW + 1 + PATIENCE


def test_who_will_be_ready_soon_is_waited_for() -> None:
    turns = Turns()
    seats = [FakeSeat(), FakeSeat(NOW + SLACK - 0.001)]
    assert turns.frame_at(seats, NOW, NOW) == NOW + SLACK - 0.001
    seats.append(FakeSeat(NOW + 2 * SLACK))
    assert turns.frame_at(seats, NOW, NOW) == NOW + PATIENCE


def test_who_is_late_too_often_in_a_row_leaves() -> None:
    turns, seats = Turns(), [FakeSeat(), FakeSeat(NOW + 10)]
    for _ in range(BURDEN):
        assert goes(turns, seats) == []
    assert goes(turns, seats) == [seats[1]]


def test_who_is_late_now_and_then_does_not() -> None:
    turns, quick, slow = Turns(), FakeSeat(), FakeSeat()
    for number in range(100 * BURDEN):
        slow.ready = 0.0 if number % (RELIEF + 1) == 0 else NOW + 10
        assert goes(turns, [quick, slow]) == []


def test_who_lags_behind_the_others_leaves_as_soon_as_it_is_late() -> None:
    turns, seats = Turns(), [FakeSeat(), FakeSeat()]
    seats[1].behind = MAX_LAG + 0.01
    assert goes(turns, seats) == []
    seats[1].ready = NOW + 10
    assert goes(turns, seats) == [seats[1]]


def test_who_reads_nothing_leaves_before_much_waits_for_it() -> None:
    turns, seats = Turns(), [FakeSeat(), FakeSeat()]
    seats[1].backlog = MAX_BACKLOG + 1
    assert goes(turns, seats) == [], "it is ready: the others' frames are no burden"
    seats[1].ready = NOW + 10
    seats[1].backlog = MAX_BACKLOG
    assert goes(turns, seats) == []
    seats[1].backlog = MAX_BACKLOG + 1
    assert goes(turns, seats) == [seats[1]]


def test_nobody_leaves_where_all_lag_alike() -> None:
    """It is this machine that is slow then: more streams would make it slower still."""
    turns, seats = Turns(), [FakeSeat() for _ in range(5)]
    for seat in seats:
        seat.behind = 4 * MAX_LAG
    for number in range(100):
        for at, seat in enumerate(seats):
            seat.ready = NOW + 10 if (number + at) % 2 else 0.0
        assert goes(turns, seats) == []


@pytest.mark.parametrize("others", [1, 4])
def test_who_is_not_active_leaves_at_once(others: int) -> None:
    turns, seats = Turns(), [FakeSeat(None), *[FakeSeat() for _ in range(others)]]
    assert goes(turns, seats) == [seats[0]]


def test_who_has_gone_is_not_told_of() -> None:
    turns, seats = Turns(), [FakeSeat(), FakeSeat(None)]
    assert turns.frame_at(seats, NOW, NOW) == NOW + PATIENCE
    assert turns.take_leavers(seats[:1], NOW) == []


def test_nobody_has_to_leave_where_all_have_gone() -> None:
    turns = Turns()
    seats = [FakeSeat(), FakeSeat(NOW + 10)]
    assert turns.frame_at(seats, NOW, NOW) == NOW + PATIENCE
    assert turns.take_leavers([], NOW + PATIENCE) == []
