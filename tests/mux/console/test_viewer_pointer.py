"""When a viewer's pointer follows the guest's; that shapes arrive is for test_viewer.py."""

import asyncio
from typing import Any, cast

import numpy as np

from pyrdpmux.mux.console.viewer_pointer import OWN_MOTION_SECONDS, ViewerPointer
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.rdp.pdu.pointer import CachedPointer, NewPointer, PointerPosition, SystemPointer
from tests.mux.console.test_pointer_cache import OUTPUT
from tests.mux.rdp_client import eventually
from tests.mux.serving import run


class Connection:
    """What is left of one: it takes notes."""

    def __init__(self) -> None:
        self.is_active = True
        self.output = OUTPUT
        self.sent: list[object] = []

    def send_pointer(self, update: object) -> None:
        self.sent.append(update)

    def flush(self) -> None:
        pass


def make(*, follows: bool = True) -> tuple[ViewerPointer, Connection]:
    connection = Connection()
    anything = cast(Any, connection)
    return ViewerPointer(anything, anything, lambda x, y: follows), connection


SHAPE = Cursor(np.full((4, 4, 4), 255, np.uint8), 0, 0)


def test_shapes_wait_for_a_client_that_is_ready() -> None:
    async def scenario() -> None:
        pointer, connection = make()
        pointer.show(SHAPE)
        pointer.start_over()
        connection.is_active = False
        pointer.show(SHAPE)
        assert connection.sent == []

    run(scenario)


def test_a_client_that_starts_over_has_forgotten_all_shapes() -> None:
    async def scenario() -> None:
        pointer, connection = make()
        for _ in range(2):
            pointer.start_over()
            pointer.show(SHAPE)
            pointer.show(CursorState.HIDDEN)
            pointer.show(SHAPE)
        assert [type(update) for update in connection.sent] == [
            *(NewPointer, SystemPointer, CachedPointer),
            *(NewPointer, SystemPointer, CachedPointer),
        ]

    run(scenario)


def test_who_keeps_still_follows_at_once() -> None:
    async def scenario() -> None:
        pointer, connection = make()
        pointer.moved_by_guest(1, 2)
        pointer.moved_by_guest(3, 4)
        assert connection.sent == [PointerPosition(1, 2), PointerPosition(3, 4)]

    run(scenario)


def test_who_moves_follows_later_to_where_it_is_then() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        pointer, connection = make()
        start = loop.time()
        pointer.moved_by_user()
        pointer.moved_by_guest(1, 2)
        pointer.moved_by_guest(3, 4)
        assert connection.sent == []
        await eventually(lambda: bool(connection.sent))
        assert loop.time() - start >= OWN_MOTION_SECONDS - 0.01
        assert connection.sent == [PointerPosition(3, 4)]
        pointer.close()

    run(scenario)


def test_nothing_comes_after_the_end() -> None:
    async def scenario() -> None:
        pointer, connection = make()
        pointer.moved_by_user()
        pointer.moved_by_guest(1, 2)
        pointer.close()
        await asyncio.sleep(OWN_MOTION_SECONDS + 0.05)
        assert connection.sent == []

    run(scenario)


def test_a_stage_may_object() -> None:
    async def scenario() -> None:
        pointer, connection = make(follows=False)
        pointer.moved_by_guest(1, 2)
        assert connection.sent == []

    run(scenario)
