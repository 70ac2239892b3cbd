"""The server's manager of dynamic channels: it asks for versions, opens and closes (MS-RDPEDYC 3.3)."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import StateError
from pyrdpmux.rdp.channels.dynamic.pdu import (
    CHANNEL_NAME,
    MAX_CHANNEL_NAME,
    VERSION_3,
    CapabilitiesRequest,
    CapabilitiesResponse,
    ClientPdu,
    Close,
    CreateRequest,
    CreateResponse,
    DataPdu,
    decode_client_pdu,
)
from pyrdpmux.rdp.connection.channel import Offer
from pyrdpmux.rdp.connection.dynamic_channels import MAX_CHANNELS, DynamicChannels
from pyrdpmux.rdp.connection.events import ChannelClosed
from pyrdpmux.wire import encode

#: 3.3.2: a client that takes longer to answer the capabilities gets no channels
CAPABILITIES_SECONDS: Final = 10.0


class ServerDynamicChannels(DynamicChannels):
    """Opens what is offered as soon as the client has answered.

    Numbers of channels are not used again: what a client still says to one that was closed meanwhile has no
    effect, and what it says to one that never was ends the connection.
    """

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer)
        #: names that wait for the client's version
        self._wanted = [name for name in offer.names if name != CHANNEL_NAME][:MAX_CHANNELS]
        self._last_id = 0
        self._asked_at: float | None = None
        #: the client has taken too long to answer
        self._is_too_late = False

    # -- for the owner ---------------------------------------------------------------------------

    def opened(self, now: float) -> None:
        self._asked_at = now
        self.send(encode(CapabilitiesRequest()))

    def open(self, name: str) -> None:
        """Ask the client for a channel; ChannelOpened or ChannelClosed follows, if it answers at all.

        StateError for one more than MAX_CHANNELS, for a name that no channel can have, or where the client
        has taken too long to say which version it speaks.
        """
        if self._is_too_late:
            raise StateError(CHANNEL_NAME, f"opening channel {name} of a client that took too long")
        if len(self._carried) + len(self._wanted) >= MAX_CHANNELS:
            raise StateError(CHANNEL_NAME, f"opening more than {MAX_CHANNELS} channels")
        if not 0 < len(name) <= MAX_CHANNEL_NAME or not name.isascii() or "\0" in name:
            raise StateError(CHANNEL_NAME, f"opening channel {name!r}")
        if self.version is None:
            self._wanted.append(name)
        else:
            self._create(name)

    def _create(self, name: str) -> None:
        self._last_id += 1
        carried = self._carry(self._last_id, name)
        self.send(encode(CreateRequest(carried.channel_id, name, carried.machine.PRIORITY)))

    # -- for the peer ----------------------------------------------------------------------------

    def decode(self, message: bytes) -> ClientPdu:
        return decode_client_pdu(message)

    def on_capabilities(self, pdu: CapabilitiesResponse, now: float) -> None:
        if self._asked_at is None or self.version is not None or self._is_too_late:
            raise self.unexpected(pdu)
        if now - self._asked_at > CAPABILITIES_SECONDS:
            self.note("capabilities after more than 10 s: no channels are opened")
            self._is_too_late = True
            for name in self._wanted:
                self.emit(ChannelClosed(name, is_refused=True))
            self._wanted = []
            return
        # 3.3.3.1.4 "MUST adjust"; a version above ours, or 0, is brought into the range of those there are
        self.version = min(max(pdu.version, 1), VERSION_3)
        wanted, self._wanted = self._wanted, []
        for name in wanted:
            self._create(name)

    def on_create(self, pdu: CreateResponse, now: float) -> None:
        carried = self._carried.get(pdu.channel_id)
        if carried is None:
            self._check_known(pdu.channel_id, pdu)
        elif carried.sender is not None:
            raise self.unexpected(pdu, "DataPdu", "Close")
        elif pdu.is_success:
            self._begin(carried, now)
        else:
            self.note(f"{carried.machine.name} refused: {pdu.creation_status & 0xFFFFFFFF:#010x}")
            self._end(carried, now, is_refused=True)

    def on_close(self, pdu: Close, now: float) -> None:
        """Of its own accord, or the answer to ours, for which the channel is gone already."""
        carried = self._carried.get(pdu.channel_id)
        if carried is None:
            self._check_known(pdu.channel_id, pdu)
        else:
            self._end(carried, now, is_refused=carried.sender is None)

    def on_stray(self, pdu: DataPdu | Close) -> None:
        self._check_known(pdu.channel_id, pdu)

    def _check_known(self, channel_id: int, pdu: object) -> None:
        if not 0 < channel_id <= self._last_id:
            raise self.unexpected(pdu)
        self.note(f"{type(pdu).__name__} for channel {channel_id}, which is closed")

    HANDLERS = {
        **DynamicChannels.HANDLERS,
        CapabilitiesResponse: on_capabilities,
        CreateResponse: on_create,
        Close: on_close,
    }
