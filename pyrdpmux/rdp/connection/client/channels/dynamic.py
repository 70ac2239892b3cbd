"""The client's manager of dynamic channels: it answers, and has listeners by name (MS-RDPEDYC 3.2)."""

from __future__ import annotations

from typing import Final

from pyrdpmux.rdp.channels.dynamic.pdu import (
    VERSION_3,
    CapabilitiesRequest,
    CapabilitiesResponse,
    Close,
    CreateRequest,
    CreateResponse,
    DataPdu,
    ServerPdu,
    decode_server_pdu,
)
from pyrdpmux.rdp.channels.dynamic.soft_sync import SoftSyncRequest
from pyrdpmux.rdp.connection.dynamic_channels import MAX_CHANNELS, DynamicChannels
from pyrdpmux.wire import encode

#: MS-ERREF 2.1: HRESULTs of failures, as signed numbers: ERROR_NOT_FOUND and E_OUTOFMEMORY
NOT_FOUND: Final = 0x80070490 - (1 << 32)
OUT_OF_MEMORY: Final = 0x8007000E - (1 << 32)


class ClientDynamicChannels(DynamicChannels):
    """A listener for every name that is offered; the server opens."""

    def decode(self, message: bytes) -> ServerPdu:
        return decode_server_pdu(message)

    def on_capabilities(self, pdu: CapabilitiesRequest, now: float) -> None:
        if self.version is not None:
            raise self.unexpected(pdu)
        self._answer_capabilities(pdu.version)

    def _answer_capabilities(self, version: int) -> None:
        self.version = min(version, VERSION_3)
        self.send(encode(CapabilitiesResponse(self.version)))

    def on_create(self, pdu: CreateRequest, now: float) -> None:
        if self.version is None:
            # QUIRK(Windows Server, as FreeRDP's drdynvc notes): it creates channels without having asked.
            self._answer_capabilities(VERSION_3)
        if pdu.channel_id in self._carried:
            raise self.unexpected(pdu, "Close")
        status = 0
        if pdu.name not in self._offer.names:
            status = NOT_FOUND
        elif len(self._carried) >= MAX_CHANNELS:
            status = OUT_OF_MEMORY
        self.send(encode(CreateResponse(pdu.channel_id, status)))
        if status:
            self.note(f"channel {pdu.name!r} refused: {status & 0xFFFFFFFF:#010x}")
        else:
            self._begin(self._carry(pdu.channel_id, pdu.name), now)

    def on_close(self, pdu: Close, now: float) -> None:
        carried = self._carried.get(pdu.channel_id)
        if carried is None:
            self.on_stray(pdu)  # also the answer to ours
            return
        self.send(encode(Close(pdu.channel_id)))
        self._end(carried, now)

    def on_stray(self, pdu: DataPdu | Close) -> None:
        """3.2.5.2: ignored. A server may use numbers again, so any may have been in use."""
        self.note(f"{type(pdu).__name__} for channel {pdu.channel_id}, which is not open")

    def on_soft_sync(self, _pdu: SoftSyncRequest, now: float) -> None:
        """3.2.5.3.1: without an answer everything stays on this connection; there are no tunnels."""
        self.note("Soft-Sync not answered: there are no tunnels")

    HANDLERS = {
        **DynamicChannels.HANDLERS,
        CapabilitiesRequest: on_capabilities,
        CreateRequest: on_create,
        Close: on_close,
        SoftSyncRequest: on_soft_sync,
    }
