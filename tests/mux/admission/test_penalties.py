from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.penalties import (
    BURST_SECONDS,
    MAX_NETWORKS,
    MAX_SECONDS,
    MAX_WAIT,
    SECONDS,
    TOLERATED_SECONDS,
    Failure,
    Penalties,
)

HERE, THERE = Origin.of("10.0.0.1"), Origin.of("10.0.0.2")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_few_failures_are_of_people() -> None:
    penalties = Penalties(Clock(), 0)
    for _ in range(int(TOLERATED_SECONDS / SECONDS[Failure.SILENCE])):
        assert not penalties.note(HERE, Failure.SILENCE)
    assert penalties.attempt(HERE) == 0.0


def test_who_keeps_failing_waits_a_bounded_time_and_is_good_again() -> None:
    clock = Clock()
    penalties = Penalties(clock, 0)
    told = [penalties.note(HERE, Failure.JUNK) for _ in range(1000)]
    assert told.count(True) == 1, "told once"
    assert penalties.is_suspect(HERE)
    assert penalties.attempt(HERE) == MAX_WAIT
    assert penalties.attempt(THERE) == 0.0
    clock.now += MAX_SECONDS - TOLERATED_SECONDS
    assert penalties.attempt(HERE) == 0.0
    assert not penalties.is_suspect(HERE)


def test_a_logon_makes_up_for_it() -> None:
    penalties = Penalties(Clock(), 0)
    for _ in range(20):
        penalties.note(HERE, Failure.SILENCE)
    assert penalties.is_suspect(HERE)
    penalties.forgive(HERE)
    penalties.forgive(THERE)
    assert not penalties.is_suspect(HERE)


def test_so_many_connections_a_second_and_the_rest_in_their_turn() -> None:
    clock = Clock()
    penalties = Penalties(clock, 10.0)
    waits = [penalties.attempt(HERE) for _ in range(40)]
    burst = int(10 * BURST_SECONDS)
    assert waits[: burst - 1] == [0.0] * (burst - 1)
    assert waits[-1] > 1.5
    assert waits == sorted(waits)
    assert penalties.attempt(THERE) == 0.0
    clock.now += 100
    assert penalties.attempt(HERE) == 0.0
    assert 40 - burst <= penalties.delayed <= 41 - burst


def test_who_leaves_the_queue_is_not_waited_for() -> None:
    penalties = Penalties(Clock(), 10.0)
    waits = [penalties.attempt(HERE) for _ in range(60)]
    for _ in range(30):
        penalties.withdraw(HERE)
    assert penalties.attempt(HERE) < waits[35]


def test_what_is_remembered_is_bounded() -> None:
    penalties = Penalties(Clock())
    for number in range(MAX_NETWORKS + 50):
        penalties.note(Origin.of(f"network {number}"), Failure.JUNK)
    assert len(penalties) == MAX_NETWORKS
