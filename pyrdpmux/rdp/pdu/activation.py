"""Capability exchange and its undoing: Demand Active, Confirm Active, Deactivate All (T.128 8.4).

The bodies only; the share control header around them is :mod:`pyrdpmux.rdp.pdu.share`.

QUIRK(any peer): lengthCombinedCapabilities is redundant and passed over: the sets are counted, and each has
its own length.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.pdu.capabilities.envelope import CapabilitySet, read_capability, write_capability
from pyrdpmux.wire import Reader, Writer

SERVER_CHANNEL_ID: Final = 0x03EA
SERVER_DESCRIPTOR: Final = b"RDP\0"
CLIENT_DESCRIPTOR: Final = b"MSTSC\0"
#: Thirty types are defined and mstsc and FreeRDP send about twenty-five, some of them twice.
MAX_CAPABILITY_SETS: Final = 64


def _read_capabilities(r: Reader) -> tuple[CapabilitySet, ...]:
    count = r.u16_le("numberCapabilities")
    if count > MAX_CAPABILITY_SETS:
        raise r.error("numberCapabilities", f"{count}, at most {MAX_CAPABILITY_SETS} allowed")
    r.pad("pad2Octets", 2)
    return tuple([read_capability(r) for _ in range(count)])


def _write_capabilities(w: Writer, sets: tuple[CapabilitySet, ...]) -> None:
    w.u16_le("numberCapabilities", len(sets))
    w.pad("pad2Octets", 2)
    for i, item in enumerate(sets):
        write_capability(w, item, f"capabilitySets[{i}]")


def _write_descriptor_and_capabilities(
    w: Writer, source_descriptor: bytes, sets: tuple[CapabilitySet, ...]
) -> None:
    """Two lengths, then the two things they measure: the second length is known only afterwards."""
    w.u16_le("lengthSourceDescriptor", len(source_descriptor))
    # The length covers the sets, which come only after the source descriptor.
    with w.length_u16_le("lengthCombinedCapabilities", extra=-len(source_descriptor)):
        w.raw("sourceDescriptor", source_descriptor)
        _write_capabilities(w, sets)


@dataclass(frozen=True, slots=True)
class DemandActive:
    """MS-RDPBCGR 2.2.1.13.1.1 Demand Active PDU Data (TS_DEMAND_ACTIVE_PDU).

    ``session_id`` is None where the server left the field out (T.128 does not have it).
    """

    share_id: int
    capabilities: tuple[CapabilitySet, ...]
    source_descriptor: bytes = SERVER_DESCRIPTOR
    session_id: int | None = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        share_id = r.u32_le("shareId")
        descriptor_size = r.u16_le("lengthSourceDescriptor")
        r.u16_le("lengthCombinedCapabilities")
        source_descriptor = r.raw("sourceDescriptor", descriptor_size)
        capabilities = _read_capabilities(r)
        session_id = r.u32_le("sessionId") if r.remaining else None
        return cls(share_id, capabilities, source_descriptor, session_id)

    def write(self, w: Writer) -> None:
        w.u32_le("shareId", self.share_id)
        _write_descriptor_and_capabilities(w, self.source_descriptor, self.capabilities)
        if self.session_id is not None:
            w.u32_le("sessionId", self.session_id)


@dataclass(frozen=True, slots=True)
class ConfirmActive:
    """MS-RDPBCGR 2.2.1.13.2.1 Confirm Active PDU Data (TS_CONFIRM_ACTIVE_PDU)."""

    share_id: int
    capabilities: tuple[CapabilitySet, ...]
    source_descriptor: bytes = CLIENT_DESCRIPTOR
    originator_id: int = SERVER_CHANNEL_ID

    @classmethod
    def read(cls, r: Reader) -> Self:
        share_id = r.u32_le("shareId")
        originator_id = r.u16_le("originatorId")
        descriptor_size = r.u16_le("lengthSourceDescriptor")
        r.u16_le("lengthCombinedCapabilities")
        source_descriptor = r.raw("sourceDescriptor", descriptor_size)
        capabilities = _read_capabilities(r)
        return cls(share_id, capabilities, source_descriptor, originator_id)

    def write(self, w: Writer) -> None:
        w.u32_le("shareId", self.share_id)
        w.u16_le("originatorId", self.originator_id)
        _write_descriptor_and_capabilities(w, self.source_descriptor, self.capabilities)


@dataclass(frozen=True, slots=True)
class DeactivateAll:
    """MS-RDPBCGR 2.2.3.1.1 Deactivate All PDU Data (TS_DEACTIVATE_ALL_PDU).

    QUIRK(Windows XP as server): the PDU may end before the source descriptor, or before the share identifier.
    """

    share_id: int | None
    source_descriptor: bytes | None = b"\0"

    @classmethod
    def read(cls, r: Reader) -> Self:
        share_id = r.u32_le("shareId") if r.remaining else None
        if not r.remaining:
            return cls(share_id, None)
        return cls(share_id, r.raw("sourceDescriptor", r.u16_le("lengthSourceDescriptor")))

    def write(self, w: Writer) -> None:
        if self.share_id is None:
            return
        w.u32_le("shareId", self.share_id)
        if self.source_descriptor is not None:
            w.u16_le("lengthSourceDescriptor", len(self.source_descriptor))
            w.raw("sourceDescriptor", self.source_descriptor)
