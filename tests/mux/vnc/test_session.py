"""Events of a server become pixels, news and questions; a loop that does at once what it is asked."""

from typing import Any

import numpy as np
import pytest

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import PeerTimeout
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import Cursor
from pyrdpmux.mux.vnc.desk import News
from pyrdpmux.mux.vnc.painter import LONGEST_UPDATE
from pyrdpmux.mux.vnc.session import HANDSHAKE_SECONDS, VncSession
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.client_messages import EnableContinuousUpdates, FramebufferUpdateRequest
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.events import (
    Connected,
    ContinuousUpdatesEnded,
    Copied,
    CursorChanged,
    Event,
    LedsChanged,
    Painted,
    PointerModeChanged,
    ResizeAnswered,
    Resized,
    UpdateFinished,
    UpdateStarted,
)
from pyrdpmux.wire import decode
from tests.rfb.scripted import connected_client

NOW = 50.0


class Loop:
    """Implements the session's Loop."""

    def __init__(self) -> None:
        self.surface = Surface(1, 1)
        self.told: list[tuple[list[News], bool]] = []

    def connect(self, event: Connected, *, is_watched: bool) -> Surface:
        return self.resize(event.width, event.height)

    def resize(self, width: int, height: int) -> Surface:
        if width and height:
            self.surface = Surface(width, height)
        return self.surface

    def tell(self, news: dict[type[News], News], *, has_painted: bool) -> None:
        self.told.append((list(news.values()), has_painted))


class Scene:
    """A connection of 64x48 whose picture was asked for."""

    def __init__(self, *, is_watched: bool = True) -> None:
        self.loop = Loop()
        self.client = connected_client()
        self.session = VncSession(self.loop, self.client, NOW, is_watched=is_watched)
        self.handle(Connected(64, 48, "test"))
        self.now = NOW

    def handle(self, *events: Event, now: float = NOW) -> None:
        for event in events:
            for _ in self.session.handle(event, now):
                pass

    def asked(self, now: float = NOW) -> Any:
        self.session.act(now)
        data = self.client.data_to_send()
        if not data:
            return None
        return decode(EnableContinuousUpdates if data[0] == 150 else FramebufferUpdateRequest, data)


def pixels(width: int, height: int, value: int) -> Pixels:
    return np.full((height, width, 4), value, np.uint8)


def test_the_next_update_is_asked_for_while_one_arrives() -> None:
    scene = Scene()
    assert scene.asked() == FramebufferUpdateRequest(False, 0, 0, 64, 48)
    assert scene.session.deadline == float("inf")
    scene.handle(UpdateStarted(), now=NOW + 1)
    assert decode(FramebufferUpdateRequest, scene.client.data_to_send()).incremental
    scene.handle(Painted(0, 0, pixels(64, 48, 9)), UpdateFinished(), now=NOW + 2)
    assert scene.asked(NOW + 3) is None


def test_what_is_painted_is_told_at_the_end_of_an_update() -> None:
    scene = Scene()
    scene.handle(UpdateStarted(), Painted(3, 4, pixels(5, 6, 9)))
    assert (scene.loop.surface.pixels[4:10, 3:8] == 9).all()
    assert scene.loop.told == []
    scene.handle(UpdateFinished())
    assert scene.loop.told == [([], True)]
    assert scene.loop.surface.version == 1


def test_a_long_update_is_told_in_parts() -> None:
    scene = Scene()
    for part in range(4):
        scene.handle(Painted(0, 0, pixels(5, 6, 9)), now=NOW + part * LONGEST_UPDATE)
    assert scene.loop.told == [([], True)]
    scene.handle(UpdateFinished())
    assert scene.loop.told == [([], True)] * 2


def test_a_move_is_proposed() -> None:
    scene = Scene()
    scene.handle(Painted(0, 0, pixels(10, 10, 9)), UpdateFinished())
    version = scene.loop.surface.version
    scene.handle(Copied(Rect(0, 0, 10, 10), Rect(20, 30, 10, 10)), UpdateFinished())
    assert (scene.loop.surface.pixels[30:40, 20:30] == 9).all()
    assert scene.loop.surface.proposals(version) == [(20, 30)]


def test_another_size() -> None:
    scene = Scene()
    scene.asked()
    first = scene.loop.surface
    scene.client.width, scene.client.height = 80, 20
    scene.handle(UpdateStarted(), Painted(0, 0, pixels(5, 6, 9)), Resized(80, 20))
    assert scene.loop.told == [([], True)], "what was painted before is of the old one"
    assert scene.loop.surface is not first
    scene.handle(Painted(70, 10, pixels(5, 6, 9)), UpdateFinished())
    assert (scene.loop.surface.pixels[10:16, 70:75] == 9).all()
    assert scene.asked(NOW + 1) == FramebufferUpdateRequest(False, 0, 0, 80, 20)


@pytest.mark.parametrize("same", [Resized(64, 48), Resized(0, 0)])
def test_a_size_that_is_none_or_no_other_changes_nothing(same: Resized) -> None:
    scene = Scene()
    scene.asked()
    first = scene.loop.surface
    scene.handle(same)
    assert scene.loop.surface is first
    assert scene.asked(NOW + 1) is None


def test_a_copy_from_nowhere_makes_us_ask_for_everything() -> None:
    scene = Scene()
    scene.asked()
    scene.handle(Copied(Rect(60, 0, 10, 10), Rect(0, 0, 10, 10)))
    assert scene.asked(NOW + 1) == FramebufferUpdateRequest(False, 0, 0, 64, 48)


def test_what_changes_a_thousand_times_in_an_update_is_told_once() -> None:
    scene = Scene()
    for number in range(1000):
        scene.handle(
            LedsChanged(number & 7),
            CursorChanged(np.full((2, 2, 4), number & 255, np.uint8), 1, 0),
            PointerModeChanged(bool(number & 1)),
            ResizeAnswered(number & 3),
        )
    scene.handle(UpdateFinished(), UpdateFinished())
    cursor = Cursor(np.full((2, 2, 4), 999 & 255, np.uint8), 1, 0)
    assert scene.loop.told == [
        ([LedsChanged(999 & 7), cursor, PointerModeChanged(True), ResizeAnswered(3)], False),
        ([], False),
    ]


def test_a_server_that_sends_unasked_is_told_who_looks() -> None:
    scene = Scene()
    scene.asked()
    scene.handle(ContinuousUpdatesEnded())
    assert scene.asked() == EnableContinuousUpdates(True, 0, 0, 64, 48)
    scene.session.watch(is_watched=False)
    assert scene.session.deadline < NOW
    assert scene.asked() == EnableContinuousUpdates(False, 0, 0, 64, 48)


def test_nothing_is_asked_while_nobody_looks() -> None:
    scene = Scene(is_watched=False)
    assert scene.asked() is None
    assert scene.session.deadline == float("inf")
    scene.session.watch(is_watched=True)
    assert scene.session.deadline < NOW
    assert scene.asked() == FramebufferUpdateRequest(False, 0, 0, 64, 48)


def test_a_server_that_says_nothing() -> None:
    session = VncSession(Loop(), RfbClient(RfbConfig()), NOW, is_watched=True)
    assert session.deadline == NOW + HANDSHAKE_SECONDS
    session.act(NOW + HANDSHAKE_SECONDS - 1)
    with pytest.raises(PeerTimeout, match="RFB handshake"):
        session.act(NOW + HANDSHAKE_SECONDS)
