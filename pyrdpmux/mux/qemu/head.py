"""One console of a QEMU: where its picture comes from, and how large it is."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.picture.cursor import AnyCursor
from pyrdpmux.mux.qemu.bus import CallFailed, Connection
from pyrdpmux.mux.qemu.input import CONSOLE
from pyrdpmux.mux.qemu.listener import Listener
from pyrdpmux.mux.qemu.picture import Picture, PixelBudget, Snapshot
from pyrdpmux.mux.qemu.placeholder import is_placeholder
from pyrdpmux.mux.qemu.sockets import make_pair
from pyrdpmux.mux.qemu.wire import plain
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

PROPERTIES: Final = "org.freedesktop.DBus.Properties"

GUESS_SECONDS: Final = 0.1
"""How long the console's properties may lag behind the updates of a picture that has become larger."""


FIRST_SILENCE: Final = 1.0
LONGEST_SILENCE: Final = 60.0
"""Without news of a head, after which it is looked at anew: see :meth:`Head.look_again`. Twice as long each
time."""

ECHO_SECONDS: Final = 0.5
"""After that, in which what comes is its answer and no news."""

ATTEMPTS: Final = 20
ATTEMPT_SECONDS: Final = 0.05
"""To be listened to again: on a bus, QEMU takes one listener at a time (7.2), and has to see its end."""


class Head:
    """``changed`` is called by any thread when there is something to take; ``ended`` on the loop, with the
    reason, unless it was stopped.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        budget: PixelBudget | None,
        changed: Callable[[], None],
        ended: Callable[[str], None],
    ) -> None:
        self.path = path
        self.picture = Picture(changed, budget)
        #: what it showed when it was taken last; None: nothing yet, or nothing any more
        self.surface: Surface | None = None
        self.is_off = False
        #: QEMU says there that no guest draws on it
        self.is_placeholder = False
        self.cursor: AnyCursor | None = None
        self._silence = FIRST_SILENCE
        self._heard_at = self._looked_at = 0.0
        self._connection = connection
        self._changed = changed
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = None
        #: counts listeners: the end of one that was given up is no news
        self._generation = 0
        self._guessing: asyncio.TimerHandle | None = None
        self._tasks = TaskSet()

    @property
    def is_listening(self) -> bool:
        return self._listener is not None

    @property
    def has_begun(self) -> bool:
        """QEMU has said what it shows, since we listen."""
        return self.surface is not None or self.is_off

    @property
    def is_lit(self) -> bool:
        """The guest shows something."""
        return self.surface is not None and not self.is_placeholder

    async def properties(self, interface: str) -> dict[str, Any]:
        """Of the console, by name."""
        return await console_properties(self._connection, self.path, interface)

    async def listen(self) -> None:
        """The listener reads already when QEMU hears of it: QEMU waits for its answers in the main loop."""
        ours, theirs = make_pair()
        self._generation += 1
        ended = partial(self._listener_ended, self._generation)
        with theirs:
            self._listener = Listener(ours, self.picture, ended)
            await self._connection.call(
                self.path, CONSOLE, "RegisterListener", "h", 0, descriptor=theirs.fileno()
            )

    def is_silent(self, now: float) -> bool:
        """It has shown something, and has had no news for long."""
        return self._listener is not None and self.is_lit and now - self._heard_at >= self._silence

    def expect_news(self) -> None:
        """The guest was asked for another monitor."""
        self._silence, self._heard_at = FIRST_SILENCE, self._loop.time()

    async def look_again(self, vm: Vm) -> None:
        """With another listener.

        QUIRK(QEMU 7.2): tells nobody that a guest has switched an output off, neither by Disable nor by its
        placeholder; but who comes then is shown that.
        """
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._generation += 1
        await vm.compute(listener.close)
        self._heard_at = self._looked_at = self._loop.time()
        self._silence = min(2 * self._silence, LONGEST_SILENCE)
        for _ in range(ATTEMPTS - 1):
            try:
                await self.listen()
            except CallFailed:
                self._generation += 1  # of that one's end nobody is told
                await asyncio.sleep(ATTEMPT_SECONDS)
            else:
                return
        await self.listen()

    def stop_listening(self) -> None:
        """Nobody looks: what was shown is forgotten."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._generation += 1
            listener.stop()
            self.picture.release()
            self.surface, self.is_off = None, False

    async def close(self) -> None:
        """For good."""
        self._generation += 1
        if self._guessing is not None:
            self._guessing.cancel()
        await self._tasks.cancel_all()
        if self._listener is not None:
            self._listener.stop()

    def console_changed(self, values: dict[str, Any]) -> None:
        """QEMU tells width and height together, if both have changed."""
        before = self.picture.size
        width, height = values.get("Width", before[0]), values.get("Height", before[1])
        if isinstance(width, int) and isinstance(height, int):
            self.picture.set_size(width, height)
        if self._guessing is not None:
            self._guessing.cancel()
            self._guessing = None
            self._changed()

    async def take(self, vm: Vm, *, is_one_of_many: bool) -> Snapshot | None:
        """What is new; None while its size is a guess. Of many, it is found out whether a guest shows
        anything there.
        """
        if self._guessing is not None:
            return None  # who ends that tells of news
        while not self.picture.is_fit:
            await vm.compute(self.picture.fit)
        snapshot = self.picture.take()
        if snapshot is None:
            self._guessing = self._loop.call_later(GUESS_SECONDS, self._check_guess)
            return None
        now = self._loop.time()
        if snapshot.rects and now > self._looked_at + ECHO_SECONDS:
            self._silence, self._heard_at = FIRST_SILENCE, now
        self.is_off = snapshot.is_off
        self.surface = surface = snapshot.surface if snapshot.is_enabled else None
        # Nothing but a whole picture makes one, and whatever is drawn over it ends it.
        may_be = is_one_of_many and bool(snapshot.rects) and (self.is_placeholder or _has_all(snapshot))
        if surface is not None and may_be:
            words = surface.words
            self.is_placeholder = await vm.compute(lambda: is_placeholder(words))
        return snapshot

    # -- inside ----------------------------------------------------------------------------------

    def _listener_ended(self, generation: int, reason: str) -> None:
        """Called by its thread."""
        try:
            self._loop.call_soon_threadsafe(self._tell_end, generation, reason)
        except RuntimeError:
            log.debug("The event loop has ended")

    def _tell_end(self, generation: int, reason: str) -> None:
        if generation == self._generation:
            self._ended(reason)

    def _check_guess(self) -> None:
        """The properties have come meanwhile, or they are asked for."""
        self._tasks.create(self._ask_size(), f"size of {self.path}")

    async def _ask_size(self) -> None:
        """They are the truth: the update may be an older one, from before a change of mode."""
        try:
            self.console_changed(await self.properties(CONSOLE))
        except BackendError as error:
            log.debug("Size of %s: %s", self.path, error)
            self.picture.accept_size()
        self._guessing = None
        self._changed()


async def console_properties(connection: Connection, path: str, interface: str) -> dict[str, Any]:
    """BackendError if QEMU does not tell them."""
    match await connection.call(path, PROPERTIES, "GetAll", "s", interface):
        case (dict() as values,):
            return {name: plain(value) for name, value in values.items()}
    raise BackendError(f"{path}: no properties of {interface}")


def _has_all(snapshot: Snapshot) -> bool:
    return any(rect.contains(snapshot.surface.rect) for rect in snapshot.rects)
