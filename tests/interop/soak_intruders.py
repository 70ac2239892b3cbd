"""Hypervisors that mean no good: each registers, attacks for a moment in its own way, and goes."""

import asyncio
from random import Random
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.guest import Rect
from tests.hostile.raw_guest import RawGuest
from tests.interop.soak_guests import first_vm_id, uuid_of

FIRST: Final = 500
"""Above the numbers of the VMs that the soak looks after."""

SIZES: Final = ((640, 480), (64, 64), (1920, 1080))
PAUSE: Final = 0.02
LONGEST_STAY: Final = 2.0


class Intruders:
    """One at a time."""

    def __init__(self, bus: str, random: Random) -> None:
        self.counts: dict[str, int] = {}
        self._bus = bus
        self._random = random
        self._number = FIRST

    async def come_and_go(self, over: asyncio.Event) -> None:
        while not over.is_set():
            [attack] = self._random.choices((self._show_too_much, self._lie, self._talk_nonsense))
            name = attack.__name__.strip("_")
            self.counts[name] = self.counts.get(name, 0) + 1
            self._number += 1
            vm_id = first_vm_id() + self._number
            try:
                guest = await RawGuest.register(self._bus, vm_id=vm_id, uuid=uuid_of(vm_id))
            except BackendError:
                continue
            try:
                await guest.until_connected()
                await attack(guest, round(self._random.uniform(0.2, LONGEST_STAY) / PAUSE))
            finally:
                await guest.leave()

    async def _show_too_much(self, guest: RawGuest, times: int) -> None:
        """Everything, fifty times a second, of a size that changes."""
        guest.share(*SIZES[-1])
        for time in range(times):
            if time % 10 == 0:
                size = self._random.choice(SIZES)
                guest.switch(*size)
            guest.change_everything()
            guest.update(Rect(0, 0, *size))
            await asyncio.sleep(PAUSE)

    async def _lie(self, guest: RawGuest, times: int) -> None:
        """Of a framebuffer that is not there, and of rectangles outside of it."""
        for _ in range(times):
            guest.switch(*[self._random.choice((0, -1, 640, 1 << 31, 1 << 62)) for _ in range(2)])
            guest.update(Rect(*[self._random.choice((0, -1, 640, 1 << 31, -(1 << 62))) for _ in range(4)]))
            await asyncio.sleep(PAUSE)

    async def _talk_nonsense(self, guest: RawGuest, times: int) -> None:
        for _ in range(times):
            guest.say(self._random.randbytes(self._random.choice((0, 1, 24, 4000))))
            await asyncio.sleep(PAUSE)
