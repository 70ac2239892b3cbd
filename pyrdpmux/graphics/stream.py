"""One stream of frames, for all clients that are alike and keep up with each other.

A stream looks at a surface when somebody can be sent something, and makes one message for all. It knows its
clients only as a number of them that have had every message since the last epoch.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from pyrdpmux.codec.color import Words
from pyrdpmux.graphics.commands import Abilities, Command
from pyrdpmux.graphics.planner import FINE_PIXELS, Planner
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.tally import Step, Tally

Output = TypeVar("Output")
Made = TypeVar("Made", covariant=True)


class Target(Protocol[Made]):
    """Puts commands into what is sent to clients of one kind."""

    @property
    def abilities(self) -> Abilities: ...

    @property
    def way(self) -> str:
        """By which clients are drawn to, in a word for people."""

    @property
    def codecs(self) -> tuple[str, ...]:
        """What pixels are encoded with, for people: the one for pictures first."""

    @property
    def tally(self) -> Tally:
        """What frames were made of so far."""

    @property
    def sharing_key(self) -> Hashable:
        """Clients whose targets have equal ones understand the same messages."""

    @property
    def state(self) -> Any:
        """What a client has, once it has had everything so far: for a later target of the same kind."""

    def prepare(self) -> None:
        """Do now what takes long when it is first done, for the rest of the process."""

    def begin_epoch(self, after: Self) -> None:
        """Whatever comes refers to nothing that was, and is also for clients of ``after``."""

    def clone(self) -> Self:
        """One for clients that have had everything so far, which begins an epoch."""

    def adapt(self, frame_id: int, host: Self, picture: Words) -> Made | None:
        """What makes clients of this target such of ``host``; both show ``picture``. None for nothing."""

    def opening(self) -> Made:
        """What a new client needs before the first frame."""

    def import_cache(self, slots: Sequence[int]) -> Made | None:
        """Beside frames: what a client has offered of an earlier cache goes to these slots, 0 for none."""

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> Made:
        """One frame, whose pixels are those of ``picture`` (height, width) uint32."""


@dataclass(frozen=True, slots=True)
class Frame(Generic[Output]):
    """What is sent at once."""

    frame_id: int
    output: Output = field(repr=False)
    commands: tuple[Command, ...] = field(repr=False)
    #: what a client has after it: see :attr:`Target.state`
    state: Any = field(repr=False)
    #: nothing has changed: what rests was made better
    is_refinement: bool = False


class Stream(Generic[Output]):
    """The frames of a picture of ``width`` x ``height``. Not thread-safe: one call at a time."""

    def __init__(self, width: int, height: int, target: Target[Output], *, frame_id: int = 0) -> None:
        """``frame_id``: of the last frame that its clients have had."""
        self.width, self.height = width, height
        self.target = target
        self.planner = Planner(width, height, target.abilities)
        self._frame_id = frame_id

    def opening(self) -> Output:
        """For the first client: what comes before the first frame."""
        return self.target.opening()

    @property
    def is_behind(self) -> bool:
        """The latest frame did not have room for everything: another one is due."""
        return self.planner.allotment.is_behind

    def render(
        self, surface: Surface, now: float, fine_pixels: int = FINE_PIXELS, room: int | None = None
    ) -> Frame[Output] | None:
        """What brings clients up to date with ``surface``, of this size; None if they are.

        ``fine_pixels``: that are made exact, at most, where they were sent lossy and rest since. ``room``:
        bytes that the frame should have at most, about; None: whatever it takes.
        """
        began = self.target.tally.clock()
        commands = self.planner.plan(surface, now, fine_pixels, room)
        self.target.tally.add(Step.FIND, began)
        return self._frame(commands, self.planner.has_rested) if commands else None

    def import_cache(self, entries: Sequence[tuple[int, int]]) -> Output | None:
        """What answers the only client's offer of bitmaps, by key and bytes; None if nothing of it helps.

        Only as long as there is one: what is said to one client alone, others cannot follow.
        """
        slots = self.planner.import_cache(entries)
        return self.target.import_cache(slots) if any(slots) else None

    def next_due(self) -> float | None:
        """When :meth:`render` has something to send although nothing changes."""
        return self.planner.next_due()

    def end_epoch(self) -> Frame[Output] | None:
        """What those who are here have to be sent before somebody joins."""
        commands = self.planner.close_boxes()
        return self._frame(commands) if commands else None

    def begin_epoch(self, after: "Stream[Output]") -> None:
        """From here on, whoever shows what :attr:`planner` says can follow, also the clients of ``after``."""
        self.target.begin_epoch(after.target)
        self.planner.begin_epoch(self.target.abilities)
        self._frame_id = max(self._frame_id, after._frame_id)

    def catch_up(self, surface: Surface, now: float) -> Frame[Output] | None:
        """The last frame before clients go on with another stream, which shows ``surface``."""
        commands = self.planner.plan(surface, now, 0) + self.planner.close_boxes()
        return self._frame(commands) if commands else None

    def adapt(self, host: "Stream[Output]") -> Frame[Output] | None:
        """What makes clients of this stream such of ``host``, which shows the same."""
        output = self.target.adapt(self._next_id(), host.target, self.planner.main.words)
        return Frame(self._frame_id, output, (), host.target.state) if output is not None else None

    def clone(self) -> "Stream[Output]":
        """Another one for clients that have had everything so far."""
        other = Stream(self.width, self.height, self.target.clone(), frame_id=self._frame_id)
        other.planner = self.planner.clone()
        return other

    def _next_id(self) -> int:
        self._frame_id = (self._frame_id + 1) & 0xFFFFFFFF
        return self._frame_id

    def _frame(self, commands: list[Command], is_refinement: bool = False) -> Frame[Output]:
        frame_id = self._next_id()
        output = self.target.frame(frame_id, commands, self.planner.current)
        self.planner.allotment.learn(self.target.tally.figures())
        return Frame(frame_id, output, tuple(commands), self.target.state, is_refinement)
