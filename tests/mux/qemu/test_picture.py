"""The picture between the thread that writes it and the loop that takes it."""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.pixel_format import PixelCode
from pyrdpmux.mux.qemu import picture as module
from pyrdpmux.mux.qemu.picture import Picture, Snapshot

X8R8G8B8 = int(PixelCode.X8R8G8B8)


class Watched:
    """A picture, and how often it called."""

    def __init__(self) -> None:
        self.called = 0
        self.picture = Picture(self._changed)

    def _changed(self) -> None:
        self.called += 1


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.picture.close()


def plane(width: int, height: int, value: int) -> memoryview:
    """Pixels with all four bytes the same; the fourth is to be dropped."""
    return memoryview(bytes([value]) * (width * height * 4))


def scanout(picture: Picture, width: int, height: int, value: int) -> None:
    picture.scanout(width, height, width * 4, X8R8G8B8, plane(width, height, value))


def update(picture: Picture, rect: Rect, value: int) -> None:
    picture.update(rect, rect.width * 4, X8R8G8B8, plane(rect.width, rect.height, value))


def take(picture: Picture) -> Snapshot:
    picture.fit()
    snapshot = picture.take()
    assert snapshot is not None
    return snapshot


def shown(snapshot: Snapshot) -> np.ndarray:
    return snapshot.surface.pixels


def test_before_the_first_pixels(watched: Watched) -> None:
    """The console's size is known earlier; that is neither a picture nor a display that is off."""
    watched.picture.set_size(800, 600)
    snapshot = take(watched.picture)
    assert (snapshot.is_enabled, snapshot.is_off) == (False, False)


def test_scanout(watched: Watched) -> None:
    scanout(watched.picture, 4, 3, 7)
    snapshot = take(watched.picture)
    assert (snapshot.surface.width, snapshot.surface.height, snapshot.is_enabled) == (4, 3, True)
    assert snapshot.rects == (Rect(0, 0, 4, 3),)
    assert (shown(snapshot) == (7, 7, 7, 0)).all()


def test_many_changes_are_one_call_and_the_newest_pixels(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 1)
    for value in range(2, 100):
        update(watched.picture, Rect(2, 2, 2, 2), value)
    assert watched.called == 1
    snapshot = take(watched.picture)
    assert sum(rect.pixels for rect in snapshot.rects) == 64
    assert shown(snapshot)[3, 3, 0] == 99
    update(watched.picture, Rect(0, 0, 1, 1), 5)
    assert watched.called == 2
    assert take(watched.picture).rects == (Rect(0, 0, 1, 1),)


def test_an_update_that_changes_nothing_is_nothing(watched: Watched) -> None:
    """QEMU sends a text cursor's cell 33 times a second."""
    scanout(watched.picture, 8, 8, 1)
    take(watched.picture)
    update(watched.picture, Rect(0, 0, 4, 4), 1)
    assert watched.called == 1
    assert take(watched.picture).rects == ()


def test_a_black_scanout_of_another_size_is_news(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 0)
    take(watched.picture)
    scanout(watched.picture, 4, 4, 0)
    assert watched.called == 2
    assert take(watched.picture).surface.width == 4


def test_an_update_may_be_larger_than_the_picture(watched: Watched) -> None:
    """Text modes change their size without a Scanout; the properties bring the height later."""
    picture = watched.picture
    scanout(picture, 8, 8, 1)
    assert picture.take() is not None
    update(picture, Rect(0, 0, 10, 2), 2)
    assert picture.take() is None
    assert picture.size == (10, 8)
    picture.set_size(10, 6)
    snapshot = take(picture)
    assert (snapshot.surface.width, snapshot.surface.height) == (10, 6)
    assert (shown(snapshot)[2:, :8] == (1, 1, 1, 0)).all()
    assert (shown(snapshot)[:2] == (2, 2, 2, 0)).all()


def test_a_size_that_nobody_can_confirm_is_taken(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 1)
    update(watched.picture, Rect(0, 0, 10, 2), 2)
    watched.picture.accept_size()
    assert take(watched.picture).surface.width == 10


def test_pixels_survive_a_property_that_is_late(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 1)
    watched.picture.set_size(4, 4)
    watched.picture.set_size(8, 8)
    assert (shown(take(watched.picture)) == (1, 1, 1, 0)).all()


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, -1), (100000, 1), (8192, 8192)])
def test_sizes_that_cannot_be(watched: Watched, width: int, height: int) -> None:
    before = watched.picture.size
    watched.picture.set_size(width, height)
    assert watched.picture.size == before
    with pytest.raises(BackendError):
        watched.picture.scanout(width, height, max(width, 0) * 4, X8R8G8B8, memoryview(b""))


@pytest.mark.parametrize(
    ("rect", "stride", "code", "size"),
    [
        (Rect(-1, 0, 2, 2), 8, X8R8G8B8, 16),
        (Rect(0, 0, 2, 2), 4, X8R8G8B8, 16),
        (Rect(0, 0, 2, 2), 8, X8R8G8B8, 15),
        (Rect(0, 0, 2, 2), 8, 0x12345678, 16),
        (Rect(8191, 0, 2, 2), 8, X8R8G8B8, 16),
        (Rect(0, 0, 0, 2), 8, X8R8G8B8, 16),
    ],
)
def test_updates_that_cannot_be(watched: Watched, rect: Rect, stride: int, code: int, size: int) -> None:
    with pytest.raises(BackendError):
        watched.picture.update(rect, stride, code, memoryview(bytes(size)))


def test_other_formats(watched: Watched) -> None:
    watched.picture.scanout(1, 1, 2, int(PixelCode.R5G6B5), memoryview(b"\x1f\x00"))
    assert shown(take(watched.picture))[0, 0].tolist() == [255, 0, 0, 0]


def test_disabled(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 1)
    take(watched.picture)
    watched.picture.disable()
    assert take(watched.picture).is_off
    scanout(watched.picture, 8, 8, 1)
    snapshot = take(watched.picture)
    assert not snapshot.is_off
    assert snapshot.rects == (Rect(0, 0, 8, 8),)


def test_cursor(watched: Watched) -> None:
    picture = watched.picture
    picture.define_cursor(2, 1, 1, 0, bytes([1, 2, 3, 255, 4, 5, 6, 0]))
    picture.set_pointer(7, 8, True)
    snapshot = take(picture)
    assert isinstance(snapshot.cursor, Cursor)
    assert snapshot.cursor.image.tolist() == [[[1, 2, 3, 255], [4, 5, 6, 0]]]
    assert (snapshot.cursor.hot_x, snapshot.position) == (1, (7, 8))
    picture.set_pointer(7, 8, False)
    assert take(picture).cursor is CursorState.HIDDEN
    picture.set_pointer(7, 9, True)
    assert isinstance(take(picture).cursor, Cursor)
    picture.define_cursor(1, 1, 0, 0, bytes(4))
    assert take(picture).cursor is CursorState.HIDDEN
    assert take(picture).cursor is None


@pytest.mark.parametrize(("width", "height", "size"), [(0, 1, 0), (1, 1, 3), (513, 1, 513 * 4), (-1, -1, 4)])
def test_cursors_that_cannot_be(watched: Watched, width: int, height: int, size: int) -> None:
    with pytest.raises(BackendError):
        watched.picture.define_cursor(width, height, 0, 0, bytes(size))


# -- shared memory -----------------------------------------------------------------------------------


def shared_memory(data: bytes) -> int:
    descriptor = os.memfd_create("picture")
    os.write(descriptor, data)
    return descriptor


def test_a_map_is_read_where_it_changes(watched: Watched) -> None:
    memory = shared_memory(b"\xff" * 32 + bytes(plane(4, 4, 1)))
    qemu = os.dup(memory)
    watched.picture.scanout_map(memory, 32, 4, 4, 16, X8R8G8B8)
    assert (shown(take(watched.picture)) == (1, 1, 1, 0)).all()
    os.pwrite(qemu, b"\x09" * 16, 32 + 16)
    watched.picture.update_map(Rect(1, 1, 2, 2))
    snapshot = take(watched.picture)
    assert snapshot.rects == (Rect(1, 1, 2, 2),)
    assert shown(snapshot)[:, :, 0].tolist() == [[1] * 4, [1, 9, 9, 1], [1] * 4, [1] * 4]
    os.close(qemu)


def test_a_map_that_becomes_shorter_is_an_error_and_no_crash(watched: Watched) -> None:
    memory = shared_memory(bytes(plane(4, 4, 1)))
    qemu = os.dup(memory)
    watched.picture.scanout_map(memory, 0, 4, 4, 16, X8R8G8B8)
    os.ftruncate(qemu, 8)
    with pytest.raises(BackendError):
        watched.picture.update_map(Rect(0, 0, 4, 4))
    os.close(qemu)


def test_a_scanout_ends_the_map(watched: Watched) -> None:
    watched.picture.scanout_map(shared_memory(bytes(plane(4, 4, 1))), 0, 4, 4, 16, X8R8G8B8)
    scanout(watched.picture, 4, 4, 2)
    with pytest.raises(BackendError):
        watched.picture.update_map(Rect(0, 0, 1, 1))


@pytest.mark.parametrize(
    ("offset", "width", "height", "stride"),
    [(0, 4, 5, 16), (1, 4, 4, 16), (0, 4, 4, 15), (0, 0, 4, 16), (0, 4, 4, 1 << 31)],
)
def test_maps_that_cannot_be(watched: Watched, offset: int, width: int, height: int, stride: int) -> None:
    memory = shared_memory(bytes(plane(4, 4, 1)))
    with pytest.raises(BackendError):
        watched.picture.scanout_map(memory, offset, width, height, stride, X8R8G8B8)
    with pytest.raises(OSError):
        os.fstat(memory)


def test_a_map_must_be_a_file(watched: Watched) -> None:
    reading, writing = os.pipe()
    with pytest.raises(BackendError):
        watched.picture.scanout_map(reading, 0, 4, 4, 16, X8R8G8B8)
    os.close(writing)


def test_the_listener_writes_into_what_viewers_see(watched: Watched) -> None:
    scanout(watched.picture, 8, 8, 1)
    surface = take(watched.picture).surface
    update(watched.picture, Rect(2, 2, 2, 2), 9)
    assert surface.pixels[2, 2].tolist() == [9, 9, 9, 0], "before anybody has taken it"
    scanout(watched.picture, 8, 8, 4)
    assert take(watched.picture).surface is surface
    assert (surface.pixels == (4, 4, 4, 0)).all()


def test_an_update_while_the_surface_is_exchanged_is_not_lost(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes in when the old pixels have been copied, and the new surface is not there yet."""
    picture = watched.picture
    scanout(picture, 8, 8, 1)
    take(picture)
    picture.set_size(8, 6)
    copy_over = module._copy_over
    values = iter((2, 3))

    def meanwhile(source: Surface, target: Surface) -> None:
        copy_over(source, target)
        for value in itertools.islice(values, 1):
            update(picture, Rect(0, 0, 4, 4), value)

    monkeypatch.setattr(module, "_copy_over", meanwhile)
    snapshot = take(picture)
    assert shown(snapshot)[:4, :4, 0].tolist() == [[3] * 4] * 4
    assert snapshot.surface.rect == Rect(0, 0, 8, 6)


def test_a_put_into_a_surface_that_was_just_exchanged_is_made_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = watched.picture
    scanout(picture, 8, 8, 1)
    take(picture)
    write = Picture._write
    is_first = True

    def exchanged(*arguments: Any) -> bool:
        nonlocal is_first
        result = write(*arguments)
        if is_first:
            is_first = False
            picture.set_size(8, 6)
            picture.fit()
            picture._surface.words[:] = 0
        return result

    monkeypatch.setattr(Picture, "_write", exchanged)
    update(picture, Rect(0, 0, 4, 4), 5)
    assert shown(take(picture))[:4, :4, 0].tolist() == [[5] * 4] * 4
