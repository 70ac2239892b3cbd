"""How often a graphics channel that the client closes is asked for again."""

import logging
from typing import cast

from pyrdpmux.errors import StateError
from pyrdpmux.mux.console.reopenings import FORGIVEN_SECONDS, MAX_REOPENINGS, Reopenings
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import ChannelClosed
from pyrdpmux.rdp.connection.server.connection import ServerConnection

LOST = ChannelClosed(CHANNEL_NAME, is_refused=False)


class Connection:
    def __init__(self) -> None:
        self.is_active = True
        self.refuses = False
        self.asked = 0

    def open_channel(self, name: str) -> None:
        assert name == CHANNEL_NAME
        if self.refuses:
            raise StateError("Active", "opening a channel")
        self.asked += 1


def begun() -> tuple[Connection, Reopenings]:
    connection = Connection()
    log = logging.LoggerAdapter(logging.getLogger("pyrdpmux.mux"), {})
    return connection, Reopenings(cast(ServerConnection, connection), log)


def lose(reopenings: Reopenings, now: float) -> bool:
    """Whether there is hope."""
    reopenings.lost(LOST, now)
    reopenings.ask()
    return not reopenings.is_hopeless


def test_a_few_times_within_ten_minutes() -> None:
    connection, reopenings = begun()
    assert all(lose(reopenings, now) for now in range(MAX_REOPENINGS))
    assert connection.asked == MAX_REOPENINGS
    assert not lose(reopenings, FORGIVEN_SECONDS - 1)
    assert connection.asked == MAX_REOPENINGS


def test_a_channel_that_has_worked_for_long_earns_them_back() -> None:
    connection, reopenings = begun()
    times = [number * FORGIVEN_SECONDS / MAX_REOPENINGS for number in range(20)]
    assert all(lose(reopenings, now) for now in times)
    assert connection.asked == 20
    assert not lose(reopenings, times[-1] + FORGIVEN_SECONDS / MAX_REOPENINGS - 1), "but no more at once"


def test_once_for_each_loss_and_when_the_client_is_active() -> None:
    connection, reopenings = begun()
    reopenings.ask()
    connection.is_active = False
    assert lose(reopenings, 0.0)
    assert connection.asked == 0
    connection.is_active = True
    reopenings.ask()
    reopenings.ask()
    assert connection.asked == 1


def test_who_refuses_is_not_asked_again() -> None:
    connection, reopenings = begun()
    reopenings.lost(ChannelClosed(CHANNEL_NAME, is_refused=True), 0.0)
    reopenings.ask()
    assert reopenings.is_hopeless
    assert connection.asked == 0


def test_no_hope_where_it_cannot_be_asked_for() -> None:
    connection, reopenings = begun()
    connection.refuses = True
    assert not lose(reopenings, 0.0)
