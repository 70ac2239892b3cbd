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

#: each with sides of up to 8192 pixels; mstsc may take the factors for those of one
CAPABILITIES: Final = Capabilities(MAX_MONITORS, MAX_SIDE, MAX_SIDE)
#: square pixels of all monitors together: a layout beyond them is ignored
MAX_AREA: Final = MAX_SIDE * MAX_SIDE


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
        reason = objection(monitors, MAX_AREA)
        if reason:
            self.note(f"layout ignored: {reason}")
        else:
            self.emit(DesktopLayoutRequested(monitors))
