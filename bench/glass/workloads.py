"""What is drawn: the same pixels in the same order at the same times for every server.

A workload has a picture to begin with, frame 0, and steps from each frame to the next. Along the top is a bar
with the marker of the frame, which nothing else touches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.glass import marker, pictures
from bench.glass.frames import Frame, Move, Patch, Pixels, apply
from bench.glass.pictures import CELL_HEIGHT, CELL_WIDTH
from pyrdpmux.geometry import Rect

BAR: Final = 16
"""Rows at the top, of one color."""
BAR_COLOR: Final = (64, 56, 48)

WINDOW: Final = (900, 650)
TITLE_ROWS: Final = 28
TITLE_COLOR: Final = (150, 90, 40)
SLOWEST, FASTEST = 1, 11
"""Pixels that a dragged window moves in a frame."""

VIDEO: Final = (1280, 720)
VIDEO_LOOP: Final = 60

SLIDES: Final = (
    *("t0", "p0", "t1", "p1", "t0", "t2", "p0", "t3", "p2", "t1"),
    *("t4", "p1", "t5", "p3", "t2", "p2", "t0", "t3", "p3", "t4"),
)
"""Pages of text and photos, some of them again."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A beginning, (height, width, 4), and what changes with frame 1, 2 ...: called once each, in order."""

    first: Pixels
    step: Callable[[int], Frame]


@dataclass(frozen=True)
class Workload:
    """A kind of use."""

    name: str
    #: frames per second
    rate: int
    build: Callable[[int, int], Scene]
    about: str

    def scene(self, width: int, height: int) -> Scene:
        """With bar and markers."""
        scene = self.build(width, height)
        scene.first[:BAR, :, :3] = BAR_COLOR
        apply(Frame((), (_mark(0),)), scene.first)

        def step(number: int) -> Frame:
            frame = scene.step(number)
            return Frame(frame.moves, (*frame.patches, _mark(number)))

        return Scene(scene.first, step)

    def last_picture(self, width: int, height: int, frames: int) -> Pixels:
        """What is on the screen after so many."""
        scene = self.scene(width, height)
        for number in range(1, frames + 1):
            apply(scene.step(number), scene.first)
        return scene.first


def _mark(number: int) -> Patch:
    return Patch(marker.RECT.x, marker.RECT.y, marker.draw(number))


def _text_area(width: int, height: int) -> Rect:
    """Whole cells below the bar."""
    return Rect(0, BAR, width // CELL_WIDTH * CELL_WIDTH, (height - BAR) // CELL_HEIGHT * CELL_HEIGHT)


def typing(width: int, height: int) -> Scene:
    """A page of text, half full, and a letter with each frame."""
    font = pictures.paper()
    first = np.full((height, width, 4), 255, np.uint8)
    first[BAR:] = font.page(1, height - BAR, width, filled=0.5)
    area = _text_area(width, height)
    columns, rows = area.width // CELL_WIDTH, area.height // CELL_HEIGHT
    rng = np.random.default_rng(2)
    start = rows // 2

    def step(number: int) -> Frame:
        row, column = divmod(number - 1, columns)
        glyph = font.cells[0, int(rng.integers(1, pictures.GLYPHS))]
        y = BAR + (start + row % (rows - start)) * CELL_HEIGHT
        return Frame((), (Patch(column * CELL_WIDTH, y, glyph),))

    return Scene(first, step)


def scroll(width: int, height: int) -> Scene:
    """A terminal in colors, a line further with each frame."""
    font = pictures.terminal()
    first = font.page(3, height, width)
    area = _text_area(width, height)
    rng = np.random.default_rng(4)
    above = Rect(0, BAR + CELL_HEIGHT, area.width, area.height - CELL_HEIGHT)

    def step(number: int) -> Frame:
        line = font.line(rng, area.width // CELL_WIDTH)
        return Frame((Move(above, 0, BAR),), (Patch(0, area.bottom - CELL_HEIGHT, line),))

    return Scene(first, step)


def _window(width: int, height: int) -> Pixels:
    window = pictures.paper().page(5, height, width)
    window[:TITLE_ROWS, :, :3] = TITLE_COLOR
    window[:, [0, -1], :3] = TITLE_COLOR
    window[-1, :, :3] = TITLE_COLOR
    return window


class Dragged:
    """A window on its way: 1 to 11 pixels a frame, turning slowly, back from the edges of ``room``."""

    def __init__(self, place: Rect, room: Rect) -> None:
        self.place = place
        self._room = room
        self._right, self._down = 1, 1

    def move(self, number: int) -> Rect:
        """Where it is in this frame."""
        middle, swing = (SLOWEST + FASTEST) / 2, (FASTEST - SLOWEST) / 2
        speed = middle + swing * np.sin(number / 17)
        angle = np.pi / 4 + np.sin(number / 53)
        dx = max(1, int(speed * np.cos(angle)))
        dy = int(speed * np.sin(angle))
        before, room = self.place, self._room
        if not room.x <= before.x + self._right * dx <= room.right - before.width:
            self._right = -self._right
        if not room.y <= before.y + self._down * dy <= room.bottom - before.height:
            self._down = -self._down
        x, y = before.x + self._right * dx, before.y + self._down * dy
        self.place = Rect(x, y, before.width, before.height)
        return self.place


def drag(width: int, height: int) -> Scene:
    """A window of text that is dragged over a photo."""
    photo = pictures.photo(6, height, width)
    first = photo.copy()
    size = min(WINDOW[0], width * 3 // 4), min(WINDOW[1], height * 3 // 4)
    room = Rect(0, BAR, width, height - BAR)
    place = Rect((width - size[0]) // 2, BAR + (room.height - size[1]) // 2, *size)
    first[place.y : place.bottom, place.x : place.right] = _window(*size)
    window = Dragged(place, room)

    def step(number: int) -> Frame:
        before = window.place
        place = window.move(number)
        revealed = before.without(place)
        patches = [Patch(r.x, r.y, photo[r.y : r.bottom, r.x : r.right]) for r in revealed]
        return Frame((Move(before, place.x, place.y),), tuple(patches))

    return Scene(first, step)


def _video_place(width: int, height: int) -> Rect:
    size = min(VIDEO[0], width), min(VIDEO[1], height - BAR)
    return Rect((width - size[0]) // 2, BAR + (height - BAR - size[1]) // 2, *size)


def video(width: int, height: int) -> Scene:
    """A video that plays over a photo."""
    first = pictures.photo(6, height, width)
    place = _video_place(width, height)
    loop = pictures.video(7, place.height, place.width, VIDEO_LOOP)

    def step(number: int) -> Frame:
        return Frame((), (Patch(place.x, place.y, loop[number % VIDEO_LOOP]),))

    return Scene(first, step)


def typing_beside_video(width: int, height: int) -> Scene:
    """Both at once: what a marker tells is when the letter came."""
    page, film = typing(width, height), video(width, height)
    place = _video_place(width, height)

    def step(number: int) -> Frame:
        # A letter that would be in the video's way is under it.
        return Frame((), page.step(number).patches + film.step(number).patches)

    page.first[place.y : place.bottom, place.x : place.right] = film.first[
        place.y : place.bottom, place.x : place.right
    ]
    return Scene(page.first, step)


def slides(width: int, height: int) -> Scene:
    """Pages of text and photos, full screen, back and forth."""
    papers = pictures.paper(), pictures.terminal()
    pages = {}
    for name in set(SLIDES):
        number = int(name[1:])
        shape = height - BAR, width
        is_text = name[0] == "t"
        pages[name] = (
            papers[number % 2].page(20 + number, *shape) if is_text else pictures.photo(30 + number, *shape)
        )
    first = pictures.paper().page(8, height, width, filled=0.3)

    def step(number: int) -> Frame:
        return Frame((), (Patch(0, BAR, pages[SLIDES[(number - 1) % len(SLIDES)]]),))

    return Scene(first, step)


WORKLOADS: Final = {
    workload.name: workload
    for workload in (
        Workload("typing", 30, typing, "a letter a frame on a page of text"),
        Workload("scroll", 30, scroll, "a terminal, a line a frame"),
        Workload("drag", 60, drag, "a window of text dragged over a photo"),
        Workload("video", 30, video, "1280x720 with a sensor's noise, over a photo"),
        Workload("slides", 2, slides, "pages of text and photos, some again"),
        Workload("typing+video", 30, typing_beside_video, "typing while a video plays"),
    )
}

USUAL: Final = tuple(name for name in WORKLOADS if name != "typing+video")
