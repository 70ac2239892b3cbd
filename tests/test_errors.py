"""Exceptions as values: two that say the same are equal, so that events which carry them are, too."""

from collections.abc import Callable

import pytest

from pyrdpmux.errors import (
    AuthenticationFailed,
    ConfigError,
    DecodeError,
    EncodeError,
    LimitExceeded,
    NegotiationFailed,
    PeerClosed,
    PeerTimeout,
    PyRdpMuxError,
    SequenceError,
    StateError,
    TlsFailed,
)
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rfb.events import Failed

MAKERS: list[Callable[[], PyRdpMuxError]] = [
    lambda: DecodeError("Tpkt.length", "7 bytes", 2),
    lambda: SequenceError("Active", "Tpkt", ("Data", "Input")),
    lambda: LimitExceeded("MAX", 2, 1),
    lambda: NegotiationFailed(5, "no TLS"),
    lambda: TlsFailed("alert"),
    lambda: AuthenticationFailed("wrong password"),
    lambda: PeerClosed("Active"),
    lambda: PeerTimeout("Active", 5.0),
    lambda: EncodeError("Tpkt.length", "too long"),
    lambda: StateError("Active", "drawing"),
    lambda: ConfigError("line 7"),
]


@pytest.mark.parametrize("index", range(len(MAKERS)))
def test_what_says_the_same_is_equal(index: int) -> None:
    error = MAKERS[index]()
    assert error == MAKERS[index]()
    assert hash(error) == hash(MAKERS[index]())
    assert isinstance(error, PyRdpMuxError)
    assert [other() == error for other in MAKERS].count(True) == 1
    assert error != str(error)


def test_a_family_is_not_its_member() -> None:
    assert TlsFailed("x") != PyRdpMuxError("x")
    assert DecodeError("a", "b", 1) != DecodeError("a", "b", 2)


def test_events_that_carry_an_error_compare_by_value() -> None:
    first, second = (Disconnected("broken", False, DecodeError("a", "b", 1)) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Disconnected("broken", False, DecodeError("a", "b", 2))
    assert Failed(PeerClosed("x")) == Failed(PeerClosed("x"))
