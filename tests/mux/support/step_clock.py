"""Time counted in steps: how much is done in a turn matters, not how long a machine takes for it."""

from collections.abc import Callable, Generator

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.fair import SLICE_SECONDS, FairSchedule, Kind
from tests.mux.support.fake_host import FakeVm

STEP = SLICE_SECONDS / 20


class StepClock:
    """A look at it takes ``step`` seconds; nothing else takes any."""

    def __init__(self, step: float = STEP) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class WatchedScreen(Screen):
    """Notes the pixels of each step that paints."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def update_in_steps(self, rect: Rect, fetch: Callable[[Rect], Pixels]) -> Generator[None, None, None]:
        def noted(band: Rect) -> Pixels:
            self.steps.append(band.pixels)
            return fetch(band)

        return super().update_in_steps(rect, noted)


def watch(vm: FakeVm, clock: StepClock | None = None) -> tuple[WatchedScreen, FairSchedule]:
    """Before its backend has begun to work."""
    schedule = FairSchedule(clock)
    vm.screen = WatchedScreen()
    vm.loop_share = schedule.share(Kind.GUEST, "vm")
    return vm.screen, schedule
