"""The second half of a server connection: everything behind the door, from the Basic Settings Exchange on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyrdpmux.errors import StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.connection.facts import Desktop
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server import output
from pyrdpmux.rdp.connection.server.activation import reactivate
from pyrdpmux.rdp.connection.server.active import Active
from pyrdpmux.rdp.connection.server.config import SessionConfig
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.connection.server.packing import PackedUpdates
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session import SharePhase
from pyrdpmux.rdp.connection.server.settings import BasicSettingsExchange
from pyrdpmux.rdp.fastpath.surface import SurfaceCommand
from pyrdpmux.rdp.mcs.monitors import check_monitors
from pyrdpmux.rdp.pdu.display import LedFlags, SetKeyboardIndicators
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.orders.stream import Order
from pyrdpmux.rdp.pdu.pointer import LargePointer, SlowPathPointer
from pyrdpmux.rdp.pdu.update import BitmapData, OrdersUpdate, PaletteUpdate


class ServerSession(ServerLink):
    """One client's session: it is fed the plain text behind the door, and hands out frames for it.

    It knows no TLS and no accounts: who is there, and how the connection is secured, it is told once, by the
    door's ``Secured``. What broke the door's stream it is told by ``receive_fault``.
    """

    def __init__(self, secured: Secured, config: SessionConfig, now: float) -> None:
        super().__init__(secured, config, now)
        self._enter(BasicSettingsExchange(self))

    def frames_to_send(self) -> list[bytes]:
        """What there is to say, cut into frames: TLS makes a record of each. Instead of ``data_to_send``.

        What is in front of an empty one leaves in a write of its own.
        """
        frames, self._outgoing = self._outgoing, []
        return frames

    @property
    def is_active(self) -> bool:
        """The desktop may be drawn."""
        return isinstance(self._phase, Active)

    @property
    def output(self) -> OutputFormat:
        """What the client can be sent. Raises StateError before the client's capabilities are known."""
        return self.format

    # -- drawing, while Active -------------------------------------------------------------------

    def send_bitmaps(self, rectangles: Sequence[BitmapData]) -> None:
        """Bitmaps in the client's colour depth, one Bitmap Update each."""
        self._require_active("drawing")
        output.send_bitmaps(self, rectangles)

    def send_orders(self, orders: Iterable[Order]) -> None:
        """Drawing orders, of the kinds that ``output`` says; StateError for others."""
        self._require_active("drawing")
        output.send_orders(self, orders)

    def order_updates(self, orders: Iterable[Order]) -> list[OrdersUpdate]:
        """As few updates as hold the orders, for the packer; StateError as for :meth:`send_orders`."""
        self._require_active("drawing")
        return output.order_updates(self, orders)

    def send_packed(self, packed: PackedUpdates) -> None:
        """What ``packer`` has made last; StateError for what it has made before that."""
        self._require_active("drawing")
        output.send_packed(self, packed)

    def send_surface_commands(self, commands: Sequence[SurfaceCommand], frame_id: int | None = None) -> bool:
        """SetSurfaceBits and StreamSurfaceBits, as ``output.surface`` says; StateError for others.

        With a ``frame_id``, they are a frame to clients that know frames. True: the client acknowledges it.
        """
        self._require_active("drawing")
        return output.send_surface_commands(self, commands, frame_id)

    def send_palette(self, palette: PaletteUpdate) -> None:
        """The colours of an 8 bpp session."""
        self._require_active("drawing")
        output.send_graphics(self, palette)

    def send_pointer(self, pointer: SlowPathPointer | LargePointer) -> None:
        """A pointer's shape, position or visibility."""
        self._require_active("drawing")
        output.send_pointer(self, pointer)

    def send_graphics(self, message: bytes) -> None:
        """One message of the graphics pipeline: a whole RDP_SEGMENTED_DATA (MS-RDPEGFX 2.2.5.1).

        StateError where the channel is not open, or the client has not said yet what it can do.
        """
        self._require_active("drawing")
        graphics = self.graphics
        if graphics is None:
            raise StateError(self.phase_name, "drawing without the graphics pipeline")
        graphics.draw(message)
        with self.output_of(len(message), is_frame=True):
            self.dynamic_for("drawing on", GRAPHICS_CHANNEL).forward(GRAPHICS_CHANNEL)
            self.flush_channels()

    def send_channel_data(self, channel: str, data: bytes) -> None:
        """One message on a channel: a static one by the name that the client gave it, in lower case, or the
        open dynamic one of this name.
        """
        self._require_active("channel data")
        for found in self.facts.channels.values():
            if found.name == channel:
                self.send_static(found, data)
                return
        self.dynamic_for("sending on", channel).send_message(channel, data)
        self.flush_channels()

    def open_channel(self, channel: str) -> None:
        """Ask the client for a dynamic channel; ChannelOpened or ChannelClosed follows.

        The graphics pipeline may be opened again when the client has closed it: StateError where it has none.
        """
        self._require_active("opening a channel")
        if channel == GRAPHICS_CHANNEL and not self.supports_graphics:
            raise StateError(self.phase_name, "opening the graphics pipeline of a client without")
        self.dynamic_for("opening", channel).open(channel)
        self.flush_channels()

    def close_channel(self, channel: str) -> None:
        """Close the dynamic channel of this name; ChannelClosed follows."""
        self._require_active("closing a channel")
        self.dynamic_for("closing", channel).close(channel, self.now)
        self.flush_channels()

    def send_keyboard_indicators(self, flags: LedFlags) -> None:
        """The state of the guest's lock keys (2.2.8.2.1.1)."""
        self._require_active("keyboard indicators")
        self.send_share_data(SetKeyboardIndicators(flags))

    # -- at any time -----------------------------------------------------------------------------

    def set_desktop_size(self, width: int, height: int, now: float, monitors: Sequence[Rect] = ()) -> None:
        """Another size of the desktop: by deactivation-reactivation, as soon as the phase allows it.

        ``monitors``: areas of it, the primary one first; none, if all of it is one. ValueError if they
        overlap or reach beyond it.
        """
        check_monitors(monitors, width, height)
        self.now = now
        self.wanted = Desktop(width, height, tuple(monitors))
        if self.is_active and self.wanted != self.facts.desktop:
            self._enter(reactivate(self))

    def reactivate(self, now: float) -> None:
        """A deactivation-reactivation at the present size; nothing, unless Active."""
        self.now = now
        if self.is_active:
            self._enter(reactivate(self))

    def disconnect(self, error_info: ErrorInfo, reason: str, now: float) -> None:
        """End the connection in order, and tell the client's user why where the client can show it.

        ``ErrorInfo.NONE``: close it without a word, as a failing network does, so that the client comes back.
        """
        if self.should_close:
            return
        self.now = now
        if isinstance(self._phase, SharePhase) and error_info != ErrorInfo.NONE:
            self.send_goodbye(error_info)
        self._enter(self.end(reason, by_peer=False))

    def _require_active(self, action: str) -> None:
        if not self.is_active:
            raise StateError(self.phase_name, action)
