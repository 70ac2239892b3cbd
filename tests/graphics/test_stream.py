"""A stream makes a frame when there is something to show, and knows what its clients have then."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Abilities, BoxFrame, CloseBox, Command, Copy, Exact, Lossy
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.tally import Tally
from tests.graphics.drawings import photo, text
from tests.graphics.model import ModelClient, part, wrong

SIZE = (320, 200)
EVERYTHING = Rect(0, 0, *SIZE)
ABLE = Abilities(
    can_copy=True, has_back=True, can_fill=True, cache_slots=64, cache_bytes=1 << 22, has_boxes=True
)


class Target:
    """Messages are commands with the pixels that they mean."""

    abilities = ABLE
    sharing_key = "all"
    way = "commands"
    codecs = ("none",)

    def __init__(self) -> None:
        self.tally = Tally()
        self.frames = 0
        self.epochs = 0
        self.has_adapted = False

    @property
    def state(self) -> tuple[Any, ...]:
        return id(self), self.frames

    def begin_epoch(self, after: object) -> None:
        self.epochs += 1

    def clone(self) -> "Target":
        return Target()

    def adapt(self, frame_id: int, host: "Target", picture: Words) -> str | None:
        return "adapted" if self.has_adapted else None

    def opening(self) -> str:
        return "opening"

    def prepare(self) -> None:
        """There is nothing."""

    def import_cache(self, slots: Sequence[int]) -> str:
        return "imported"

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> Words:
        self.frames += 1
        return picture.copy()


class Scene:
    """A stream of a surface, before a client that carries out commands."""

    def __init__(self) -> None:
        self.surface = Surface(*SIZE)
        self.target = Target()
        self.stream: Stream[Any] = Stream(*SIZE, self.target, frame_id=40)
        self.client = ModelClient(*SIZE)
        self.now = 10.0

    def write(self, rect: Rect, words: Words) -> None:
        self.surface.words[part(rect)] = words
        self.surface.touch([rect])

    def take(self, frame: Frame[Any] | None) -> Frame[Any] | None:
        if frame is not None:
            self.client.apply(frame.commands, frame.output)
        return frame

    def show(self, seconds: float = 1 / 60, fine_pixels: int = 1 << 16) -> Frame[Any] | None:
        self.now += seconds
        return self.take(self.stream.render(self.surface, self.now, fine_pixels))

    @property
    def wanted(self) -> Words:
        result: Words = self.surface.words & np.uint32(0xFFFFFF)
        return result

    def shows(self) -> bool:
        return not wrong(self.client.main, self.wanted).any()


def test_a_frame_for_each_change_and_none_without() -> None:
    scene = Scene()
    assert scene.stream.opening() == "opening"
    numbers = []
    for seed in range(3):
        scene.write(EVERYTHING, text(*SIZE, seed))
        frame = scene.show()
        assert frame is not None
        numbers.append(frame.frame_id)
        assert frame.state == scene.target.state
        assert not frame.is_refinement
        assert scene.shows()
        assert scene.show() is None
    assert numbers == [41, 42, 43]


def test_numbers_begin_again_after_the_last() -> None:
    stream: Stream[Any] = Stream(*SIZE, Target(), frame_id=0xFFFFFFFF)
    frame = stream.render(Surface(*SIZE), 0.0)
    assert frame is not None
    assert frame.frame_id == 0


def test_what_rests_is_made_exact_with_what_is_left_over() -> None:
    scene = Scene()
    scene.write(EVERYTHING, photo(*SIZE))
    scene.show()
    assert (scene.client.main != scene.wanted).any()
    due = scene.stream.next_due()
    assert due is not None
    scene.now = due
    closing = scene.show(1.0, 0)
    assert closing is not None
    assert {type(command) for command in closing.commands} == {CloseBox}, "nothing is left over"
    assert scene.show(1.0, 0) is None
    fine = scene.show(0.1, 4096)
    assert fine is not None
    assert fine.is_refinement
    assert sum(command.rect.pixels for command in fine.commands if isinstance(command, Exact)) == 4096
    for _ in range(100):
        scene.show(0.1)
    assert scene.stream.next_due() is None
    assert (scene.client.main == scene.wanted).all()


def test_a_change_is_no_refinement_although_something_rests() -> None:
    scene = Scene()
    scene.write(EVERYTHING, photo(*SIZE))
    scene.show()
    scene.write(Rect(0, 0, 9, 9), text(9, 9) ^ np.uint32(0x55))
    frame = scene.show(5.0)
    assert frame is not None
    assert not frame.is_refinement


def test_what_is_to_be_painted_again_is() -> None:
    scene = Scene()
    scene.write(EVERYTHING, text(*SIZE))
    scene.show()
    scene.client.main[:65, :85] = 0
    scene.stream.planner.invalidate([Rect(-5, -5, 90, 70), Rect(500, 0, 9, 9)])
    frame = scene.show()
    assert frame is not None
    assert scene.shows()
    assert frame.commands


def test_an_epoch_refers_to_nothing_that_was() -> None:
    scene = Scene()
    scene.write(EVERYTHING, photo(*SIZE))
    scene.show()
    ended = scene.take(scene.stream.end_epoch())
    assert ended is not None
    assert all(isinstance(command, CloseBox) for command in ended.commands)
    assert scene.stream.end_epoch() is None
    other = Scene()
    for seed in range(9):
        other.write(EVERYTHING, text(*SIZE, seed))
        other.show()
    scene.stream.begin_epoch(after=other.stream)
    assert scene.target.epochs == 1
    scene.client.cache.clear()
    scene.client.surfaces[1][...] = 0xBAD
    scene.write(EVERYTHING, photo(*SIZE, 2))
    frame = scene.show()
    assert frame is not None
    assert frame.frame_id > 49, "clients of either have had no later one"
    assert not any(isinstance(command, Copy) and command.source_surface == 1 for command in frame.commands)
    assert scene.shows()


def test_a_clone_goes_on_by_itself() -> None:
    scene = Scene()
    scene.write(EVERYTHING, photo(*SIZE))
    scene.show()
    away = Scene()
    away.surface, away.client, away.now = scene.surface, scene.client, scene.now
    away.stream = scene.stream.clone()
    scene.client = ModelClient(*SIZE)
    scene.client.surfaces = {number: pixels.copy() for number, pixels in away.client.surfaces.items()}
    scene.write(Rect(20, 20, 99, 99), photo(99, 99, 3))
    for one in (away, scene):
        frame = one.show()
        assert frame is not None
        assert frame.frame_id == 42
        assert one.shows()
    assert set(away.client.surfaces) == {0, 1} | set(away.stream.planner._boxes.numbers)


def test_the_last_frame_before_another_stream_is_followed() -> None:
    scene, host = Scene(), Scene()
    scene.write(EVERYTHING, photo(*SIZE))
    scene.show()
    host.write(EVERYTHING, photo(*SIZE, 4))
    host.show()
    caught_up = scene.take(scene.stream.catch_up(host.surface, 11.0))
    assert caught_up is not None
    assert not wrong(scene.client.main, host.wanted).any()
    assert set(scene.client.surfaces) == {0, 1}, "boxes are closed"
    assert any(isinstance(command, BoxFrame | Lossy) for command in caught_up.commands)
    assert scene.stream.adapt(host.stream) is None
    scene.target.has_adapted = True
    adapted = scene.stream.adapt(host.stream)
    assert adapted is not None
    assert adapted.output == "adapted"
    assert adapted.state == host.target.state, "it has now what the host's clients have"
