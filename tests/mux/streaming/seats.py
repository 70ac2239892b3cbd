"""Seats, streams and workers to test with: whatever happens at a time that a test says."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Abilities, Command, Exact
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.tally import Tally
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.workers import WorkerPool
from tests.mux.serving import noise

SIZE = (256, 128)


class FakeSeat:
    """Takes frames when it is told to be ready."""

    def __init__(self, ready: float | None = 0.0) -> None:
        #: when it can be sent something
        self.ready = ready
        #: how often that was asked
        self.asked = 0
        self.frames: list[Frame[Any]] = []
        self.times: list[float] = []
        self.errors: list[Exception] = []
        self.behind = 0.0
        self.backlog = 0
        self.is_close = True
        self.spare = 1 << 16
        self.asked_to_spare = 0
        self.most = 1 << 30
        #: what it was told of how long the frame after the latest takes
        self.apart = 0.0
        self.on_send: Callable[[], None] = lambda: None
        #: frames are sent piece by piece, as to who has no graphics pipeline
        self.takes_time = True
        #: sending waits for it
        self.gate: asyncio.Event | None = None

    def ready_at(self, now: float) -> float | None:
        self.asked += 1
        return None if self.ready is None else max(self.ready, now)

    def lag(self, now: float) -> float:
        return self.behind

    def keeps_up(self, now: float) -> bool:
        return self.is_close

    def fine_pixels(self, now: float) -> int:
        self.asked_to_spare += 1
        return self.spare

    def room(self, now: float, seconds: float = 0.0) -> int:
        self.apart = seconds
        return self.most

    def send_at_once(self, frame: Frame[Any]) -> bool:
        if self.takes_time:
            return False
        self._take(frame)
        return True

    async def send(self, frame: Frame[Any]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self._take(frame)

    def _take(self, frame: Frame[Any]) -> None:
        self.frames.append(frame)
        self.times.append(asyncio.get_running_loop().time())
        self.on_send()

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


class FakeTarget:
    """Its messages are the commands themselves; two of one ``key`` can be shared."""

    way = "fake"
    codecs = ("none",)

    def __init__(self, key: str = "", abilities: Abilities | None = None) -> None:
        self.tally = Tally()
        self.abilities = abilities or Abilities(can_copy=True)
        self.sharing_key = key
        self.epochs = 0
        self.is_prepared = False

    @property
    def state(self) -> object:
        return None

    def begin_epoch(self, after: object) -> None:
        self.epochs += 1

    def clone(self) -> "FakeTarget":
        return FakeTarget(self.sharing_key, self.abilities)

    def adapt(self, frame_id: int, host: "FakeTarget", picture: Words) -> str:
        return "adapted"

    def opening(self) -> str:
        return "opening"

    def prepare(self) -> None:
        self.is_prepared = True

    def import_cache(self, slots: Sequence[int]) -> str:
        return "imported"

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> tuple[Command, ...]:
        self.tally.bytes += len(commands)
        return tuple(commands)


class InlineWorkers:
    """A pool without threads; what waits behind a closed ``gate`` is done when it opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.jobs = 0
        self.trims = 0
        self.error: Exception | None = None

    def trim_soon(self) -> None:
        self.trims += 1

    async def run(self, owner: str, job: Callable[[], Any]) -> Any:
        self.jobs += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return job()

    def as_pool(self) -> WorkerPool:
        return cast(WorkerPool, self)


def shown_display() -> Display:
    """A picture of noise, so that each change is an exact one."""
    display = Display(Screen(*SIZE))
    paint(display, Rect(0, 0, *SIZE))
    return display


def paint(display: Display, rect: Rect, seed: int = 0) -> None:
    display.screen.write(rect, noise(rect.width, rect.height, seed))


def stream(key: str = "", size: tuple[int, int] = SIZE, abilities: Abilities | None = None) -> Stream[Any]:
    return Stream(*size, FakeTarget(key, abilities))


def exact(frame: Frame[Any]) -> list[Rect]:
    """What it shows exactly; there is nothing else in it."""
    found = [command.rect for command in frame.commands if isinstance(command, Exact)]
    assert len(found) == len(frame.commands)
    return found


def pixels(frame: Frame[Any]) -> int:
    return sum(rect.pixels for rect in exact(frame))
