"""The server's settings blocks, MS-RDPBCGR 2.2.1.4.2 to 2.2.1.4.6, each without its header."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.mcs.client_core import Version
from pyrdpmux.rdp.mcs.client_data import MAX_STATIC_CHANNELS, EncryptionMethod, MultitransportFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

SERVER_RANDOM_SIZE: Final = 32
#: no limit in the specification; a chain of four 4096-bit certificates stays below
MAX_SERVER_CERTIFICATE_SIZE: Final = 0x4000

_CHANNEL_ID_SIZE: Final = 2


class ServerEarlyCapabilityFlags(OpenIntFlag):
    """earlyCapabilityFlags of MS-RDPBCGR 2.2.1.4.2."""

    EDGE_ACTIONS_SUPPORTED_V1 = 0x00000001
    DYNAMIC_DST_SUPPORTED = 0x00000002
    EDGE_ACTIONS_SUPPORTED_V2 = 0x00000004
    SKIP_CHANNELJOIN_SUPPORTED = 0x00000008


class EncryptionLevel(OpenIntEnum):
    """encryptionLevel of MS-RDPBCGR 2.2.1.4.3."""

    NONE = 0
    LOW = 1
    CLIENT_COMPATIBLE = 2
    HIGH = 3
    FIPS = 4


@dataclass(frozen=True, slots=True)
class ServerCoreData:
    """MS-RDPBCGR 2.2.1.4.2 Server Core Data (TS_UD_SC_CORE).

    ``early_capability_flags`` can only be present together with ``client_requested_protocols``.
    """

    TYPE: ClassVar[int] = 0x0C01

    version: Version = Version.RDP_10_7
    client_requested_protocols: SecurityProtocol | None = None
    early_capability_flags: ServerEarlyCapabilityFlags | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = Version(r.u32_le("version"))
        requested = SecurityProtocol(r.u32_le("clientRequestedProtocols")) if r.remaining else None
        early = ServerEarlyCapabilityFlags(r.u32_le("earlyCapabilityFlags")) if r.remaining else None
        return cls(version, requested, early)

    def write(self, w: Writer) -> None:
        w.u32_le("version", self.version)
        if self.client_requested_protocols is not None:
            w.u32_le("clientRequestedProtocols", self.client_requested_protocols)
        if self.early_capability_flags is not None:
            if self.client_requested_protocols is None:
                raise w.error("earlyCapabilityFlags", "present although clientRequestedProtocols is absent")
            w.u32_le("earlyCapabilityFlags", self.early_capability_flags)


@dataclass(frozen=True, slots=True)
class ServerSecurityData:
    """MS-RDPBCGR 2.2.1.4.3 Server Security Data (TS_UD_SC_SEC1).

    Under enhanced security method and level are zero and random and certificate absent.
    ``server_certificate`` is the SERVER_CERTIFICATE of 2.2.1.4.3.1 as bytes.
    """

    TYPE: ClassVar[int] = 0x0C02

    encryption_method: EncryptionMethod = EncryptionMethod.NONE
    encryption_level: EncryptionLevel = EncryptionLevel.NONE
    server_random: bytes | None = None
    server_certificate: bytes | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        method = EncryptionMethod(r.u32_le("encryptionMethod"))
        level = EncryptionLevel(r.u32_le("encryptionLevel"))
        if not r.remaining:
            return cls(method, level)
        random_size = r.u32_le("serverRandomLen")
        if random_size > SERVER_RANDOM_SIZE:
            raise r.error("serverRandomLen", f"{random_size}, expected {SERVER_RANDOM_SIZE}")
        certificate_size = r.u32_le("serverCertLen")
        if certificate_size > MAX_SERVER_CERTIFICATE_SIZE:
            raise r.error(
                "serverCertLen", f"{certificate_size}, at most {MAX_SERVER_CERTIFICATE_SIZE} allowed"
            )
        random = r.raw("serverRandom", random_size)
        return cls(method, level, random, r.raw("serverCertificate", certificate_size))

    def write(self, w: Writer) -> None:
        w.u32_le("encryptionMethod", self.encryption_method)
        w.u32_le("encryptionLevel", self.encryption_level)
        if self.server_random is None and self.server_certificate is None:
            return
        if self.server_random is None or self.server_certificate is None:
            raise w.error("serverRandom", "expected both random and certificate or none of them")
        w.u32_le("serverRandomLen", len(self.server_random))
        w.u32_le("serverCertLen", len(self.server_certificate))
        w.raw("serverRandom", self.server_random)
        w.raw("serverCertificate", self.server_certificate)


@dataclass(frozen=True, slots=True)
class ServerNetworkData:
    """MS-RDPBCGR 2.2.1.4.4 Server Network Data (TS_UD_SC_NET).

    ``mcs_channel_id`` is the I/O channel; ``channel_ids`` has one for each channel the client asked for.
    """

    TYPE: ClassVar[int] = 0x0C03

    mcs_channel_id: int
    channel_ids: tuple[int, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        mcs_channel_id = r.u16_le("MCSChannelId")
        count = r.u16_le("channelCount")
        if count > MAX_STATIC_CHANNELS:
            raise r.error("channelCount", f"{count}, at most {MAX_STATIC_CHANNELS} allowed")
        channel_ids = tuple([r.u16_le(f"channelIdArray[{i}]") for i in range(count)])
        if r.remaining:
            r.pad("Pad", _CHANNEL_ID_SIZE)
        return cls(mcs_channel_id, channel_ids)

    def write(self, w: Writer) -> None:
        w.u16_le("MCSChannelId", self.mcs_channel_id)
        w.u16_le("channelCount", len(self.channel_ids))
        for i, channel_id in enumerate(self.channel_ids):
            w.u16_le(f"channelIdArray[{i}]", channel_id)
        if len(self.channel_ids) % 2:
            w.pad("Pad", _CHANNEL_ID_SIZE)


@dataclass(frozen=True, slots=True)
class ServerMessageChannelData:
    """MS-RDPBCGR 2.2.1.4.5 Server Message Channel Data (TS_UD_SC_MCS_MSGCHANNEL)."""

    TYPE: ClassVar[int] = 0x0C04

    mcs_channel_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("MCSChannelID"))

    def write(self, w: Writer) -> None:
        w.u16_le("MCSChannelID", self.mcs_channel_id)


@dataclass(frozen=True, slots=True)
class ServerMultitransportChannelData:
    """MS-RDPBCGR 2.2.1.4.6 Server Multitransport Channel Data (TS_UD_SC_MULTITRANSPORT)."""

    TYPE: ClassVar[int] = 0x0C08

    flags: MultitransportFlags = MultitransportFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(MultitransportFlags(r.u32_le("flags")))

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)


@dataclass(frozen=True, slots=True)
class UnknownServerData:
    """MS-RDPBCGR 2.2.1.4.1 User Data Header (TS_UD_HEADER) with a type that we do not know."""

    block_type: int
    data: bytes


ServerDataBlock = (
    ServerCoreData
    | ServerSecurityData
    | ServerNetworkData
    | ServerMessageChannelData
    | ServerMultitransportChannelData
    | UnknownServerData
)
