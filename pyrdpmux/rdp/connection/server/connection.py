"""The server connection: a door and a session in one process, and what their owner calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pyrdpmux.errors import StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.connection.facts import Desktop, ServerFacts
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.config import DoorConfig, GatewayConfig, Selector, ServerConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.door import ServerDoor
from pyrdpmux.rdp.connection.server.packing import PackedUpdates, UpdatePacker
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.fastpath.surface import SurfaceCommand
from pyrdpmux.rdp.mcs.monitors import check_monitors
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.pdu.display import LedFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.orders.stream import Order
from pyrdpmux.rdp.pdu.pointer import LargePointer, SlowPathPointer
from pyrdpmux.rdp.pdu.update import BitmapData, OrdersUpdate, PaletteUpdate


class _Choice:
    """Asks a gateway's selector for the door, and keeps the session's half of the answer."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self.config: ServerConfig | None = None

    def select(self, destination: Destination) -> DoorConfig:
        self.config = self._selector.select(destination)
        return self.config.door


class ServerConnection:
    """One connection of one client, from the first byte to ``Disconnected``.

    Feed it with ``receive_data``, ``receive_eof`` and ``handle_timeout``; drain ``data_to_send`` and
    ``events`` after every call; docs/driving-the-core.md has the whole contract.
    """

    def __init__(self, config: ServerConfig | GatewayConfig, now: float) -> None:
        self._config: ServerConfig | _Choice
        if isinstance(config, GatewayConfig):
            self._config = _Choice(config.selector)
            self.door = ServerDoor(config.door(self._config), now)
        else:
            self._config = config
            self.door = ServerDoor(config.door, now)
        #: from ``Secured`` on
        self.session: ServerSession | None = None
        #: another size than that of this configuration
        self._wanted: tuple[ServerConfig | None, Desktop] | None = None
        self._is_postponed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.phase_name}>"

    @property
    def _half(self) -> ServerDoor | ServerSession:
        """The one whose turn it is."""
        return self.session if self.session is not None else self.door

    # -- what comes in ---------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the socket. Never raises for what the peer did."""
        self.door.receive_data(data, now)
        self._follow(now)

    def receive_eof(self, now: float) -> None:
        """The peer closed its side of the socket."""
        self.door.receive_eof(now)
        self._follow(now)

    def proceed(self, now: float) -> None:
        """Go on with what ``frames_per_call`` has left over; harmless when there is nothing."""
        self._half.proceed(now)
        self._follow(now)

    def handle_timeout(self, now: float) -> None:
        """Call when ``next_deadline()`` has passed; harmless when called early."""
        self._half.handle_timeout(now)
        self._follow(now)

    def answer_logon(self, proof: Proof | None, now: float) -> None:
        """The answer to ``LogonRequested``; None for a wrong password. Too late or twice, it does nothing."""
        self.door.answer_logon(proof, now)
        self._follow(now)

    def _follow(self, now: float) -> None:
        """Pass on to each half what the other has done."""
        self._is_postponed = False
        if self.session is None:
            if self.door.secured is None:
                return
            self.session = self._begin_session(self.door.secured, now)
            if self.frames_per_call is not None:  # the door has had this call
                self._is_postponed = True
                return
        session, door = self.session, self.door
        if plain := door.take_plain():
            session.receive_data(plain, now)
        if door.fault is not None:
            session.receive_fault(door.fault, now)
        elif door.is_eof:
            session.receive_eof(now)
        self._carry_out(session)

    def _begin_session(self, secured: Secured, now: float) -> ServerSession:
        config = self.config
        assert config is not None
        session = ServerSession(secured, replace(config.session, tracer=self.door.tracer), now)
        session.frames_per_call = self.frames_per_call
        if self._wanted is not None and self._wanted[0] is config:
            width, height, monitors = self._wanted[1]
            session.set_desktop_size(width, height, now, monitors)
        return session

    def _carry_out(self, session: ServerSession) -> None:
        """Give the session's frames to the door, and close it after the session's end."""
        if frames := session.frames_to_send():
            self.door.send_frames(frames)
        if session.should_close:
            self.door.close()

    # -- what goes out ---------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """What happened since the last call."""
        return self.door.events() + (self.session.events() if self.session is not None else [])

    def data_to_send(self) -> bytes:
        """Bytes for one write to the socket. Drain after every call into the connection, also its last."""
        return self.door.data_to_send()

    @property
    def has_more_to_send(self) -> bool:
        """``data_to_send`` left something for another write: let the event loop turn, and call it again."""
        return self.door.has_more_to_send

    def next_deadline(self) -> float | None:
        """When ``handle_timeout`` wants to be called, on the clock of ``now``; None for never."""
        return self._half.next_deadline()

    @property
    def should_close(self) -> bool:
        """True when the socket is to be closed once ``data_to_send`` is written."""
        return self._half.should_close

    @property
    def has_more(self) -> bool:
        """``frames_per_call`` was reached: there may be more to do without more bytes; see ``proceed``."""
        return self._is_postponed or self._half.has_more

    @property
    def awaits_answer(self) -> bool:
        """A ``LogonRequested`` has not been answered: nothing is worked off, and one need not read."""
        return self._half.awaits_answer

    # -- what it is ------------------------------------------------------------------------------

    @property
    def frames_per_call(self) -> int | None:
        """How many frames one call may work off; None: all."""
        return self.door.frames_per_call

    @frames_per_call.setter
    def frames_per_call(self, count: int | None) -> None:
        self.door.frames_per_call = count
        if self.session is not None:
            self.session.frames_per_call = count

    @property
    def config(self) -> ServerConfig | None:
        """At a gateway: what its selector chose, None until it has."""
        return self._config.config if isinstance(self._config, _Choice) else self._config

    @property
    def secured(self) -> Secured | None:
        """What the door has agreed and proved, once it is done."""
        return self.session.secured if self.session is not None else None

    @property
    def facts(self) -> ServerFacts:
        """What the client has said of itself; nothing, until the session begins."""
        return self.session.facts if self.session is not None else ServerFacts()

    @property
    def now(self) -> float:
        """The time of the last call that did something."""
        return self._half.now

    @property
    def phase_name(self) -> str:
        """The phase, by its name in MS-RDPBCGR 1.3.1.1."""
        return self._half.phase_name

    @property
    def buffered_bytes(self) -> int:
        """Input that waits here, mostly for the rest of its frame."""
        return self.door.buffered_bytes + (self.session.buffered_bytes if self.session is not None else 0)

    @property
    def is_active(self) -> bool:
        """The desktop may be drawn."""
        return self.session is not None and self.session.is_active

    @property
    def output(self) -> OutputFormat:
        """What the client can be sent. Raises StateError before the client's capabilities are known."""
        return self._session_for("drawing").output

    @property
    def supports_graphics(self) -> bool:
        """The client can be drawn to by the graphics pipeline; known when it is Active."""
        return self.session is not None and self.session.supports_graphics

    # -- drawing, while Active -------------------------------------------------------------------

    @property
    def packer(self) -> UpdatePacker | None:
        """What makes updates small before they are sent by :meth:`send_packed`, in any thread; None, if the
        client does not ask for it. It takes about 0.2 s for 1 MB, and leaves a fifth of text and windows.
        """
        return self.session.packer if self.session is not None else None

    def order_updates(self, orders: Iterable[Order]) -> list[OrdersUpdate]:
        """As few updates as hold the orders, for the packer; StateError as for :meth:`send_orders`."""
        return self._session_for("drawing").order_updates(orders)

    def send_packed(self, packed: PackedUpdates) -> None:
        """What ``packer`` has made last; StateError for what it has made before that."""
        session = self._session_for("drawing")
        session.send_packed(packed)
        self._carry_out(session)

    def send_bitmaps(self, rectangles: Sequence[BitmapData]) -> None:
        """Bitmaps in the client's colour depth, one Bitmap Update each."""
        session = self._session_for("drawing")
        session.send_bitmaps(rectangles)
        self._carry_out(session)

    def send_orders(self, orders: Iterable[Order]) -> None:
        """Drawing orders, of the kinds that ``output`` says; StateError for others."""
        session = self._session_for("drawing")
        session.send_orders(orders)
        self._carry_out(session)

    def send_surface_commands(self, commands: Sequence[SurfaceCommand], frame_id: int | None = None) -> bool:
        """SetSurfaceBits and StreamSurfaceBits, as ``output.surface`` says; StateError for others.

        With a ``frame_id``, they are a frame to clients that know frames. True: the client acknowledges it.
        """
        session = self._session_for("drawing")
        is_acknowledged = session.send_surface_commands(commands, frame_id)
        self._carry_out(session)
        return is_acknowledged

    def send_palette(self, palette: PaletteUpdate) -> None:
        """The colours of an 8 bpp session."""
        session = self._session_for("drawing")
        session.send_palette(palette)
        self._carry_out(session)

    def send_pointer(self, pointer: SlowPathPointer | LargePointer) -> None:
        """A pointer's shape, position or visibility."""
        session = self._session_for("drawing")
        session.send_pointer(pointer)
        self._carry_out(session)

    def send_graphics(self, message: bytes) -> None:
        """One message of the graphics pipeline, after GraphicsOpened: a whole RDP_SEGMENTED_DATA."""
        session = self._session_for("drawing")
        session.send_graphics(message)
        self._carry_out(session)

    def send_channel_data(self, channel: str, data: bytes) -> None:
        """One message on a channel: a static one by the name that the client gave it, in lower case, or the
        open dynamic one of this name.
        """
        session = self._session_for("channel data")
        session.send_channel_data(channel, data)
        self._carry_out(session)

    def open_channel(self, channel: str) -> None:
        """Ask the client for a dynamic channel; ChannelOpened or ChannelClosed follows."""
        session = self._session_for("opening a channel")
        session.open_channel(channel)
        self._carry_out(session)

    def close_channel(self, channel: str) -> None:
        """Close the dynamic channel of this name; ChannelClosed follows."""
        session = self._session_for("closing a channel")
        session.close_channel(channel)
        self._carry_out(session)

    def send_keyboard_indicators(self, flags: LedFlags) -> None:
        """The state of the guest's lock keys (2.2.8.2.1.1)."""
        session = self._session_for("keyboard indicators")
        session.send_keyboard_indicators(flags)
        self._carry_out(session)

    def _session_for(self, action: str) -> ServerSession:
        if self.session is None:
            raise StateError(self.phase_name, action)
        return self.session

    # -- at any time -----------------------------------------------------------------------------

    def set_desktop_size(self, width: int, height: int, now: float, monitors: Sequence[Rect] = ()) -> None:
        """Another size of the desktop: by deactivation-reactivation, as soon as the phase allows it.

        ``monitors``: areas of it, the primary one first, for a client that has as many; none, if all of it
        is one. ValueError if they overlap or reach beyond it.
        """
        if self.session is None:
            check_monitors(monitors, width, height)
            self._wanted = (self.config, Desktop(width, height, tuple(monitors)))
            return
        self.session.set_desktop_size(width, height, now, monitors)
        self._carry_out(self.session)

    def reactivate(self, now: float) -> None:
        """Deactivate and activate the client again at the present size; nothing, unless it is Active."""
        if self.session is not None:
            self.session.reactivate(now)
            self._carry_out(self.session)

    def disconnect(self, error_info: ErrorInfo, reason: str, now: float) -> None:
        """End the connection in order, and tell the client's user why where the client can show it.

        ``ErrorInfo.NONE``: close it without a word, as a failing network does, so that the client comes back.
        """
        if self.session is None:
            self.door.disconnect(reason, now)
            return
        self.session.disconnect(error_info, reason, now)
        self._carry_out(self.session)
