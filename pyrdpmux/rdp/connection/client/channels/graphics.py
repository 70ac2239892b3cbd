"""The graphics pipeline, the client's side: what it can do, and what the server draws (MS-RDPEGFX 3.3)."""

from collections.abc import Sequence
from typing import ClassVar, Final

from pyrdpmux.codec.bulk.zgfx import MAX_MESSAGE, ZgfxDecompressor
from pyrdpmux.errors import SequenceError, StateError
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry, CacheImportOffer
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    CapsAdvertise,
    CapsConfirm,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.frames import FrameAcknowledge, QoeFrameAcknowledge
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.pdu import ClientGraphics, GraphicsPdu, decode_graphics
from pyrdpmux.rdp.connection.channel import Channel
from pyrdpmux.rdp.connection.events import GraphicsCommandsReceived, GraphicsConfirmed
from pyrdpmux.wire import encode

#: of a client that decodes everything but H.264
DEFAULT_SETS: Final = (
    GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8),
    GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8_1),
    *[
        GraphicsCapabilitySet.of(version, GraphicsFlags.AVC_DISABLED)
        for version in (
            CapabilityVersion.VERSION_10,
            CapabilityVersion.VERSION_10_2,
            CapabilityVersion.VERSION_10_3,
            CapabilityVersion.VERSION_10_4,
            CapabilityVersion.VERSION_10_5,
            CapabilityVersion.VERSION_10_6,
            CapabilityVersion.VERSION_10_7,
        )
    ],
)


class Graphics(Channel):
    """Emits GraphicsConfirmed, and GraphicsCommandsReceived for every message after that.

    INVARIANT: holds 5 MB of history; a message has at most 64 MB, compressed or not.
    """

    NAME = CHANNEL_NAME
    MAX_MESSAGE: ClassVar[int | None] = MAX_MESSAGE

    def __init__(self, name: str, sets: Sequence[GraphicsCapabilitySet] = DEFAULT_SETS) -> None:
        """``sets`` are advertised as soon as the channel is open; without any, the owner does it later."""
        super().__init__(name)
        self._sets = tuple(sets)
        self._advertised: tuple[GraphicsCapabilitySet, ...] = ()
        self._decompressor = ZgfxDecompressor(max_message=MAX_MESSAGE)
        #: what was confirmed; None until then, and again while we begin anew
        self.abilities: GraphicsAbilities | None = None

    # -- for the owner ---------------------------------------------------------------------------

    def advertise(self, sets: Sequence[GraphicsCapabilitySet]) -> None:
        """3.3.5.18: begin, or begin anew: nothing that the server has sent before its answer counts."""
        self._advertised, self.abilities = tuple(sets), None
        self.send(encode(CapsAdvertise(self._advertised)))

    def acknowledge(self, frame_id: int, queue_depth: int, total_frames_decoded: int) -> None:
        """Say that a frame is decoded. StateError before the server has confirmed."""
        self._say(FrameAcknowledge(frame_id, queue_depth, total_frames_decoded))

    def report(self, quality: QoeFrameAcknowledge) -> None:
        """Say how long a frame took. StateError for a set older than 10, too (2.2.2.21)."""
        if self.abilities is not None and self.abilities.version < CapabilityVersion.VERSION_10:
            raise StateError(self.name, f"reporting quality in {self.abilities.version.name}")
        self._say(quality)

    def offer(self, entries: Sequence[CacheEntry]) -> None:
        """Say which bitmaps are there from another session; the reply comes as a command."""
        self._say(CacheImportOffer(tuple(entries)))

    def _say(self, pdu: ClientGraphics) -> None:
        if self.abilities is None:
            raise StateError(self.name, f"{type(pdu).__name__} before the server's capabilities")
        self.send(encode(pdu))

    # -- for the peer ----------------------------------------------------------------------------

    def opened(self, now: float) -> None:
        if self._sets:
            self.advertise(self._sets)

    def received(self, message: bytes, now: float) -> None:
        pdus = decode_graphics(self._decompressor.decompress(message))
        for at, pdu in enumerate(pdus):
            if isinstance(pdu, CapsConfirm):
                self._commands(pdus[:at])
                self._confirmed(pdu)
                pdus = pdus[at + 1 :]
                break
        self._commands(pdus)

    def _confirmed(self, pdu: CapsConfirm) -> None:
        """QUIRK(FreeRDP): takes a second one at any time, so this does."""
        if pdu.set not in self._advertised:
            raise SequenceError(self.name, f"CapsConfirm of {pdu.set.version.name}", ("a set of ours",))
        self.abilities = GraphicsAbilities.of(pdu.set, self._advertised)
        self.emit(GraphicsConfirmed(self.abilities, pdu.set))

    def _commands(self, pdus: tuple[GraphicsPdu, ...]) -> None:
        for pdu in pdus:
            if isinstance(pdu, ClientGraphics | CapsConfirm):
                raise SequenceError(self.name, type(pdu).__name__)
        if not pdus:
            return
        if self.abilities is None:
            self.note(f"{len(pdus)} commands before the server's capabilities")
        else:
            self.emit(GraphicsCommandsReceived(pdus))
