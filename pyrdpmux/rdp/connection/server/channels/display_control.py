"""Display Control, the server's side: what the client may ask for, and what it asks for (MS-RDPEDISP 3.1)."""

from typing import Final

from pyrdpmux.errors import SequenceError
from pyrdpmux.geometry import MAX_SIDE
from pyrdpmux.rdp.channels.display_control.layout import desktop_monitor, objection
from pyrdpmux.rdp.channels.display_control.pdu import (
    CHANNEL_NAME,
    HEADER_SIZE,
    MAX_MONITORS,
    MONITOR_SIZE,
    Capabilities,
    MonitorLayout,
    decode_display_control,
)
from pyrdpmux.rdp.connection.channel import Channel
from pyrdpmux.rdp.connection.events import DesktopLayoutRequested
from pyrdpmux.wire import encode

#: one monitor of up to 8192x8192; a layout of several is taken where it fits into that area
CAPABILITIES: Final = Capabilities(1, MAX_SIDE, MAX_SIDE)


class DisplayControl(Channel):
    """Emits DesktopLayoutRequested for every layout that could be had."""

    NAME = CHANNEL_NAME
    MAX_MESSAGE = HEADER_SIZE + 8 + MAX_MONITORS * MONITOR_SIZE

    def opened(self, now: float) -> None:
        self.send(encode(CAPABILITIES))

    def received(self, message: bytes, now: float) -> None:
        pdu = decode_display_control(message)
        if not isinstance(pdu, MonitorLayout):
            raise SequenceError(self.name, type(pdu).__name__, ("MonitorLayout",))
        monitors = tuple([desktop_monitor(monitor) for monitor in pdu.monitors])
        reason = objection(monitors, CAPABILITIES.max_area)
        if reason:
            self.note(f"layout ignored: {reason}")
        else:
            self.emit(DesktopLayoutRequested(monitors))
