"""A viewer's side of one connection, without I/O.

Feed what comes with :meth:`RfbClient.receive_data`, then call :meth:`RfbClient.next_event` until it returns
None, and always send what :meth:`RfbClient.data_to_send` hands out. Who shares a loop with others calls
:meth:`RfbClient.step` instead, which does about a millisecond's worth.

As with :class:`pyrdpmux.rdp.connection.machine.Machine`, nothing that a server does is an exception: it ends
in one :class:`Failed` event, after which the connection is of no more use.

INVARIANT: messages (``send_key`` and so on) may be sent by one thread while another decodes: they lie in
queues whose ends do not know each other. :meth:`RfbClient.data_to_send` and the methods that take bytes from
the server share TLS, so that their owner lets one at a time.
"""

from collections import deque
from enum import Enum, auto
from typing import Final, cast

from pyrdpmux.errors import PeerClosed, PeerError, StateError
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rfb.client_messages import (
    ANSWERED_FENCES,
    ClientFence,
    EnableContinuousUpdates,
    ExtendedKeyEvent,
    FenceFlags,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    SetEncodings,
    SetPixelFormat,
)
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.desktop import Screen, SetDesktopSize
from pyrdpmux.rfb.events import (
    Connected,
    Event,
    ExtendedKeysOffered,
    Failed,
    FenceReceived,
    Resized,
)
from pyrdpmux.rfb.handshake import shake_hands
from pyrdpmux.rfb.inbox import Inbox
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.security_types import VeNCryptType
from pyrdpmux.rfb.steps import Lent, Step
from pyrdpmux.rfb.updates import Decoders, check_size, read_messages
from pyrdpmux.wire import Structure, encode

QEMU_NAME: Final = "QEMU"
"""How the name of a QEMU's desktop begins."""


FAILED: Final = "failed"


class Worked(Enum):
    """What :meth:`RfbClient.step` returns if there is nothing to tell yet, but more to do."""

    WORKED = auto()


WORKED: Final = Worked.WORKED


class RfbClient:
    """Speaks versions 3.3, 3.7 and 3.8."""

    def __init__(self, config: RfbConfig) -> None:
        self.phase_name = "handshake"
        self.width = 0
        self.height = 0
        self.screens: tuple[Screen, ...] = ()
        self.has_extended_keys = False
        #: for what QEMU does its own way
        self.is_qemu = False
        self._config = config
        self._received = Inbox()
        #: under TLS
        self._encrypted = Inbox()
        #: as it is, and what is still to be encrypted
        self._clear: deque[bytes] = deque()
        self._to_send: deque[bytes] = deque()
        self._tls: TlsEndpoint | None = None
        self._steps = self._run()
        self._needed: int | None = None
        self._decoders: Decoders | None = None
        self._is_eof = False
        self._failure: PeerError | None = None

    @property
    def is_connected(self) -> bool:
        """The handshake is done: messages may be sent."""
        return self.phase_name == "connected"

    @property
    def is_updating(self) -> bool:
        """In the middle of a FramebufferUpdate."""
        return self._decoders is not None and self._decoders.is_updating

    @property
    def can_resize(self) -> bool:
        """The server has told of its screens, and so takes SetDesktopSize."""
        return bool(self.screens)

    # -- bytes and events --------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Bytes from the server."""
        self.room(len(data))[:] = data
        self.received(len(data))

    def room(self, size: int) -> memoryview:
        """Where so many bytes from the server can be put; :meth:`received` then says how many were."""
        return (self._received if self._tls is None else self._encrypted).room(size)

    def received(self, size: int) -> None:
        """As :meth:`receive_data`, of what was put where there is room."""
        if self._tls is None:
            self._received.filled(size)
            return
        self._encrypted.filled(size)
        try:
            self._tls.receive_data(self._encrypted.clear())
            self._received.append(self._tls.read())
        except PeerError as error:
            self._fail(error)

    def shrink(self) -> None:
        """Give memory back, while nothing is expected."""
        self._received.shrink()
        self._encrypted.shrink()

    def receive_eof(self) -> None:
        """No more will come."""
        self._is_eof = True

    def next_event(self) -> Event | None:
        """What is to be told next; None if that takes more bytes."""
        while (step := self.step()) is WORKED:
            pass
        return step

    def step(self) -> Event | Worked | None:
        """A bounded piece of the way to the next event; None if that takes more bytes."""
        if self.phase_name == FAILED:
            return None
        try:
            return self._step() if self._failure is None else self._failed(self._failure)
        except PeerError as error:
            return self._failed(error)

    def _failed(self, error: PeerError) -> Failed:
        """Told once. The error has no traceback: its frames would keep the connection."""
        self.phase_name = FAILED
        self._steps.close()
        return Failed(error.with_traceback(None))

    def _fail(self, error: PeerError) -> None:
        """To be told when it is this event's turn; what failed first is the reason."""
        if self._failure is None:
            self._failure = error

    def _step(self) -> Event | Worked | None:
        if self._needed is None:
            step = next(self._steps)
        elif (data := self._take(self._needed)) is not None:
            step = self._steps.send(data)
        else:
            return None
        if isinstance(step, int):
            self._needed = step
            return WORKED
        self._needed = None
        self._note(step)
        return step

    def _take(self, size: int) -> bytes | None:
        if len(self._received) < size:
            if self._is_eof:
                raise PeerClosed(f"RFB {self.phase_name}")
            return None
        if isinstance(size, Lent):
            return cast("bytes", self._received.lend(size))
        return self._received.take(size)

    def data_to_send(self) -> bytes:
        """Bytes for the server; to be drained also after a failure."""
        data = _drained(self._clear)
        if self._tls is None:
            return data
        if self._tls.is_established and self._to_send:
            try:
                self._tls.write(_drained(self._to_send))
            except PeerError as error:
                self._fail(error)
        return data + self._tls.data_to_send()

    # -- messages ------------------------------------------------------------------------------------

    def request_update(self, *, incremental: bool) -> None:
        """What has changed since the last one, as soon as something has; or everything, at once."""
        self._send(FramebufferUpdateRequest(incremental, 0, 0, self.width, self.height))

    def enable_continuous_updates(self, *, enable: bool) -> None:
        """Updates without requests, or no more of them; only if the server has said that it can."""
        self._send(EnableContinuousUpdates(enable, 0, 0, self.width, self.height))

    def send_key(self, keysym: int, *, down: bool) -> None:
        self._send(KeyEvent(down, keysym))

    def send_extended_key(self, keycode: int, keysym: int, *, down: bool) -> None:
        """``keycode`` as :class:`ExtendedKeyEvent` has it; only once :attr:`has_extended_keys`."""
        self._send(ExtendedKeyEvent(down, keysym, keycode))

    def send_pointer(self, button_mask: int, x: int, y: int) -> None:
        self._send(PointerEvent(button_mask, x, y))

    def send_desktop_size(self, width: int, height: int) -> None:
        """Wish for another size; only if :attr:`can_resize`. The first of the screens stays, and fills it."""
        first = self.screens[0]
        screen = Screen(first.id, 0, 0, width, height, first.flags)
        self._send(SetDesktopSize(width, height, (screen,)))

    def _send(self, message: Structure) -> None:
        if self.phase_name == FAILED:
            return  # there is nobody to tell it
        if not self.is_connected:
            raise StateError(f"RFB {self.phase_name}", type(message).__name__)
        self.send_bytes(encode(message))

    def send_bytes(self, data: bytes) -> None:
        """For the handshake."""
        (self._clear if self._tls is None else self._to_send).append(data)

    def start_tls(self, kind: VeNCryptType) -> None:
        """For the handshake: what was received beyond it is the server's first TLS record."""
        tls = TlsEndpoint(self._config.tls_context(kind), False, self._config.server_name)
        received = self._received.clear()
        self._tls = tls
        self.receive_data(received)

    # -- the course of things --------------------------------------------------------------------------

    def _run(self) -> Step[None]:
        init, name = yield from shake_hands(self, self._config)
        check_size("ServerInit.framebuffer", init.width, init.height)
        self.width, self.height = init.width, init.height
        self.phase_name = "connected"
        self._send(SetPixelFormat(BGRX))
        self._send(SetEncodings(tuple(self._config.encodings)))
        self.is_qemu = name.startswith(QEMU_NAME)
        yield Connected(init.width, init.height, name)
        self._decoders = Decoders(is_qemu=self.is_qemu, framebuffer=init.width * init.height)
        yield from read_messages(self._decoders)

    def _note(self, event: Event) -> None:
        """What has to be known for later messages."""
        match event:
            case Resized():
                self.width, self.height = event.width, event.height
                self.screens = event.screens or self.screens
            case ExtendedKeysOffered():
                self.has_extended_keys = True
            case FenceReceived() if event.flags & FenceFlags.REQUEST:
                self._send(ClientFence(FenceFlags(event.flags) & ANSWERED_FENCES, event.payload))


def _drained(queue: deque[bytes]) -> bytes:
    """All that it has; what is added meanwhile is in it, or stays."""
    return b"".join([queue.popleft() for _ in range(len(queue))])
