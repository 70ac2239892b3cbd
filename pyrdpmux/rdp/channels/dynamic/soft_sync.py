"""Soft-Sync: the move of dynamic channels from TCP to multitransport tunnels (MS-RDPEDYC 2.2.5)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.channels.dynamic.header import Command, read_first, write_first
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

#: a reliable and a lossy tunnel exist
MAX_TUNNELS: Final = 16


class SoftSyncFlags(OpenIntFlag):
    """Flags of MS-RDPEDYC 2.2.5.1."""

    TCP_FLUSHED = 0x01
    CHANNEL_LIST_PRESENT = 0x02


class TunnelType(OpenIntEnum):
    """TunnelType of MS-RDPEDYC 2.2.5.1.1."""

    UDPFECR = 0x00000001
    UDPFECL = 0x00000003


@dataclass(frozen=True, slots=True)
class SoftSyncChannelList:
    """MS-RDPEDYC 2.2.5.1.1 Soft-Sync Channel List (DYNVC_SOFT_SYNC_CHANNEL_LIST)."""

    tunnel_type: TunnelType
    channel_ids: tuple[int, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        tunnel_type = TunnelType(r.u32_le("TunnelType"))
        count = r.u16_le("NumberOfDVCs")
        if count * 4 > r.remaining:
            raise r.error("NumberOfDVCs", f"{count}, {r.remaining} bytes left")
        return cls(tunnel_type, tuple([r.u32_le(f"ListOfDVCIds[{i}]") for i in range(count)]))

    def write(self, w: Writer) -> None:
        w.u32_le("TunnelType", self.tunnel_type)
        w.u16_le("NumberOfDVCs", len(self.channel_ids))
        for index, channel_id in enumerate(self.channel_ids):
            w.u32_le(f"ListOfDVCIds[{index}]", channel_id)


@dataclass(frozen=True, slots=True)
class SoftSyncRequest:
    """MS-RDPEDYC 2.2.5.1 Soft-Sync Request PDU (DYNVC_SOFT_SYNC_REQUEST), from the server.

    ``number_of_tunnels`` is kept where no lists are there to be counted, and None where they are.
    """

    flags: SoftSyncFlags = SoftSyncFlags.TCP_FLUSHED
    channel_lists: tuple[SoftSyncChannelList, ...] = ()
    number_of_tunnels: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        read_first(r, Command.SOFT_SYNC_REQUEST)
        r.pad("Pad", 1)
        length = r.u32_le("Length")
        if length != r.remaining + 4:
            raise r.error("Length", f"{length}, expected {r.remaining + 4}")
        flags = SoftSyncFlags(r.u16_le("Flags"))
        count = r.u16_le("NumberOfTunnels")
        if not flags & SoftSyncFlags.CHANNEL_LIST_PRESENT:
            return cls(flags, (), count)
        _check_tunnels(r, count)
        return cls(flags, r.items(SoftSyncChannelList, "SoftSyncChannelLists", count))

    def write(self, w: Writer) -> None:
        write_first(w, Command.SOFT_SYNC_REQUEST)
        w.pad("Pad", 1)
        with w.length_u32_le("Length", extra=4):
            w.u16_le("Flags", self.flags)
            count = self.number_of_tunnels
            w.u16_le("NumberOfTunnels", len(self.channel_lists) if count is None else count)
            w.items(self.channel_lists, "SoftSyncChannelLists")


@dataclass(frozen=True, slots=True)
class SoftSyncResponse:
    """MS-RDPEDYC 2.2.5.2 Soft-Sync Response PDU (DYNVC_SOFT_SYNC_RESPONSE), from the client."""

    tunnels: tuple[TunnelType, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        read_first(r, Command.SOFT_SYNC_RESPONSE)
        r.pad("Pad", 1)
        count = r.u32_le("NumberOfTunnels")
        _check_tunnels(r, count)
        return cls(tuple([TunnelType(r.u32_le(f"TunnelsToSwitch[{i}]")) for i in range(count)]))

    def write(self, w: Writer) -> None:
        write_first(w, Command.SOFT_SYNC_RESPONSE)
        w.pad("Pad", 1)
        w.u32_le("NumberOfTunnels", len(self.tunnels))
        for index, tunnel in enumerate(self.tunnels):
            w.u32_le(f"TunnelsToSwitch[{index}]", tunnel)


def _check_tunnels(r: Reader, count: int) -> None:
    if count > MAX_TUNNELS:
        raise r.error("NumberOfTunnels", f"{count}, at most {MAX_TUNNELS} allowed")
