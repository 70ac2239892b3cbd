"""Capability sets of the graphics pipeline: the client advertises several, the server confirms one."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.channels.graphics.header import HEADER_SIZE, GraphicsCommand, read_count, reading
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer, decode, encode

#: of one advertisement: there are ten versions, and clients advertise those of a future
MAX_CAPABILITY_SETS: Final = 64
#: capsData of a set; those that are known have 4 bytes, 10.1 has 16
MAX_CAPABILITY_DATA: Final = 256
_SET_HEADER_SIZE: Final = 8
_FLAGS_SIZE: Final = 4
_RESERVED_SIZE_OF_10_1: Final = 16


class CapabilityVersion(OpenIntEnum):
    """version of MS-RDPEGFX 2.2.1.6; in the order of their age.

    QUIRK(clients from 2018 on): 10.6 had another number in earlier editions of the specification; both are
    in use.
    """

    VERSION_8 = 0x00080004
    VERSION_8_1 = 0x00080105
    VERSION_10 = 0x000A0002
    VERSION_10_1 = 0x000A0100
    VERSION_10_2 = 0x000A0200
    VERSION_10_3 = 0x000A0301
    VERSION_10_4 = 0x000A0400
    VERSION_10_5 = 0x000A0502
    VERSION_10_6 = 0x000A0600
    VERSION_10_6_AT_FIRST = 0x000A0601
    VERSION_10_7 = 0x000A0701


class GraphicsFlags(OpenIntFlag):
    """flags of MS-RDPEGFX 2.2.3.1 to 2.2.3.10; which of them mean anything is the version's."""

    THINCLIENT = 0x00000001
    SMALL_CACHE = 0x00000002
    AVC420_ENABLED = 0x00000010
    AVC_DISABLED = 0x00000020
    AVC_THINCLIENT = 0x00000040
    SCALEDMAP_DISABLE = 0x00000080


NO_FLAGS: Final = GraphicsFlags(0)


@dataclass(frozen=True, slots=True)
class GraphicsCapabilitySet:
    """MS-RDPEGFX 2.2.1.6 RDPGFX_CAPSET: of any version, with its data as it is."""

    version: CapabilityVersion
    data: bytes

    @classmethod
    def of(cls, version: CapabilityVersion, flags: GraphicsFlags = NO_FLAGS) -> Self:
        """A set of a known version; 10.1 has no flags."""
        if version == CapabilityVersion.VERSION_10_1:
            return cls(version, bytes(_RESERVED_SIZE_OF_10_1))
        return cls(version, _flags_to_data(flags))

    @property
    def is_known(self) -> bool:
        """A version that is specified, with as much data as that has."""
        is_bare = self.version == CapabilityVersion.VERSION_10_1
        return self.version.is_known and len(self.data) == (
            _RESERVED_SIZE_OF_10_1 if is_bare else _FLAGS_SIZE
        )

    @property
    def flags(self) -> GraphicsFlags:
        """None of them where the set has not just flags."""
        return decode(_Flags, self.data).flags if len(self.data) == _FLAGS_SIZE else NO_FLAGS

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = CapabilityVersion(r.u32_le("version"))
        length = r.u32_le("capsDataLength")
        if length > MAX_CAPABILITY_DATA:
            raise r.error("capsDataLength", f"{length}, at most {MAX_CAPABILITY_DATA} allowed")
        return cls(version, r.raw("capsData", length))

    def write(self, w: Writer) -> None:
        w.u32_le("version", self.version)
        with w.length_u32_le("capsDataLength"):
            w.raw("capsData", self.data)


@dataclass(frozen=True, slots=True)
class _Flags:
    """MS-RDPEGFX 2.2.3: what all versions but 10.1 have for data."""

    flags: GraphicsFlags

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(GraphicsFlags(r.u32_le("flags")))

    def write(self, w: Writer) -> None:
        w.u32_le("flags", self.flags)


def _flags_to_data(flags: GraphicsFlags) -> bytes:
    return encode(_Flags(flags))


@dataclass(frozen=True, slots=True)
class CapsAdvertise:
    """MS-RDPEGFX 2.2.2.18 RDPGFX_CAPS_ADVERTISE_PDU, from the client.

    QUIRK(FreeRDP, mstsc): some sets have versions that no specification has; they are kept, and passed over.
    """

    sets: tuple[GraphicsCapabilitySet, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CAPS_ADVERTISE):
            count = read_count(r, "capsSetCount", _SET_HEADER_SIZE, MAX_CAPABILITY_SETS)
            return cls(r.items(GraphicsCapabilitySet, "capsSets", count))

    def write(self, w: Writer) -> None:
        w.u16_le("cmdId", GraphicsCommand.CAPS_ADVERTISE)
        w.u16_le("flags", 0)
        with w.length_u32_le("pduLength", extra=HEADER_SIZE):
            w.u16_le("capsSetCount", len(self.sets))
            w.items(self.sets, "capsSets")


@dataclass(frozen=True, slots=True)
class CapsConfirm:
    """MS-RDPEGFX 2.2.2.19 RDPGFX_CAPS_CONFIRM_PDU: one of the sets that the client has advertised."""

    set: GraphicsCapabilitySet

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CAPS_CONFIRM):
            return cls(r.structure(GraphicsCapabilitySet, "capsSet"))

    def write(self, w: Writer) -> None:
        w.u16_le("cmdId", GraphicsCommand.CAPS_CONFIRM)
        w.u16_le("flags", 0)
        with w.length_u32_le("pduLength", extra=HEADER_SIZE):
            w.structure(self.set, "capsSet")
