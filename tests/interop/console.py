"""Our daemon with one VM, in a thread: the test paints the VM's screen and reads what the VM was told.

Everything of ours is in between: the guest API, librdpmux messages over a socket, shared memory, registry,
viewers, RDP. The methods of :class:`Console` may be called from the test's thread.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.harness.programs import free_port, wait_until
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, pixel_format
from pyrdpmux.mux.librdpmux.messages import Keyboard, Message, Mouse, decode_message
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.rdp.nla.accounts import Accounts

USER: Final = "alice"
PASSWORD: Final = "correct horse"
VM_ID: Final = 4711
PATIENCE: Final = 20.0

#: Every way in, so that the client chooses.
EVERYTHING: Final = SecuritySettings(nla=True, tls=True, rdp=True)

T = TypeVar("T")
Bgrx = NDArray[np.uint8]
"""(height, width, 4): blue, green, red, unused."""


class RecordingGuest(Guest):
    """Keeps the librdpmux messages that tell of input, as they came."""

    def __init__(self, shared_memory: Path) -> None:
        super().__init__(GuestInput(), vm_id=VM_ID, shared_memory=shared_memory)
        self.messages: list[Message] = []

    def received(self, messages: list[bytes]) -> None:
        decoded = [decode_message(data) for data in messages]
        self.messages += [message for message in decoded if isinstance(message, Keyboard | Mouse)]
        super().received(messages)


class Console:
    """One VM behind one port."""

    def __init__(
        self, folder: Path, width: int = 800, height: int = 600, security: SecuritySettings = EVERYTHING
    ) -> None:
        self._folder = folder
        self._security = security
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="daemon", daemon=True)
        self._size = (width, height)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    # -- the daemon's thread ---------------------------------------------------------------------

    async def _start(self) -> None:
        config = Config(port=free_port(), state_dir=self._folder, security=self._security)
        accounts = Accounts().with_password(USER, "", PASSWORD)
        self._registry = Registry(config, ConnectionFactory(config, accounts=accounts))
        self._server = LibrdpmuxServer(shared_memory=self._folder)
        await self._server.start(self._registry)
        endpoint = await self._server.register(Registration(vm_id=VM_ID, uid=os.geteuid()))
        self._guest = RecordingGuest(self._folder)
        self._guest.connect(endpoint)
        self._guest.switch(pixel_format(PixelCode.X8R8G8B8), *self._size)
        [console] = self._registry.consoles
        self.port = console.port

    async def _stop(self) -> None:
        await self._registry.close("the test is over")
        await self._guest.close()
        await self._server.stop()

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def _do(self, action: Callable[[], T]) -> T:
        """``action`` in the daemon's thread."""

        async def doing() -> T:
            return action()

        return self._await(doing())

    # -- the VM ----------------------------------------------------------------------------------

    def switch(self, width: int, height: int) -> None:
        """The VM changes its resolution; its screen is black then."""
        self._do(lambda: self._guest.switch(pixel_format(PixelCode.X8R8G8B8), width, height))

    def paint(self, picture: Bgrx, x: int = 0, y: int = 0) -> None:
        """Put ``picture`` on the VM's screen."""
        height, width = picture.shape[:2]
        self._do(lambda: self._guest.show(Rect(x, y, width, height), picture))

    @property
    def picture(self) -> Bgrx:
        """What is on the VM's screen."""
        return self._do(lambda: self._guest.pixels.copy())

    def take_messages(self) -> list[Message]:
        """The input that the VM was told of since the last call."""

        def take() -> list[Message]:
            taken = list(self._guest.messages)
            self._guest.messages.clear()
            return taken

        return self._do(take)

    def expect_messages(
        self, expected: list[Message], ignore: Callable[[Message], bool] | None = None
    ) -> None:
        """Wait until the VM was told exactly that, in that order, apart from what is to be ignored."""
        seen: list[Message] = []

        def told() -> bool:
            seen.extend(m for m in self.take_messages() if ignore is None or not ignore(m))
            return len(seen) >= len(expected)

        try:
            wait_until(told, PATIENCE, f"{expected}")
        except Exception as error:
            raise AssertionError(f"the VM was told {seen}, expected {expected}") from error
        assert seen == expected, _first_difference(seen, expected)

    # -- its viewers -----------------------------------------------------------------------------

    @property
    def viewer_count(self) -> int:
        return self._do(lambda: len(self._registry.consoles[0].viewers))

    def wait_for_viewers(self, count: int, timeout: float = PATIENCE) -> None:
        wait_until(lambda: self.viewer_count == count, timeout, f"{count} viewers")


def _first_difference(seen: list[Message], expected: list[Message]) -> str:
    at = next(at for at in range(len(seen) + 1) if seen[at : at + 1] != expected[at : at + 1])
    return f"message {at}: {seen[at : at + 4]}, expected {expected[at : at + 4]}"
