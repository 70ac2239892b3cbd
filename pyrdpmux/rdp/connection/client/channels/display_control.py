"""Display Control, the client's side: ask for another size of the desktop (MS-RDPEDISP 3.2)."""

from collections.abc import Sequence

from pyrdpmux.errors import SequenceError, StateError
from pyrdpmux.rdp.channels.display_control.layout import desktop_monitor, objection
from pyrdpmux.rdp.channels.display_control.pdu import (
    CHANNEL_NAME,
    Capabilities,
    Monitor,
    MonitorLayout,
    decode_display_control,
)
from pyrdpmux.rdp.connection.channel import Channel
from pyrdpmux.rdp.connection.events import DisplayControlReady
from pyrdpmux.wire import encode


class DisplayControl(Channel):
    """Emits DisplayControlReady as soon as the server has said what may be asked for."""

    NAME = CHANNEL_NAME
    MAX_MESSAGE = 20

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.capabilities: Capabilities | None = None

    def received(self, message: bytes, now: float) -> None:
        pdu = decode_display_control(message)
        if not isinstance(pdu, Capabilities):
            raise SequenceError(self.name, type(pdu).__name__, ("Capabilities",))
        self.capabilities = pdu
        self.emit(DisplayControlReady(pdu.max_monitors, pdu.max_area))

    def request(self, monitors: Sequence[Monitor]) -> None:
        """Queue a layout. StateError where the server has not said what it takes, or would not take it."""
        if self.capabilities is None:
            raise StateError(self.name, "asking for a layout before the server's capabilities")
        if len(monitors) > self.capabilities.max_monitors:
            raise StateError(self.name, f"a layout of {len(monitors)} monitors")
        wanted = [desktop_monitor(monitor) for monitor in monitors]
        if reason := objection(wanted, self.capabilities.max_area):
            raise StateError(self.name, f"a layout with {reason}")
        self.send(encode(MonitorLayout(tuple(monitors))))
