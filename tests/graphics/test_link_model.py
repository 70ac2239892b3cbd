"""The model of a link, one event at a time. What comes of it under load is in test_pacer.py."""

import random
from collections.abc import Callable

import pytest

from pyrdpmux.graphics.link_model import MAX_HELD, MAX_UNDER_WAY, LinkModel


def known(bytes_per_second: float = 1e6, round_trip: float = 0.02) -> LinkModel:
    link = LinkModel()
    link.round_trip_measured(round_trip, 0.0)
    link.bandwidth_measured(bytes_per_second, 0.0)
    return link


def answer(link: LinkModel, now: float) -> None:
    """To the oldest frame."""
    link.arrived(link.retire(), now)


def test_what_is_sent_waits_behind_what_was() -> None:
    link = known()
    link.send(1, 50_000, 1.0)
    link.send(2, 30_000, 1.01)
    assert link.queue(1.01) == pytest.approx(0.07)
    assert [frame.expected_at for frame in link.frames] == pytest.approx([1.07, 1.10])
    assert link.queue(2.0) == 0.0


def test_an_acknowledgement_corrects_it() -> None:
    """The first took 50 ms longer than thought: what is behind it starts so much later."""
    link = known()
    link.send(1, 50_000, 1.0)
    link.send(2, 30_000, 1.01)
    answer(link, 1.22)
    assert link.rate.bytes_per_second == pytest.approx(250_000)
    assert link.queue(1.22) == pytest.approx(30_000 / 250_000 - 0.02)


def test_an_acknowledgement_that_a_later_frame_may_have_brought_says_nothing() -> None:
    """QUIRK(mstsc): a frame of H.264 is acknowledged when the next one has come."""
    link = known()
    link.send(1, 50_000, 1.0)
    link.send(2, 1000, 3.0)
    answer(link, 3.021)
    assert link.rate.bytes_per_second == pytest.approx(1e6)
    assert link.queue(3.021) == 0.0
    assert link.held == 1


def test_a_client_that_keeps_two() -> None:
    link = known()
    for number in range(6):
        link.send(number, 1000, 1.0 + number)
        if number >= 2:
            answer(link, 1.022 + number)
    assert link.held == 2
    assert link.overdue(6.1) == 1
    assert link.known_round_trip == pytest.approx(0.02, abs=0.002)


def test_what_a_client_may_keep_is_bounded_and_forgotten() -> None:
    link = known()
    for number in range(MAX_HELD):
        link.send(number, 1000, 1.0)
    link.send(77, 1000, 99.0)
    answer(link, 100.0)
    assert link.held == MAX_HELD
    while link.frames:
        answer(link, 100.0)
    assert link.held == 0


def test_a_frame_alone_tells_of_the_bandwidth_when_it_takes_long() -> None:
    link = LinkModel()
    link.round_trip_measured(0.02, 0.0)
    link.send(1, 100_000, 1.0)
    answer(link, 1.12)
    assert link.rate.bytes_per_second == pytest.approx(1e6)
    link.send(2, 1000, 2.0)
    answer(link, 2.021)
    assert link.rate.bytes_per_second == pytest.approx(1e6)


def test_a_busy_link_that_became_slower_is_believed() -> None:
    link = known(round_trip=0.02)
    now, finished = 1.0, 1.0
    for number in range(40):
        link.send(number, 10_000, now)
        finished = max(finished, now) + 0.1  # 100 kB/s
        if len(link.frames) > 2:
            now = finished - 0.2 + 0.02
            answer(link, now)
        now += 0.01
    assert link.rate.bytes_per_second == pytest.approx(1e5, rel=0.2)


def test_clients_work_is_a_queue_if_it_is_long() -> None:
    link = known(round_trip=0.02)
    for number in range(5):
        link.send(number, 1000, 1.0 + number)
        answer(link, 1.2 + number)
    assert link.known_round_trip is not None
    assert 0.02 <= link.known_round_trip <= 0.07


class TestSocket:
    def test_what_waits_is_a_queue(self) -> None:
        link = known()
        link.looked(100_000, None, 1.0, acknowledges=True)
        assert link.queue(1.0) == pytest.approx(0.1)

    def test_what_tcp_has_acknowledged_has_arrived_where_nothing_else_says_so(self) -> None:
        link = known()
        for number in range(4):
            link.send(number, 10_000, 1.0)
        link.looked(0, 25_000, 1.02, acknowledges=False)
        assert [frame.frame_id for frame in link.frames] == [1, 2, 3]
        assert link.queue(1.02) == pytest.approx(0.005)
        link.looked(0, 0, 1.06, acknowledges=False)
        assert not link.frames
        assert link.queue(1.06) == 0.0

    def test_otherwise_it_only_says_that_the_network_is_free(self) -> None:
        link = known(bytes_per_second=1e5)
        for number in range(2):
            link.send(number, 10_000, 1.0)
        link.looked(0, 10_000, 1.02, acknowledges=True)
        assert len(link.frames) == 2
        assert link.queue(1.02) == pytest.approx(0.08)
        link.looked(0, 0, 1.03, acknowledges=True)
        assert link.queue(1.03) > 0.06, "the client has two frames to work on"

    def test_its_drain_is_the_bandwidth(self) -> None:
        link = known(bytes_per_second=1e4)
        for number in range(100):
            link.send(number, 10_000, 1.0)
        for step in range(60):
            link.looked(0, round(1e6 - step * 5000), 1.0 + step / 100, acknowledges=False)
        assert link.rate.bytes_per_second == pytest.approx(5e5)

    def test_a_frame_is_on_the_way_until_tcp_has_it(self) -> None:
        link = known()
        link.send(1, 10_000, 1.0)
        link.send(2, 10_000, 1.0)
        link.looked(0, 10_001, 1.02, acknowledges=True)
        assert link.is_on_the_way
        link.looked(0, 10_000, 1.02, acknowledges=True)
        assert not link.is_on_the_way
        assert link.taken == 1


def test_memory_is_bounded() -> None:
    link = known()
    for number in range(3 * MAX_UNDER_WAY):
        link.send(number, 10, 1.0)
    assert len(link.frames) == MAX_UNDER_WAY
    assert link.size == 10 * MAX_UNDER_WAY
    assert link.frames[-1].frame_id == 3 * MAX_UNDER_WAY - 1


def test_a_round_trip_says_what_was_sent_before_it() -> None:
    link = known()
    link.send(1, 10_000, 1.0)
    link.send(2, 10_000, 1.1)
    found = link.round_trip_measured(0.05, 1.1)
    assert found is not None
    assert found.frame_id == 1
    assert link.round_trip_measured(0.2, 1.1) is None


def test_what_is_reckoned_once_is_reckoned_anew_after_whatever_is_learned() -> None:
    chance = random.Random(7)
    link, now = LinkModel(), 1.0
    steps: list[Callable[[], object]] = [
        lambda: link.send(int(now), chance.randrange(1, 90_000), now),
        lambda: answer(link, now) if link.frames else None,
        lambda: link.round_trip_measured(chance.random(), now),
        lambda: link.bandwidth_measured(chance.uniform(1e4, 1e7), now),
        lambda: link.looked(chance.randrange(9000), chance.randrange(9000), now, acknowledges=False),
        lambda: link.looked(chance.randrange(9000), chance.randrange(9000), now, acknowledges=True),
        lambda: link.forget_acknowledgements(),
    ]
    seen = set()
    for _ in range(2000):
        now += chance.random() / 10
        chance.choice(steps)()
        assert link.known_round_trip == link._reckon_round_trip()
        seen.add(link.known_round_trip)
    assert len(seen) > 100
