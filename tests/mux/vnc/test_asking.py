"""What a server is asked for, and when."""

import math

import pytest

from pyrdpmux.mux.vnc.asking import REQUEST_INTERVAL, Asking

EVERYTHING = "everything"
CHANGES = "changes"
CONTINUOUS = "continuous"
ENOUGH = "enough"


class Server:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request_update(self, *, incremental: bool) -> None:
        self.asked.append(CHANGES if incremental else EVERYTHING)

    def enable_continuous_updates(self, *, enable: bool) -> None:
        self.asked.append(CONTINUOUS if enable else ENOUGH)

    def take(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


def asking_of(server: Server, *, is_watched: bool = True, has_continuous: bool = False) -> Asking:
    """The first picture was asked for at 0.0, and is there."""
    asking = Asking(server, is_watched=True)
    if has_continuous:
        asking.continuous_updates_ended()
    asking.act(0.0)
    asking.update_started()
    asking.is_watched = is_watched
    asking.act(1.0)
    asking.update_started()
    server.take()
    return asking


def test_the_whole_picture_first_and_then_what_changes() -> None:
    server = Server()
    asking = Asking(server, is_watched=True)
    asking.act(5.0)
    assert server.take() == [EVERYTHING]
    assert asking.due == math.inf
    asking.act(500.0)
    assert server.take() == [], "it is on its way"
    asking.update_started()
    asking.act(500.0)
    assert server.take() == [CHANGES]


def test_sixty_times_a_second_at_most() -> None:
    server = Server()
    asking = Asking(server, is_watched=True)
    asking.act(5.0)
    asking.update_started()
    assert asking.due == 5.0 + REQUEST_INTERVAL
    asking.act(5.0 + REQUEST_INTERVAL / 2)
    assert server.take() == [EVERYTHING]
    asking.act(5.0 + REQUEST_INTERVAL)
    assert server.take() == [CHANGES]


def test_nothing_while_nobody_looks_and_at_once_when_somebody_does() -> None:
    server = Server()
    asking = Asking(server, is_watched=False)
    asking.act(5.0)
    assert (server.take(), asking.due) == ([], math.inf)
    asking.is_watched = True
    asking.act(5.0)
    assert server.take() == [EVERYTHING]
    asking.is_watched = False
    asking.update_started()
    asking.act(6.0)
    assert (server.take(), asking.due) == ([], math.inf)
    asking.is_watched = True
    asking.act(7.0)
    assert server.take() == [CHANGES]


def test_who_looks_again_before_the_answer_does_not_ask_twice() -> None:
    server = Server()
    asking = Asking(server, is_watched=True)
    asking.act(5.0)
    for is_watched in (False, True):
        asking.is_watched = is_watched
        asking.act(6.0)
    assert server.take() == [EVERYTHING]


@pytest.mark.parametrize("has_continuous", [False, True])
def test_another_size_while_nobody_looked(has_continuous: bool) -> None:
    server = Server()
    asking = asking_of(server, is_watched=False, has_continuous=has_continuous)
    asking.resized()
    asking.act(2.0)
    assert server.take() == []
    asking.is_watched = True
    asking.act(3.0)
    assert server.take() == ([CONTINUOUS] if has_continuous else []) + [EVERYTHING]


def test_a_picture_that_went_wrong_does_not_wait_for_the_next_change() -> None:
    server = Server()
    asking = asking_of(server)
    asking.lost()
    asking.act(2.0)
    assert server.take() == [EVERYTHING]


# -- servers that need not be asked ----------------------------------------------------------------------


def test_a_server_that_can_sends_updates_unasked() -> None:
    server = Server()
    asking = Asking(server, is_watched=True)
    asking.act(5.0)
    assert server.take() == [EVERYTHING]
    asking.continuous_updates_ended()
    asking.act(5.0)
    assert server.take() == [CONTINUOUS]
    asking.update_started()
    asking.act(6.0)
    assert (server.take(), asking.due) == ([], math.inf)


def test_it_is_told_when_nobody_looks() -> None:
    server = Server()
    asking = asking_of(server, has_continuous=True)
    asking.is_watched = False
    assert asking.due == -math.inf
    asking.act(2.0)
    assert (server.take(), asking.due) == ([ENOUGH], math.inf)
    asking.continuous_updates_ended()
    asking.act(3.0)
    assert server.take() == []
    asking.is_watched = True
    asking.act(4.0)
    assert (server.take(), asking.due) == ([CONTINUOUS], math.inf)
    asking.continuous_updates_ended()  # of the last time
    assert asking.due == math.inf


def test_it_is_told_of_another_area() -> None:
    server = Server()
    asking = asking_of(server, has_continuous=True)
    asking.resized()
    asking.act(2.0)
    assert server.take() == [CONTINUOUS, EVERYTHING]


def test_a_picture_that_goes_wrong_all_the_time_is_not_asked_for_all_the_time() -> None:
    server = Server()
    asking = asking_of(server, has_continuous=True)
    for now in (2.0, 2.001, 2.002):
        asking.lost()
        asking.act(now)
    assert server.take() == [EVERYTHING]
    assert asking.due == 2.0 + REQUEST_INTERVAL
