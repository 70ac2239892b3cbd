"""What is known of a link from samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.graphics.link_estimate import (
    LEAST_BANDWIDTH,
    LEAST_WINDOW,
    MAX_TRAFFIC,
    MOST_BANDWIDTH,
    TRAFFIC_WINDOW,
    DeliveryRate,
    LeastRoundTrip,
    Rhythm,
    Traffic,
)


class TestLeastRoundTrip:
    def test_the_least_counts(self) -> None:
        least = LeastRoundTrip()
        assert least.seconds() is None
        for at, seconds in enumerate([0.08, 0.02, 0.05]):
            least.add(seconds, 0, at / 10)
        assert least.seconds() == 0.02

    def test_for_a_while(self) -> None:
        """A route that became longer."""
        least = LeastRoundTrip()
        least.add(0.02, 0, 0.0)
        for at in range(int(LEAST_WINDOW)):
            least.add(0.08, 0, float(at))
        assert least.seconds() == 0.02
        least.add(0.09, 0, LEAST_WINDOW + 1)
        assert least.seconds() == 0.08

    def test_the_last_one_does_not_expire(self) -> None:
        least = LeastRoundTrip()
        least.add(0.02, 0, 0.0)
        assert least.seconds() == 0.02
        least.add(0.3, 0, 1e6)
        assert least.seconds() == 0.3

    def test_transfer_is_taken_off(self) -> None:
        least = LeastRoundTrip()
        least.add(0.1, 1000, 0.0)
        least.add(0.12, 100_000, 1.0)
        assert least.seconds() == 0.1
        assert least.seconds(1e6) == pytest.approx(0.02)
        assert least.seconds(1e5) == 0.0

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=500), st.floats(0, 1e6))
    def test_memory_is_bounded(self, samples: list[float], start: float) -> None:
        least = LeastRoundTrip()
        for number, seconds in enumerate(samples):
            least.add(seconds, 1, start + number / 7)
        assert len(least._samples) <= 2 * LEAST_WINDOW + 2
        assert least.seconds() <= samples[-1]  # type: ignore[operator]


class TestDeliveryRate:
    def test_nothing_is_known_at_first(self) -> None:
        rate = DeliveryRate()
        assert rate.bytes_per_second is None
        assert rate.seconds(1000) == 0.0

    def test_the_largest_of_late(self) -> None:
        rate = DeliveryRate()
        rate.add(4e6, 0.0, 0.5, was_busy=True)
        rate.add(1e6, 0.3, 0.5, was_busy=True)
        assert rate.bytes_per_second == 4e6
        rate.add(2e6, 0.4, 0.5, was_busy=True)
        rate.add(1e6, 0.6, 0.5, was_busy=True)
        assert rate.bytes_per_second == 2e6
        assert rate.seconds(1e6) == 0.5

    def test_an_idle_link_raises_and_never_lowers(self) -> None:
        rate = DeliveryRate()
        rate.add(1e6, 0.0, 0.5, was_busy=False)
        assert not rate.is_confirmed
        rate.add(2e6, 1.0, 0.5, was_busy=False)
        assert rate.bytes_per_second == 2e6
        for at in range(2, 30):
            rate.add(1e5, float(at), 0.5, was_busy=False)
        assert rate.bytes_per_second == 2e6
        rate.add(1e5, 31.0, 0.5, was_busy=True)
        assert rate.is_confirmed
        assert rate.bytes_per_second == 1e5

    def test_nonsense_is_clamped(self) -> None:
        rate = DeliveryRate()
        rate.add(1e30, 0.0, 0.5, was_busy=True)
        assert rate.bytes_per_second == MOST_BANDWIDTH
        rate.add(1e-30, 1.0, 0.5, was_busy=True)
        assert rate.bytes_per_second == LEAST_BANDWIDTH


class TestRhythm:
    def test_nothing_stands_against_the_first(self) -> None:
        assert Rhythm(60).next_at() < 0

    def test_two_at_once_and_then_the_rate(self) -> None:
        rhythm, now, times = Rhythm(10), 5.0, []
        for _ in range(12):
            now = max(now, rhythm.next_at())
            times.append(now)
            rhythm.gone(now)
        assert times[:2] == [5.0, 5.0]
        assert times[-1] - times[1] == pytest.approx(1.0)

    def test_a_rest_is_not_saved_up(self) -> None:
        rhythm = Rhythm(10)
        rhythm.gone(0.0)
        for _ in range(2):
            assert rhythm.next_at() <= 100.0
            rhythm.gone(100.0)
        assert rhythm.next_at() == pytest.approx(100.1)

    def test_content_of_the_same_rate_is_never_held_up(self) -> None:
        """Though it comes now earlier, now later."""
        rhythm = Rhythm(60)
        for number in range(600):
            now = 1.0 + number / 60 + (0.008 if number % 3 else 0.0)
            assert rhythm.next_at() <= now
            rhythm.gone(now)


def test_traffic_is_of_the_last_seconds_and_bounded() -> None:
    traffic = Traffic()
    for number in range(3 * MAX_TRAFFIC):
        traffic.add(100, number / 1000)
    assert traffic.per_second(3 * MAX_TRAFFIC / 1000) == (
        MAX_TRAFFIC / TRAFFIC_WINDOW,
        100 * MAX_TRAFFIC / TRAFFIC_WINDOW,
    )
    assert traffic.per_second(10.0) == (0.0, 0.0)


def test_a_new_sample_counts_whatever_was_asked_before() -> None:
    least = LeastRoundTrip()
    least.add(0.5, 1000, 0.0)
    for rate in (None, 1e4, 1e5, 1e6, 1e7, 1e8):
        asked = least.seconds(rate)
        assert asked == least.seconds(rate)
        assert asked == (0.5 if rate is None else max(0.5 - 1000 / rate, 0.0))
    least.add(0.2, 10, 1.0)
    assert least.seconds() == 0.2
    assert least.seconds(1e4) == min(0.5 - 0.1, 0.2 - 0.001)
