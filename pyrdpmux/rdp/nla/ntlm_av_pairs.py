"""NTLM's AV_PAIR lists: what server and client say about themselves (MS-NLMP 2.2.2.1)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer, decode, encode

#: There are eleven kinds of AV_PAIR and each occurs once; Windows sends at most ten.
MAX_AV_PAIRS: Final = 64


class AvId(OpenIntEnum):
    """AvId of MS-NLMP 2.2.2.1, without the MsvAv prefix."""

    EOL = 0
    NB_COMPUTER_NAME = 1
    NB_DOMAIN_NAME = 2
    DNS_COMPUTER_NAME = 3
    DNS_DOMAIN_NAME = 4
    DNS_TREE_NAME = 5
    FLAGS = 6
    TIMESTAMP = 7
    SINGLE_HOST = 8
    TARGET_NAME = 9
    CHANNEL_BINDINGS = 10


class AvFlags(OpenIntFlag):
    """The value of MsvAvFlags (MS-NLMP 2.2.2.1)."""

    CONSTRAINED = 0x1
    MIC_PRESENT = 0x2
    UNTRUSTED_SPN = 0x4


@dataclass(frozen=True, slots=True)
class Number:
    """MS-NLMP 2.2.2.1 AV_PAIR, the Value of MsvAvFlags or MsvAvTimestamp: a little-endian integer."""

    value: int
    size: int

    def write(self, w: Writer) -> None:
        w.uint_le("Value", self.value, self.size)

    @classmethod
    def read(cls, r: Reader) -> Self:
        size = r.remaining
        if size not in (4, 8):
            raise r.error("Value", f"{size} bytes, expected 4 or 8")
        return cls(r.uint_le("Value", size), size)


@dataclass(frozen=True, slots=True)
class AvPair:
    """MS-NLMP 2.2.2.1 AV_PAIR."""

    av_id: AvId
    value: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        av_id = AvId(r.u16_le("AvId"))
        return cls(av_id, r.raw("Value", r.u16_le("AvLen")))

    def write(self, w: Writer) -> None:
        w.u16_le("AvId", self.av_id)
        with w.length_u16_le("AvLen"):
            w.raw("Value", self.value)


@dataclass(frozen=True, slots=True)
class AvPairs:
    """MS-NLMP 2.2.2.1 AV_PAIR, a sequence up to and without its MsvAvEOL."""

    pairs: tuple[AvPair, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        pairs: list[AvPair] = []
        while True:
            pair = r.structure(AvPair, f"AvPairs[{len(pairs)}]")
            if pair.av_id == AvId.EOL:
                if pair.value:
                    raise r.error("Value", f"{len(pair.value)} bytes in MsvAvEOL, expected none")
                return cls(tuple(pairs))
            if len(pairs) >= MAX_AV_PAIRS:
                raise r.error("AvPairs", f"more than {MAX_AV_PAIRS}")
            pairs.append(pair)

    def write(self, w: Writer) -> None:
        w.items(self.pairs, "AvPairs")
        w.structure(AvPair(AvId.EOL, b""), "MsvAvEOL")

    def get(self, av_id: AvId) -> bytes | None:
        """The first value of this kind."""
        for pair in self.pairs:
            if pair.av_id == av_id:
                return pair.value
        return None

    @property
    def flags(self) -> AvFlags:
        """MsvAvFlags, zero if there are none. Raises DecodeError."""
        value = self.get(AvId.FLAGS)
        return AvFlags(decode(Number, value).value & 0xFFFFFFFF) if value is not None else AvFlags(0)

    @property
    def timestamp(self) -> int | None:
        """MsvAvTimestamp as a FILETIME. Raises DecodeError."""
        value = self.get(AvId.TIMESTAMP)
        return decode(Number, value).value if value is not None else None

    def with_value(self, av_id: AvId, value: bytes) -> "AvPairs":
        """These pairs with this one replaced, or added at the end."""
        kept = [pair for pair in self.pairs if pair.av_id != av_id]
        return AvPairs((*kept, AvPair(av_id, value)))

    def with_flags(self, flags: AvFlags) -> "AvPairs":
        return self.with_value(AvId.FLAGS, encode(Number(flags, 4)))
