"""A VM's console, seen from the VM: a picture to paint, changes to announce, input to receive."""

import asyncio
import itertools
import logging
import secrets
import uuid as uuids
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect, Region
from pyrdpmux.mux.backend import InputSink, NoInput, ResizeSink
from pyrdpmux.mux.guest.framebuffer import GuestFramebuffer
from pyrdpmux.mux.guest.registration import Identity, Registration
from pyrdpmux.mux.librdpmux.bus import OBJECT_PATH
from pyrdpmux.mux.librdpmux.input import dispatch_keyboard, dispatch_mouse
from pyrdpmux.mux.librdpmux.messages import (
    TAKES_PAIRS,
    DisplaySwitch,
    DisplayUpdate,
    DisplayUpdatePair,
    Keyboard,
    Message,
    Mouse,
    Shutdown,
    SizeRequest,
    TakesSizes,
    UpdateComplete,
    decode_message,
    encode_message,
)
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS, Acknowledgement, Protocol, Transport
from pyrdpmux.mux.librdpmux.shared_memory import MIN_LIBRARY_SIZE, SHARED_MEMORY, Surface, object_name
from pyrdpmux.mux.librdpmux.transport import GuestSocket, PairSocket
from pyrdpmux.mux.picture.pixel_format import PixelFormat

log = logging.getLogger("pyrdpmux.guest")

ACKNOWLEDGE_TIMEOUT: Final = 0.5
"""How long to wait for a server before painting on; the library waits forever."""

REFRESH_SECONDS: Final = 0.03
"""Between updates where nobody acknowledges them, as the library does it."""

MAX_UNANSWERED: Final = 4
"""Updates in a row, after which a server that need not acknowledge them is not waited for any more."""

PACE: Final = 0.75
"""Of the time between as many updates: who paints as often is not held up by its own jitter."""

MAX_UPDATES: Final = 2
"""Rectangles announced at once: to read and to answer one costs a server more than to copy what lies between
two that are near. Those that are nearest are joined until there are no more."""

MAX_JOINED: Final = 16
"""More become their bounding box at once."""


class GuestInput(NoInput):
    """An InputSink that ignores everything: derive from it what the VM understands.

    With a method ``request_size(width, height, scale)``, viewers' wishes arrive there (``ResizeSink``).
    """


class Guest:
    """One VM's console, on the running loop.

    Paint into :attr:`pixels` at any time; the shared framebuffer is only written while the server is not
    reading it, from there, so what viewers see is never half painted.
    """

    def __init__(
        self,
        input: InputSink,
        *,
        vm_id: int | None = None,
        uuid: str | None = None,
        shared_memory: Path = SHARED_MEMORY,
        mode: int = 0o600,
    ) -> None:
        """``uuid``: the VM's, by which a server knows it again; None makes one up.

        ``mode``: of the framebuffer; 0600 is too little for a server of another user, except root and those
        with an opener (``pyrdpmux.mux.opener``).
        """
        self.vm_id = secrets.randbelow(2**31 - 1) if vm_id is None else vm_id
        self.uuid = uuid or str(uuids.uuid4())
        self.protocol = PROTOCOLS[1]
        self.surface: Surface | None = None
        self.pixels: Pixels = np.zeros((0, 0, 4), np.uint8)
        self._input = input
        self._loop = asyncio.get_running_loop()
        self._framebuffer = GuestFramebuffer(shared_memory / object_name(self.vm_id), mode)
        self._registration: Registration | None = None
        self._socket: GuestSocket | None = None
        self._dirty = Region()
        self._switched = False
        self._awaited = 0
        self._interval = 0.0
        #: the server acknowledges updates, also where its version has none: pyrdpmux does, for guests like us
        self._is_answered = False
        self._takes_pairs = False
        self._unanswered = 0
        self._published_at = 0.0
        self._timeout: asyncio.TimerHandle | None = None
        self._publishing: asyncio.Handle | None = None

    @classmethod
    async def register(
        cls,
        bus: str,
        input: InputSink,
        *,
        name: str = "",
        vm_id: int | None = None,
        uuid: str | None = None,
        port: int = 0,
        auth_file: str = "",
        path: str = OBJECT_PATH,
        versions: Iterable[int] | None = None,
        shared_memory: Path = SHARED_MEMORY,
        mode: int = 0o600,
    ) -> Self:
        """A console on the server that owns ``org.RDPMux.RDPMux`` on this bus (see ``connect_bus``).

        ``name``: what the server is to call the VM, 1 to 64 printable characters; without one, or at the
        original server, which knows no names, the VM is called by its UUID.
        ``port`` and ``auth_file``, a SAM file's absolute path, are wishes that not every version can express.
        ``versions``: those to try, the best first; all if not given.
        """
        guest = cls(input, vm_id=vm_id, uuid=uuid, shared_memory=shared_memory, mode=mode)
        identity = Identity(vm_id=guest.vm_id, uuid=guest.uuid, port=port, auth_file=auth_file, name=name)
        registration = Registration(bus, identity, guest.connect, path=path, versions=versions)
        guest._registration = registration
        try:
            await registration.open()
        except BaseException:
            await guest.close()
            raise
        return guest

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def connect(self, endpoint: str, protocol: Protocol = PROTOCOLS[1]) -> None:
        """To where a registration said, instead of to where it was connected before."""
        if self._socket is not None:
            self._socket.close()
        self.protocol = protocol
        self._interval = 0.0
        self._is_answered = False
        if protocol.transport is Transport.PAIR:
            pair = PairSocket(self)
            self._socket = pair
            pair.dial(endpoint)
        else:
            from pyrdpmux.mux.librdpmux.dealer import DealerSocket  # not everybody has pyzmq

            dealer = DealerSocket(self, self.uuid)
            self._socket = dealer
            dealer.dial(endpoint)

    async def close(self, *, vanish: bool = False) -> None:
        """Say goodbye, stop, and remove the framebuffer. ``vanish``: as if the VM had died, it may return."""
        if not vanish:
            self._send(Shutdown())
        for handle in (self._timeout, self._publishing):
            if handle is not None:
                handle.cancel()
        if self._socket is not None:
            # nng sends what is queued on threads of its own, if it is given the chance.
            await asyncio.sleep(0.01 if self._socket.is_connected else 0)
            self._socket.close()
        if self._registration is not None:
            await self._registration.close()
        self._framebuffer.close()

    def switch(self, format: PixelFormat, width: int, height: int) -> None:
        """Another resolution or pixel format: :attr:`pixels` is a new, black picture, all of it dirty."""
        surface = Surface(format, width, height)
        is_original = self._registration is not None and self._registration.is_original
        if is_original and surface.size > MIN_LIBRARY_SIZE:
            raise BackendError(
                f"{width}x{height}: the original server reads no more than {MIN_LIBRARY_SIZE} bytes"
            )
        self._framebuffer.reserve(surface.size)
        self.surface = surface
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self._dirty = Region([Rect(0, 0, width, height)])
        self._switched = True
        self._publish_soon()

    def update(self, rect: Rect) -> None:
        """What has been painted here is to be shown."""
        self._dirty.add(rect.clip(self.pixels.shape[1], self.pixels.shape[0]))
        self._publish_soon()

    def show(self, rect: Rect, bgrx: Pixels) -> None:
        """Paint and update in one."""
        visible = rect.clip(self.pixels.shape[1], self.pixels.shape[0])
        if not visible.is_empty:
            left, top = visible.x - rect.x, visible.y - rect.y
            self.pixels[visible.y : visible.bottom, visible.x : visible.right] = bgrx[
                top : top + visible.height, left : left + visible.width
            ]
            self.update(visible)

    @property
    def is_connected(self) -> bool:
        return self._socket is not None and self._socket.is_connected

    @property
    def is_settled(self) -> bool:
        """Everything painted has been announced, and acknowledged where that is done."""
        return self.is_connected and self._dirty.is_empty and not self._awaited and not self._switched

    def connected(self) -> None:
        """The server is there, perhaps a new one that has seen nothing yet."""
        self._awaited = 0
        self._takes_pairs = False
        is_original = self._registration is not None and self._registration.is_original
        takes_sizes = isinstance(self._input, ResizeSink)
        has_answers = self.protocol.dialects[0].acknowledgement is not Acknowledgement.NONE
        if not is_original and (takes_sizes or not has_answers):
            self._send(TakesSizes(int(takes_sizes)))
        if self.surface is not None:
            self._switched = True
            self._dirty = Region([Rect(0, 0, self.surface.width, self.surface.height)])
            self._publish_soon()

    def disconnected(self) -> None:
        self._acknowledged(self._awaited)

    def received(self, messages: list[bytes]) -> None:
        for data in messages:
            try:
                message = decode_message(data, self.protocol.dialects[0].base)
            except BackendError as error:
                log.warning("VM %d: from the server: %s", self.vm_id, error)
                continue
            match message:
                case Keyboard():
                    dispatch_keyboard(message, self._input)
                case Mouse():
                    dispatch_mouse(message, self._input)
                case UpdateComplete():
                    self._on_complete(message)
                case SizeRequest() if isinstance(self._input, ResizeSink):
                    self._input.request_size(message.width, message.height, message.scale)
                case _:
                    log.warning("VM %d: %s from the server", self.vm_id, type(message).__name__)

    def _on_complete(self, message: UpdateComplete) -> None:
        self._is_answered, self._unanswered = True, 0
        if message.frame_rate is not None:
            self._interval = PACE / max(1, message.frame_rate)
        if message.success == TAKES_PAIRS:
            self._takes_pairs = True
        else:
            self._acknowledged(1)

    @property
    def _waits(self) -> bool:
        """Whether updates are acknowledged."""
        return self._is_answered or self.protocol.dialects[0].acknowledgement is not Acknowledgement.NONE

    def _acknowledged(self, count: int) -> None:
        if not self._awaited:
            return  # the server repeats itself, in case it was not heard
        self._awaited = max(0, self._awaited - count)
        if not self._awaited:
            if self._timeout is not None:
                self._timeout.cancel()
                self._timeout = None
            if not self._dirty.is_empty:
                self._publish_soon()

    def _not_acknowledged(self) -> None:
        self._timeout = None
        self._unanswered += 1
        if self._unanswered >= MAX_UNANSWERED:
            self._is_answered = False
        self._acknowledged(self._awaited)

    def _publish_soon(self) -> None:
        """Once per turn of the loop, so that what is painted together is announced together.

        Later, if the server has said that it cannot use as many.
        """
        if self._publishing is None:
            due = self._published_at + self._interval
            soon = self._interval == 0.0 or self._switched or due <= self._loop.time()
            self._publishing = (
                self._loop.call_soon(self._publish) if soon else self._loop.call_at(due, self._publish)
            )

    def _publish(self) -> None:
        self._publishing = None
        if self.surface is None or self._awaited or not self.is_connected or self._dirty.is_empty:
            return
        rects = joined(self._dirty)
        self._dirty.clear()
        try:
            for rect in rects:
                self._framebuffer.write(self.surface, rect, self.pixels)
        except BackendError as error:
            log.error("VM %d: %s", self.vm_id, error)
            return
        if self._switched:
            self._switched = False
            self._send(DisplaySwitch(self.surface.format.code, self.surface.width, self.surface.height))
        if self._takes_pairs and len(rects) == 2:
            updates: list[Message] = [DisplayUpdatePair(*rects[0], *rects[1])]
        else:
            updates = [DisplayUpdate(*rect) for rect in rects]
        for update in updates:
            self._send(update)
        self._published_at = self._loop.time()
        self._awaited = len(updates)
        seconds = ACKNOWLEDGE_TIMEOUT if self._waits else REFRESH_SECONDS
        self._timeout = self._loop.call_later(seconds, self._not_acknowledged)

    def _send(self, message: Message) -> None:
        if self._socket is not None:
            self._socket.send(encode_message(message, self.protocol.dialects[0].base))


def joined(region: Region) -> list[Rect]:
    """At most :data:`MAX_UPDATES` rectangles that cover it, with as little beside it as simple means find."""
    rects = list(region)
    if len(rects) > MAX_JOINED:
        return [region.bounding_box]
    while len(rects) > MAX_UPDATES:
        one, other = min(itertools.combinations(rects, 2), key=_waste)
        whole = one.union(other)
        rects = [rect for rect in rects if not whole.contains(rect)] + [whole]
    return rects


def _waste(pair: tuple[Rect, Rect]) -> int:
    """Pixels that would be announced for nothing if they were one."""
    return pair[0].union(pair[1]).pixels - pair[0].pixels - pair[1].pixels
