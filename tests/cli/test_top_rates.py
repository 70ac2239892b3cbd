from typing import Any

import pytest

from pyrdpmux.cli.top_rates import rates_between
from pyrdpmux.errors import MuxError
from tests.cli.snapshots import AFTER, BEFORE, snapshot, step, stream, viewer, vm, work


def test_what_was_between_two_snapshots() -> None:
    rates = rates_between(BEFORE, AFTER)
    assert rates.seconds == 2.0
    assert rates.cpu_percent == pytest.approx(30)
    assert rates.loop_percent == pytest.approx(7)
    assert rates.thread_percent == pytest.approx(20)
    build7, mail = rates.vms
    assert (build7.name, mail.name) == ("build7", "mail"), "who costs most comes first"
    assert build7.loop_percent == pytest.approx(5 + 2), "its viewers' share is in it"
    assert build7.thread_percent == pytest.approx(20)
    assert build7.cpu_percent == pytest.approx(27)
    assert build7.frames_made_per_second == 25
    assert build7.ms_per_frame == pytest.approx(5)
    assert {name: each.ms_per_frame for name, each in build7.steps.items()} == {
        "find": pytest.approx(2),
        "text": pytest.approx(1),
        "copy": 0,
    }
    assert build7.steps["text"].per_second == 20
    assert build7.steps["text"].kbits_per_second == 20
    [alice] = build7.viewers
    assert alice.kbits_per_second == 4000
    assert alice.cpu_percent == pytest.approx(2)
    assert (alice.round_trip_ms, alice.queue_ms, alice.is_late) == (12, 3, False)
    assert (mail.cpu_percent, mail.ms_per_frame, mail.steps, mail.frames_per_second) == (0, None, {}, 0)


def test_with_one_snapshot_nothing_is_said_of_time() -> None:
    rates = rates_between(None, AFTER)
    [build7] = [vm for vm in rates.vms if vm.name == "build7"]
    assert rates.seconds == 0
    assert rates.cpu_percent is build7.cpu_percent is build7.ms_per_frame is None
    assert build7.steps == {}
    assert build7.viewers[0].kbits_per_second == 400, "of what the daemon itself has measured"
    assert rates_between(AFTER, AFTER).seconds == 0


def test_streams_and_viewers_that_come_and_go_are_not_counted_twice() -> None:
    """A stream that has ended is in the sum of those; a viewer that has just come is counted from 0."""
    done = work(100, 1.0, text=step(1, 0.5))
    before = snapshot(0.0, vm(streams=[stream(1, done)]))
    after = snapshot(
        1.0,
        vm(
            ended=done,
            streams=[stream(2, work(10, 0.1, text=step(1, 0.05)))],
            viewers=[viewer(loop_seconds=0.2, bytes_sent=5)],
        ),
    )
    [found] = rates_between(before, after).vms
    assert found.frames_made_per_second == 10
    assert found.steps["text"].ms_per_frame == pytest.approx(5)
    assert found.viewers[0].cpu_percent == pytest.approx(20)


def test_another_daemon_meanwhile_counts_from_its_beginning() -> None:
    rates = rates_between(AFTER, snapshot(104.0, vm(thread_seconds=0.5, streams=[stream(1, work(4, 0.4))])))
    assert rates.vms[0].thread_percent == pytest.approx(25)
    assert rates.vms[0].frames_made_per_second == 2


@pytest.mark.parametrize("fields", [{"round_trip": None}, {"queue": None, "lag": None}])
def test_what_a_daemon_does_not_know(fields: dict[str, Any]) -> None:
    [found] = rates_between(None, snapshot(1.0, vm(viewers=[viewer(**fields)]))).vms[0].viewers
    assert found.round_trip_ms == (None if "round_trip" in fields else 12)
    assert not found.is_late


def test_a_viewer_that_waits_is_late() -> None:
    [found] = rates_between(None, snapshot(1.0, vm(viewers=[viewer(queue=0.1)]))).vms[0].viewers
    assert found.is_late


def test_a_daemon_without_figures_is_of_another_version() -> None:
    answers: list[dict[str, Any]] = [{"vms": []}, snapshot(1.0, {"name": "x"}), snapshot(1.0, threads=None)]
    for answer in answers:
        with pytest.raises(MuxError, match="of another version"):
            rates_between(None, answer)
