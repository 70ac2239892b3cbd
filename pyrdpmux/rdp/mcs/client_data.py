"""The client's settings blocks, MS-RDPBCGR 2.2.1.3.2 to 2.2.1.3.10, each without its header.

:mod:`pyrdpmux.rdp.mcs.gcc` puts type and length in front of them. Client Core Data has a file of its own.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.mcs.client_core import ClientCoreData, Orientation
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

__all__ = [
    "ChannelDefinition",
    "ChannelOptions",
    "ClientClusterData",
    "ClientCoreData",
    "ClientDataBlock",
    "ClientMessageChannelData",
    "ClientMonitorData",
    "ClientMonitorExtendedData",
    "ClientMultitransportChannelData",
    "ClientNetworkData",
    "ClientSecurityData",
    "ClusterFlags",
    "EncryptionMethod",
    "MonitorAttributes",
    "MonitorDefinition",
    "MonitorFlags",
    "MultitransportFlags",
    "RedirectionVersion",
    "UnknownClientData",
]

#: MS-RDPBCGR 2.2.1.3.4
MAX_STATIC_CHANNELS: Final = 31
#: MS-RDPBCGR 2.2.1.3.6
MAX_MONITORS: Final = 16

CHANNEL_NAME_SIZE: Final = 8
MONITOR_ATTRIBUTES_SIZE: Final = 20


class EncryptionMethod(OpenIntFlag):
    """encryptionMethods and encryptionMethod of MS-RDPBCGR 2.2.1.3.3 and 2.2.1.4.3."""

    NONE = 0x00000000
    BITS_40 = 0x00000001
    BITS_128 = 0x00000002
    BITS_56 = 0x00000008
    FIPS = 0x00000010


class ChannelOptions(OpenIntFlag):
    """options of MS-RDPBCGR 2.2.1.3.4.1."""

    INITIALIZED = 0x80000000
    ENCRYPT_RDP = 0x40000000
    ENCRYPT_SC = 0x20000000
    ENCRYPT_CS = 0x10000000
    PRI_HIGH = 0x08000000
    PRI_MED = 0x04000000
    PRI_LOW = 0x02000000
    COMPRESS_RDP = 0x00800000
    COMPRESS = 0x00400000
    SHOW_PROTOCOL = 0x00200000
    REMOTE_CONTROL_PERSISTENT = 0x00100000


class ClusterFlags(OpenIntFlag):
    """Flags of MS-RDPBCGR 2.2.1.3.5, without the number in bits 2 to 5."""

    REDIRECTION_SUPPORTED = 0x00000001
    REDIRECTED_SESSIONID_FIELD_VALID = 0x00000002
    REDIRECTED_SMARTCARD = 0x00000040


class RedirectionVersion(OpenIntEnum):
    """ServerSessionRedirectionVersionMask of MS-RDPBCGR 2.2.1.3.5."""

    VERSION1 = 0
    VERSION2 = 1
    VERSION3 = 2
    VERSION4 = 3
    VERSION5 = 4
    VERSION6 = 5


_REDIRECTION_VERSION_MASK: Final = 0x0000003C
_CLUSTER_FLAGS_MASK: Final = 0xFFFFFFFF ^ _REDIRECTION_VERSION_MASK
_REDIRECTION_VERSION_SHIFT: Final = 2


class MonitorFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.3.6.1."""

    PRIMARY = 0x00000001


class MultitransportFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.3.8 and 2.2.1.4.6."""

    UDP_FEC_RELIABLE = 0x001
    UDP_FEC_LOSSY = 0x004
    UDP_PREFERRED = 0x100
    SOFT_SYNC_TCP_TO_UDP = 0x200


@dataclass(frozen=True, slots=True)
class ClientSecurityData:
    """MS-RDPBCGR 2.2.1.3.3 Client Security Data (TS_UD_CS_SEC)."""

    TYPE: ClassVar[int] = 0xC002

    encryption_methods: EncryptionMethod
    ext_encryption_methods: EncryptionMethod = EncryptionMethod.NONE

    @classmethod
    def read(cls, r: Reader) -> Self:
        methods = EncryptionMethod(r.u32_le("encryptionMethods"))
        return cls(methods, EncryptionMethod(r.u32_le("extEncryptionMethods")))

    def write(self, w: Writer) -> None:
        w.u32_le("encryptionMethods", self.encryption_methods)
        w.u32_le("extEncryptionMethods", self.ext_encryption_methods)


@dataclass(frozen=True, slots=True)
class ChannelDefinition:
    """MS-RDPBCGR 2.2.1.3.4.1 Channel Definition Structure (CHANNEL_DEF)."""

    name: bytes
    options: ChannelOptions = ChannelOptions.INITIALIZED

    @classmethod
    def read(cls, r: Reader) -> Self:
        name = r.ansi_padded("name", CHANNEL_NAME_SIZE)
        return cls(name, ChannelOptions(r.u32_le("options")))

    def write(self, w: Writer) -> None:
        w.ansi_padded("name", self.name, CHANNEL_NAME_SIZE)
        w.u32_le("options", self.options)


@dataclass(frozen=True, slots=True)
class ClientNetworkData:
    """MS-RDPBCGR 2.2.1.3.4 Client Network Data (TS_UD_CS_NET)."""

    TYPE: ClassVar[int] = 0xC003

    channels: tuple[ChannelDefinition, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u32_le("channelCount")
        if count > MAX_STATIC_CHANNELS:
            raise r.error("channelCount", f"{count}, at most {MAX_STATIC_CHANNELS} allowed")
        return cls(r.items(ChannelDefinition, "channelDefArray", count))

    def write(self, w: Writer) -> None:
        w.u32_le("channelCount", len(self.channels))
        w.items(self.channels, "channelDefArray")


@dataclass(frozen=True, slots=True)
class ClientClusterData:
    """MS-RDPBCGR 2.2.1.3.5 Client Cluster Data (TS_UD_CS_CLUSTER)."""

    TYPE: ClassVar[int] = 0xC004

    flags: ClusterFlags
    redirection_version: RedirectionVersion = RedirectionVersion.VERSION1
    redirected_session_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = r.u32_le("Flags")
        version = (value & _REDIRECTION_VERSION_MASK) >> _REDIRECTION_VERSION_SHIFT
        return cls(
            ClusterFlags(value & _CLUSTER_FLAGS_MASK),
            RedirectionVersion(version),
            r.u32_le("RedirectedSessionID"),
        )

    def write(self, w: Writer) -> None:
        version = self.redirection_version << _REDIRECTION_VERSION_SHIFT
        if version & _CLUSTER_FLAGS_MASK or self.flags & _REDIRECTION_VERSION_MASK:
            raise w.error(
                "Flags", f"{self.flags!r} and version {self.redirection_version} do not fit together"
            )
        w.u32_le("Flags", self.flags | version)
        w.u32_le("RedirectedSessionID", self.redirected_session_id)


@dataclass(frozen=True, slots=True)
class MonitorDefinition:
    """MS-RDPBCGR 2.2.1.3.6.1 Monitor Definition (TS_MONITOR_DEF); ``right`` and ``bottom`` are inclusive."""

    left: int
    top: int
    right: int
    bottom: int
    flags: MonitorFlags = MonitorFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        left = r.i32_le("left")
        top = r.i32_le("top")
        right = r.i32_le("right")
        bottom = r.i32_le("bottom")
        return cls(left, top, right, bottom, MonitorFlags(r.u32_le("flags")))

    def write(self, w: Writer) -> None:
        w.i32_le("left", self.left)
        w.i32_le("top", self.top)
        w.i32_le("right", self.right)
        w.i32_le("bottom", self.bottom)
        w.u32_le("flags", self.flags)


def _read_monitor_count(r: Reader) -> int:
    count = r.u32_le("monitorCount")
    if count > MAX_MONITORS:
        raise r.error("monitorCount", f"{count}, at most {MAX_MONITORS} allowed")
    return count


@dataclass(frozen=True, slots=True)
class ClientMonitorData:
    """MS-RDPBCGR 2.2.1.3.6 Client Monitor Data (TS_UD_CS_MONITOR)."""

    TYPE: ClassVar[int] = 0xC005

    monitors: tuple[MonitorDefinition, ...]
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = r.u32_le("flags")
        return cls(r.items(MonitorDefinition, "monitorDefArray", _read_monitor_count(r)), flags)

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)
        w.u32_le("monitorCount", len(self.monitors))
        w.items(self.monitors, "monitorDefArray")


@dataclass(frozen=True, slots=True)
class ClientMessageChannelData:
    """MS-RDPBCGR 2.2.1.3.7 Client Message Channel Data (TS_UD_CS_MCS_MSGCHANNEL)."""

    TYPE: ClassVar[int] = 0xC006

    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("flags"))

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)


@dataclass(frozen=True, slots=True)
class ClientMultitransportChannelData:
    """MS-RDPBCGR 2.2.1.3.8 Client Multitransport Channel Data (TS_UD_CS_MULTITRANSPORT)."""

    TYPE: ClassVar[int] = 0xC00A

    flags: MultitransportFlags = MultitransportFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(MultitransportFlags(r.u32_le("flags")))

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)


@dataclass(frozen=True, slots=True)
class MonitorAttributes:
    """MS-RDPBCGR 2.2.1.3.10.1 Monitor Attributes (TS_MONITOR_ATTRIBUTES): millimeters, degrees, percent."""

    physical_width: int
    physical_height: int
    orientation: Orientation = Orientation.LANDSCAPE
    desktop_scale_factor: int = 100
    device_scale_factor: int = 100

    @classmethod
    def read(cls, r: Reader) -> Self:
        physical_width = r.u32_le("physicalWidth")
        physical_height = r.u32_le("physicalHeight")
        orientation = Orientation(r.u32_le("orientation"))
        desktop_scale_factor = r.u32_le("desktopScaleFactor")
        return cls(
            physical_width, physical_height, orientation, desktop_scale_factor, r.u32_le("deviceScaleFactor")
        )

    def write(self, w: Writer) -> None:
        w.u32_le("physicalWidth", self.physical_width)
        w.u32_le("physicalHeight", self.physical_height)
        w.u32_le("orientation", self.orientation)
        w.u32_le("desktopScaleFactor", self.desktop_scale_factor)
        w.u32_le("deviceScaleFactor", self.device_scale_factor)


@dataclass(frozen=True, slots=True)
class ClientMonitorExtendedData:
    """MS-RDPBCGR 2.2.1.3.10 Client Monitor Extended Data (TS_UD_CS_MONITOR_EX)."""

    TYPE: ClassVar[int] = 0xC008

    monitors: tuple[MonitorAttributes, ...]
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = r.u32_le("flags")
        size = r.u32_le("monitorAttributeSize")
        if size != MONITOR_ATTRIBUTES_SIZE:
            raise r.error("monitorAttributeSize", f"{size}, expected {MONITOR_ATTRIBUTES_SIZE}")
        return cls(r.items(MonitorAttributes, "monitorAttributesArray", _read_monitor_count(r)), flags)

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)
        w.u32_le("monitorAttributeSize", MONITOR_ATTRIBUTES_SIZE)
        w.u32_le("monitorCount", len(self.monitors))
        w.items(self.monitors, "monitorAttributesArray")


@dataclass(frozen=True, slots=True)
class UnknownClientData:
    """MS-RDPBCGR 2.2.1.3.1 User Data Header (TS_UD_HEADER): a type we have no use for, as CS_UNUSED1."""

    block_type: int
    data: bytes


ClientDataBlock = (
    ClientCoreData
    | ClientSecurityData
    | ClientNetworkData
    | ClientClusterData
    | ClientMonitorData
    | ClientMessageChannelData
    | ClientMultitransportChannelData
    | ClientMonitorExtendedData
    | UnknownClientData
)
