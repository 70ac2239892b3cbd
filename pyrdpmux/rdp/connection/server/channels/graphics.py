"""The graphics pipeline, the server's side: what the client can do, and says of frames (MS-RDPEGFX 3.2).

What is drawn is the owner's: it hands in whole messages, which may go out as soon as the client has said what
it can do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from pyrdpmux.errors import SequenceError, StateError
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities, choose
from pyrdpmux.rdp.channels.graphics.cache import ENTRY_SIZE, MAX_IMPORTED_ENTRIES, CacheImportOffer
from pyrdpmux.rdp.channels.graphics.capabilities import CapsAdvertise, CapsConfirm
from pyrdpmux.rdp.channels.graphics.frames import FrameAcknowledge, QoeFrameAcknowledge
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.pdu import decode_graphics
from pyrdpmux.rdp.channels.graphics.segments import segmented
from pyrdpmux.rdp.connection.channel import Channel
from pyrdpmux.rdp.connection.events import (
    GraphicsCacheOffered,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
    GraphicsQuality,
)
from pyrdpmux.wire import encode

#: the longest thing that a client says is an offer of all that its cache may have
MAX_CLIENT_MESSAGE: Final = 10 + MAX_IMPORTED_ENTRIES * ENTRY_SIZE
#: of one message: acknowledgements come one or two at a time
MAX_CLIENT_PDUS: Final = 256


class Graphics(Channel):
    """Emits GraphicsOpened when the owner may begin to draw, and again when it has to begin anew."""

    NAME = CHANNEL_NAME
    MAX_MESSAGE = MAX_CLIENT_MESSAGE
    #: decoded type -> unbound method ``(self, pdu)``
    HANDLERS: ClassVar[dict[type, Callable[[Any, Any], None]]] = {}

    def __init__(self, name: str) -> None:
        super().__init__(name)
        #: what the client can do; None until it has said so
        self.abilities: GraphicsAbilities | None = None

    # -- for the owner ---------------------------------------------------------------------------

    def draw(self, message: bytes) -> None:
        """Queue one whole RDP_SEGMENTED_DATA. StateError before CAPS_ADVERTISE has come.

        QUIRK(mstsc, FreeRDP): a message without it shows nothing, or ends the channel (FreeRDP issue 9660).
        """
        if self.abilities is None:
            raise StateError(self.name, "drawing before the client's capabilities")
        self.send(message)

    # -- for the peer ----------------------------------------------------------------------------

    def received(self, message: bytes, now: float) -> None:
        for pdu in decode_graphics(message, MAX_CLIENT_PDUS):
            handler = self.HANDLERS.get(type(pdu))
            if handler is None or (self.abilities is None and not isinstance(pdu, CapsAdvertise)):
                expected = self.HANDLERS if self.abilities is not None else (CapsAdvertise,)
                raise SequenceError(
                    self.name, type(pdu).__name__, tuple([kind.__name__ for kind in expected])
                )
            handler(self, pdu)

    def on_caps_advertise(self, pdu: CapsAdvertise) -> None:
        """3.2.5.18. A client may start anew with it: what was sent to it so far counts for nothing.

        QUIRK(mstsc): does so after a blank screen (KRdp d736d8a, gnome-remote-desktop 979631f).
        """
        chosen = choose(pdu.sets)
        if chosen is None:
            self.note(f"none of {len(pdu.sets)} capability sets can be used")
            return
        is_repeated = self.abilities is not None
        advertised = tuple([item for item in pdu.sets if item.is_known])
        self.abilities = GraphicsAbilities.of(chosen, advertised)
        self.send(segmented(encode(CapsConfirm(chosen))))
        self.emit(GraphicsOpened(self.abilities, chosen, advertised, is_repeated))

    def on_acknowledge(self, pdu: FrameAcknowledge) -> None:
        self.emit(GraphicsFrameAcknowledged(pdu.frame_id, pdu.queue_depth, pdu.total_frames_decoded))

    def on_quality(self, pdu: QoeFrameAcknowledge) -> None:
        self.emit(GraphicsQuality(pdu.frame_id, pdu.timestamp, pdu.time_diff_se, pdu.time_diff_edr))

    def on_offer(self, pdu: CacheImportOffer) -> None:
        self.emit(GraphicsCacheOffered(pdu.entries))

    HANDLERS = {
        CapsAdvertise: on_caps_advertise,
        FrameAcknowledge: on_acknowledge,
        QoeFrameAcknowledge: on_quality,
        CacheImportOffer: on_offer,
    }
