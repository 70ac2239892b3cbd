"""Connection finalization: synchronize, control, persistent bitmap keys, fonts (bodies of data PDUs)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

SYNCHRONIZE_MESSAGE_TYPE: Final = 1
CACHE_COUNT: Final = 5
KEY_SIZE: Final = 8
#: The largest sum of all totalEntries fields, MS-RDPBCGR 2.2.1.17.1.
MAX_PERSISTENT_KEYS: Final = 262_144


class ControlAction(OpenIntEnum):
    """action of MS-RDPBCGR 2.2.1.15.1."""

    REQUEST_CONTROL = 1
    GRANTED_CONTROL = 2
    DETACH = 3
    COOPERATE = 4


class SequenceFlags(OpenIntFlag):
    """listFlags of MS-RDPBCGR 2.2.1.18.1, mapFlags of 2.2.1.22.1 and bBitMask of 2.2.1.17.1."""

    FIRST = 0x0001
    LAST = 0x0002


@dataclass(frozen=True, slots=True)
class Synchronize:
    """MS-RDPBCGR 2.2.1.14.1 Synchronize PDU Data (TS_SYNCHRONIZE_PDU)."""

    target_user: int
    message_type: int = SYNCHRONIZE_MESSAGE_TYPE

    @classmethod
    def read(cls, r: Reader) -> Self:
        message_type = r.u16_le("messageType")
        return cls(r.u16_le("targetUser"), message_type)

    def write(self, w: Writer) -> None:
        w.u16_le("messageType", self.message_type)
        w.u16_le("targetUser", self.target_user)


@dataclass(frozen=True, slots=True)
class Control:
    """MS-RDPBCGR 2.2.1.15.1 Control PDU Data (TS_CONTROL_PDU)."""

    action: ControlAction
    grant_id: int = 0
    control_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(ControlAction(r.u16_le("action")), r.u16_le("grantId"), r.u32_le("controlId"))

    def write(self, w: Writer) -> None:
        w.u16_le("action", self.action)
        w.u16_le("grantId", self.grant_id)
        w.u32_le("controlId", self.control_id)


@dataclass(frozen=True, slots=True)
class FontList:
    """MS-RDPBCGR 2.2.1.18.1 Font List PDU Data (TS_FONT_LIST_PDU)."""

    list_flags: SequenceFlags = SequenceFlags.FIRST | SequenceFlags.LAST
    number_fonts: int = 0
    total_num_fonts: int = 0
    entry_size: int = 50

    @classmethod
    def read(cls, r: Reader) -> Self:
        number_fonts = r.u16_le("numberFonts")
        total_num_fonts = r.u16_le("totalNumFonts")
        list_flags = SequenceFlags(r.u16_le("listFlags"))
        return cls(list_flags, number_fonts, total_num_fonts, r.u16_le("entrySize"))

    def write(self, w: Writer) -> None:
        w.u16_le("numberFonts", self.number_fonts)
        w.u16_le("totalNumFonts", self.total_num_fonts)
        w.u16_le("listFlags", self.list_flags)
        w.u16_le("entrySize", self.entry_size)


@dataclass(frozen=True, slots=True)
class FontMap:
    """MS-RDPBCGR 2.2.1.22.1 Font Map PDU Data (TS_FONT_MAP_PDU).

    QUIRK(redemption, xrdp before 0.9): 172 bytes, of which T.128's entries would be those behind the first
    eight; nothing is made of them, and none are sent.
    """

    map_flags: SequenceFlags = SequenceFlags.FIRST | SequenceFlags.LAST
    number_entries: int = 0
    total_num_entries: int = 0
    entry_size: int = 4
    entries: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        number_entries = r.u16_le("numberEntries")
        total_num_entries = r.u16_le("totalNumEntries")
        map_flags = SequenceFlags(r.u16_le("mapFlags"))
        entry_size = r.u16_le("entrySize")
        return cls(map_flags, number_entries, total_num_entries, entry_size, r.rest("entries"))

    def write(self, w: Writer) -> None:
        w.u16_le("numberEntries", self.number_entries)
        w.u16_le("totalNumEntries", self.total_num_entries)
        w.u16_le("mapFlags", self.map_flags)
        w.u16_le("entrySize", self.entry_size)
        w.raw("entries", self.entries)


@dataclass(frozen=True, slots=True)
class PersistentKeyList:
    """MS-RDPBCGR 2.2.1.17.1 Persistent Key List PDU Data (TS_BITMAPCACHE_PERSISTENT_LIST_PDU).

    ``keys`` has one tuple of 64-bit keys for each of the five caches; ``total_entries`` counts them over
    the whole sequence of PDUs.
    """

    keys: tuple[tuple[int, ...], ...] = ((),) * CACHE_COUNT
    total_entries: tuple[int, ...] = (0,) * CACHE_COUNT
    flags: SequenceFlags = SequenceFlags.FIRST | SequenceFlags.LAST

    @classmethod
    def read(cls, r: Reader) -> Self:
        counts = [r.u16_le(f"numEntriesCache{i}") for i in range(CACHE_COUNT)]
        totals = tuple([r.u16_le(f"totalEntriesCache{i}") for i in range(CACHE_COUNT)])
        if sum(totals) > MAX_PERSISTENT_KEYS:
            raise r.error("totalEntriesCache4", f"{sum(totals)} keys, at most {MAX_PERSISTENT_KEYS} allowed")
        flags = SequenceFlags(r.u8("bBitMask"))
        r.pad("Pad2", 1)
        r.pad("Pad3", 2)
        if sum(counts) * KEY_SIZE > r.remaining:
            raise r.error("entries", f"need {sum(counts) * KEY_SIZE} bytes, {r.remaining} left")
        keys = tuple([tuple([r.u64_le("entries") for _ in range(count)]) for count in counts])
        return cls(keys, totals, flags)

    def write(self, w: Writer) -> None:
        for field, numbers in (
            ("numEntriesCache", tuple([len(keys) for keys in self.keys])),
            ("totalEntriesCache", self.total_entries),
        ):
            if len(numbers) != CACHE_COUNT:
                raise w.error(field, f"{len(numbers)} caches, expected {CACHE_COUNT}")
            for i, number in enumerate(numbers):
                w.u16_le(f"{field}{i}", number)
        w.u8("bBitMask", self.flags)
        w.pad("Pad2", 1)
        w.pad("Pad3", 2)
        for keys in self.keys:
            for key in keys:
                w.u64_le("entries", key)
