"""What T.128 wants to know of a share (and RDP ignores), fonts, and virtual channels."""

from dataclasses import dataclass
from typing import ClassVar, Self

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntFlag, Reader, Writer


class VirtualChannelFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.7.1.10."""

    COMPR_SC = 0x00000001
    COMPR_CS_8K = 0x00000002


@dataclass(frozen=True, slots=True)
class ControlCapability:
    """MS-RDPBCGR 2.2.7.2.2 Control Capability Set (TS_CONTROL_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.CONTROL

    control_flags: int = 0
    remote_detach_flag: int = 0
    control_interest: int = 2
    detach_interest: int = 2

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u16_le("controlFlags"),
            r.u16_le("remoteDetachFlag"),
            r.u16_le("controlInterest"),
            r.u16_le("detachInterest"),
        )

    def write(self, w: Writer) -> None:
        w.u16_le("controlFlags", self.control_flags)
        w.u16_le("remoteDetachFlag", self.remote_detach_flag)
        w.u16_le("controlInterest", self.control_interest)
        w.u16_le("detachInterest", self.detach_interest)


@dataclass(frozen=True, slots=True)
class WindowActivationCapability:
    """MS-RDPBCGR 2.2.7.2.3 Window Activation Capability Set (TS_WINDOWACTIVATION_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.ACTIVATION

    help_key_flag: int = 0
    help_key_index_flag: int = 0
    help_extended_key_flag: int = 0
    window_manager_key_flag: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u16_le("helpKeyFlag"),
            r.u16_le("helpKeyIndexFlag"),
            r.u16_le("helpExtendedKeyFlag"),
            r.u16_le("windowManagerKeyFlag"),
        )

    def write(self, w: Writer) -> None:
        w.u16_le("helpKeyFlag", self.help_key_flag)
        w.u16_le("helpKeyIndexFlag", self.help_key_index_flag)
        w.u16_le("helpExtendedKeyFlag", self.help_extended_key_flag)
        w.u16_le("windowManagerKeyFlag", self.window_manager_key_flag)


@dataclass(frozen=True, slots=True)
class ShareCapability:
    """MS-RDPBCGR 2.2.7.2.4 Share Capability Set (TS_SHARE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.SHARE

    node_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        node_id = r.u16_le("nodeID")
        r.pad("pad2octets", 2)
        return cls(node_id)

    def write(self, w: Writer) -> None:
        w.u16_le("nodeID", self.node_id)
        w.pad("pad2octets", 2)


@dataclass(frozen=True, slots=True)
class FontCapability:
    """MS-RDPBCGR 2.2.7.2.5 Font Capability Set (TS_FONT_CAPABILITYSET).

    QUIRK(old servers): the set comes without any data; ``font_support_flags`` is then None.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.FONT

    font_support_flags: int | None = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        if not r.remaining:
            return cls(None)
        font_support_flags = r.u16_le("fontSupportFlags")
        r.pad("pad2octets", 2)
        return cls(font_support_flags)

    def write(self, w: Writer) -> None:
        if self.font_support_flags is not None:
            w.u16_le("fontSupportFlags", self.font_support_flags)
            w.pad("pad2octets", 2)


@dataclass(frozen=True, slots=True)
class VirtualChannelCapability:
    """MS-RDPBCGR 2.2.7.1.10 Virtual Channel Capability Set (TS_VIRTUALCHANNEL_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.VIRTUAL_CHANNEL

    flags: VirtualChannelFlags = VirtualChannelFlags(0)
    chunk_size: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = VirtualChannelFlags(r.u32_le("flags"))
        return cls(flags, r.u32_le("VCChunkSize") if r.remaining else None)

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)
        if self.chunk_size is not None:
            w.u32_le("VCChunkSize", self.chunk_size)
