"""Heartbeat: the server shows that it is still there."""

from dataclasses import dataclass
from typing import Self

from pyrdpmux.wire import Reader, Writer


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """MS-RDPBCGR 2.2.16.1 Server Heartbeat PDU, after the security header.

    ``period`` is seconds between two of them; so many missed ones warn the user, so many more reconnect.
    """

    period: int
    warn_after: int
    reconnect_after: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("reserved", 1)
        return cls(r.u8("period"), r.u8("count1"), r.u8("count2"))

    def write(self, w: Writer) -> None:
        w.pad("reserved", 1)
        w.u8("period", self.period)
        w.u8("count1", self.warn_after)
        w.u8("count2", self.reconnect_after)
