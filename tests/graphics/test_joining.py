"""Streams that become one: clients that were apart follow one stream, bit for bit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.joining import join
from pyrdpmux.graphics.stream import Stream
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.targets.pipeline import Pipeline, PipelineFormat
from tests.graphics.drawings import DRAWINGS, drawn, photo, text
from tests.graphics.model import part
from tests.graphics.targets.test_pipeline import FORMATS, LAYOUT, VIDEO, Session

SIZE = (330, 250)
EVERYTHING = Rect(0, 0, *SIZE)


class Meeting:
    """Two sessions of one surface, one of which has begun earlier."""

    def __init__(self, format: PipelineFormat = VIDEO, *, has_been_elsewhere: bool = False) -> None:
        """``has_been_elsewhere``: the guest has had another stream, whose surfaces it still has."""
        self.host, self.guest = Session(*SIZE, format), Session(*SIZE, format)
        if has_been_elsewhere:
            pipeline = Pipeline(*SIZE, format, self.guest.stream.target.state)
            self.guest.stream = Stream(*SIZE, pipeline)
            self.guest.client.take(self.guest.stream.opening())
        self.surface = self.guest.surface = self.host.surface
        self.clients = [self.host.client, self.guest.client]

    def join(self) -> None:
        frames = join(self.host.stream, self.guest.stream, self.host.now)
        for frame in frames.of_host:
            self.host.client.take_frame(frame)
        for frame in frames.of_guest:
            self.guest.client.take_frame(frame)
        self.check()
        assert all(frame.state == self.host.stream.target.state for frame in frames.of_guest[-1:])

    def show(self, seconds: float = 0.02) -> None:
        """The host's next frame, to both."""
        self.host.now += seconds
        frame = self.host.stream.render(self.surface, self.host.now)
        for client in self.clients:
            client.take_frame(frame)
        self.check()

    def check(self) -> None:
        for session in (self.host, self.guest):
            differs = (session.client.shown != self.host.wanted) & self.host.on_monitors
            assert not (differs & ~self.host.stream.planner.main.lossy).any()

    def rest(self) -> None:
        while (due := self.host.stream.next_due()) is not None:
            self.show(max(due - self.host.now, 0.0) + 0.001)
        for client in self.clients:
            assert (client.shown == self.host.wanted)[self.host.on_monitors].all()


@FORMATS
def test_a_late_joiner_follows_from_the_epoch_on(format: PipelineFormat) -> None:
    meeting = Meeting(format)
    page = text(330, 900)
    for top in range(0, 160, 16):
        meeting.host.write(EVERYTHING, page[top : top + 250])
        meeting.host.show()
    for seed in range(4):
        meeting.host.write(Rect(30, 20, 250, 200), photo(250, 200, seed))
        meeting.host.show()
    meeting.guest.show()
    meeting.join()
    for top in range(160, 0, -16):
        meeting.host.write(EVERYTHING, page[top : top + 250])
        meeting.show()
    for seed in range(4):
        meeting.host.write(Rect(30, 20, 250, 200), photo(250, 200, seed))
        meeting.show()
    meeting.rest()


def test_nothing_to_catch_up_with() -> None:
    meeting = Meeting()
    meeting.host.show()
    meeting.guest.show()
    meeting.join()
    meeting.host.write(Rect(3, 3, 20, 20), text(20, 20))
    meeting.show()
    meeting.rest()


@pytest.mark.parametrize("monitors", [(), LAYOUT])
def test_who_has_other_surfaces_takes_those_of_the_host(monitors: tuple[Rect, ...]) -> None:
    meeting = Meeting(replace(VIDEO, monitors=monitors), has_been_elsewhere=True)
    meeting.host.write(EVERYTHING, text(330, 250))
    meeting.host.show()
    meeting.guest.show()
    meeting.join()
    assert set(meeting.guest.client.renderer.surfaces) == set(meeting.host.client.renderer.surfaces)
    meeting.host.write(EVERYTHING, text(330, 250, 2))
    meeting.show()
    meeting.rest()


@pytest.mark.parametrize("frames", [1, 40, 200])
def test_the_numbers_of_clearcodec_messages_are_made_equal(frames: int) -> None:
    meeting = Meeting()
    for number in range(frames):
        meeting.host.write(Rect(number % 300, 4, 9, 16), text(9, 16, number))
        meeting.host.show()
    meeting.guest.show()
    meeting.join()
    meeting.host.write(Rect(50, 40, 200, 100), text(200, 100))
    meeting.show()
    meeting.rest()


def test_who_leaves_goes_on_and_comes_back() -> None:
    meeting = Meeting()
    meeting.host.show()
    meeting.guest.show()
    meeting.join()
    for seed in range(4):
        meeting.host.write(Rect(30, 20, 250, 200), photo(250, 200, seed))
        meeting.show()
    away = meeting.host.stream.clone()
    meeting.guest.stream = away
    for seed in range(4, 8):
        meeting.host.write(Rect(30, 20, 250, 200), photo(250, 200, seed))
        meeting.host.show()
    meeting.guest.now = meeting.host.now
    meeting.guest.show()
    meeting.host.write(Rect(5, 5, 99, 33), text(99, 33))
    meeting.host.show()
    meeting.join()
    meeting.host.write(EVERYTHING, text(330, 250))
    meeting.show()
    meeting.rest()


@given(
    before=DRAWINGS,
    between=DRAWINGS,
    after=DRAWINGS,
    apart=st.integers(0, 12),
    monitors=st.sampled_from([(), LAYOUT]),
    has_been_elsewhere=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_whenever_somebody_joins(
    before: list[tuple[str, Rect, int, int, float]],
    between: list[tuple[str, Rect, int, int, float]],
    after: list[tuple[str, Rect, int, int, float]],
    apart: int,
    monitors: tuple[Rect, ...],
    has_been_elsewhere: bool,
) -> None:
    meeting = Meeting(replace(VIDEO, monitors=monitors), has_been_elsewhere=has_been_elsewhere)
    meeting.host.is_noisy = meeting.guest.is_noisy = True

    def draw(kind: str, rect: Rect, by: int, seed: int) -> None:
        rect = rect.clip(*SIZE)
        if not rect.is_empty:
            meeting.host.write(rect, drawn(meeting.surface.words, kind, rect, by, seed))

    for kind, rect, by, seed, seconds in before:
        draw(kind, rect, by, seed)
        meeting.host.show(seconds)
    meeting.guest.show()
    for number, (kind, rect, by, seed, seconds) in enumerate(between):
        draw(kind, rect, by, seed)
        meeting.host.show(seconds)
        if number >= apart:
            meeting.guest.now = meeting.host.now
            meeting.guest.show()
    meeting.join()
    for kind, rect, by, seed, seconds in after:
        draw(kind, rect, by, seed)
        meeting.show(seconds)
    meeting.rest()


def test_a_surface_of_another_owner_is_shown_by_the_next_frame() -> None:
    """A card over the picture is another surface of the same size."""
    session = Session(*SIZE)
    session.write(EVERYTHING, text(330, 250))
    session.show()
    session.surface = Surface(*SIZE)
    session.surface.words[part(EVERYTHING)] = photo(330, 250)
    session.surface.touch([EVERYTHING])
    session.show()
    session.rest()
