"""Every length that a client sends, and whether it is insisted on.

A length is redundant where what it measures says by itself where it ends: a structure of one size, or
elements with lengths of their own. A wrong one changes nothing then (QUIRK marks each in the code), and what
is written is always right. A length is needed where it is all that says where something opaque ends, or where
the next thing begins; a wrong one of these is refused, and so is every truncation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from pyrdpmux.errors import PeerError
from pyrdpmux.rdp.channels.static import ChannelPdu, ChannelReassembler
from pyrdpmux.rdp.connection.framer import frame_size
from pyrdpmux.rdp.fastpath.header import FastPathFlags, FastPathHeader, FipsInformation, decode_fast_path
from pyrdpmux.rdp.mcs.client_data import ClientMessageChannelData
from pyrdpmux.rdp.mcs.connect import ConnectInitial
from pyrdpmux.rdp.mcs.domain import (
    DisconnectProviderUltimatum,
    Reason,
    SendDataRequest,
    decode_domain_pdu,
)
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest
from pyrdpmux.rdp.pdu.activation import ConfirmActive
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasureResults,
    NetworkCharacteristicsSync,
    RttMeasureResponse,
    decode_auto_detect,
)
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie
from pyrdpmux.rdp.pdu.capabilities.session import ShareCapability
from pyrdpmux.rdp.pdu.client_info import ClientInfo, InfoFlags
from pyrdpmux.rdp.pdu.display import ShutdownRequest
from pyrdpmux.rdp.pdu.finalization import Synchronize
from pyrdpmux.rdp.pdu.security import FipsSecurityHeader, SecurityExchange, SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData, decode_share
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.negotiation import CorrelationInfo, NegotiationRequest, RequestFlags, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest, Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from pyrdpmux.wire.secret import Secret


@dataclass(frozen=True)
class Length:
    """Where a length stands in the bytes of a value, what is right there, and what else to try."""

    name: str
    value: Any
    at: int
    #: hex
    right: str
    wrong: tuple[str, ...]
    decode: Callable[[bytes], Any] | None = None

    @property
    def data(self) -> bytes:
        return encode(self.value)

    def with_length(self, text: str) -> bytes:
        data, length = self.data, bytes.fromhex(text)
        return data[: self.at] + length + data[self.at + len(length) :]

    def read(self, data: bytes) -> Any:
        return self.decode(data) if self.decode else decode(type(self.value), data)


def whole(data: bytes) -> bytes | None:
    """The message that one chunk is."""
    return ChannelReassembler(100).feed(decode(ChannelPdu, data))


SYNCHRONIZE = ShareControl(1009, ShareData(66538, Synchronize(1002)))
#: as many as an input PDU's header, which aardwolf puts in front of nothing
SHUTDOWN = ShareControl(1009, ShareData(66538, ShutdownRequest(bytes.fromhex("01000000"))))
CONFERENCE = ConferenceCreateRequest((ClientMessageChannelData(),))
CORRELATED = NegotiationRequest(SecurityProtocol.SSL, RequestFlags.CORRELATION_INFO_PRESENT)
FIPS_HEADER = FipsSecurityHeader(SecurityFlags.ENCRYPT, 3, bytes(8))
ENCRYPTED = FastPathHeader(1, FastPathFlags.ENCRYPTED, b"01234567", FipsInformation(3))
CONNECT = ConnectInitial(b"user data")
CONNECT_USER_DATA = encode(CONNECT).index(b"user data") - 1

REDUNDANT = [
    Length(
        "length indicator of an X.224 Data TPDU", Data(b"abc"), 0, "02", ("00", "01", "05", "ff"), decode_tpdu
    ),
    Length(
        "length of RDP_NEG_REQ",
        ConnectionRequest(CORRELATED, None, CorrelationInfo(bytes(16))),
        9,
        "0800",
        ("0000", "0900"),
    ),
    Length("length of RDP_NEG_CORRELATION_INFO", CorrelationInfo(bytes(16)), 2, "2400", ("0000", "2500")),
    Length("BER length of Connect-Initial", CONNECT, 2, "6d", ("00", "6c", "6e", "7f")),
    # IronRDP 0.7 leaves two bytes out
    Length("PER length of connectPDU", CONFERENCE, 7, "15", ("13", "00", "16", "7f")),
    # aardwolf 0.2.16 counts six too many in every data PDU
    Length(
        "totalLength of a data PDU that ends its frame",
        SYNCHRONIZE,
        0,
        "1600",
        ("1c00", "1700", "ff7f"),
        decode_share,
    ),
    Length("totalLength of aardwolf's Shutdown Request", SHUTDOWN, 0, "1600", ("1c00",), decode_share),
    Length(
        "lengthCombinedCapabilities",
        ConfirmActive(66538, (ShareCapability(1),)),
        8,
        "0c00",
        ("0000", "0b00", "0d00", "ffff"),
    ),
    Length(
        "headerLength of an RTT response", RttMeasureResponse(1), 0, "06", ("00", "08"), decode_auto_detect
    ),
    Length(
        "headerLength of bandwidth results",
        BandwidthMeasureResults(1, 2, 3),
        0,
        "0e",
        ("06", "ff"),
        decode_auto_detect,
    ),
    Length(
        "headerLength of a network sync",
        NetworkCharacteristicsSync(1, 2, 3),
        0,
        "0e",
        ("06", "12"),
        decode_auto_detect,
    ),
    Length(
        "cbLen of an auto-reconnect cookie",
        AutoReconnectClientCookie(1, Secret(bytes(16))),
        0,
        "1c000000",
        ("1b000000", "ffffffff"),
    ),
    Length("length of a FIPS security header", FIPS_HEADER, 4, "1000", ("0000", "1100")),
]

NEEDED = [
    Length("TPKT: it is the framing", Tpkt(b"abc"), 2, "0007", ("0006", "0008")),
    Length(
        "length indicator of a Connection Request: what belongs to its header",
        ConnectionRequest(),
        0,
        "06",
        ("05", "07", "00"),
        decode_tpdu,
    ),
    Length(
        "BER length of the user data, which are opaque",
        CONNECT,
        CONNECT_USER_DATA,
        "09",
        ("08", "0a"),
    ),
    Length(
        "PER length of the GCC user data: where a cut between two blocks shows",
        CONFERENCE,
        20,
        "08",
        ("07", "09"),
    ),
    Length(
        "length of a GCC block: where the next one begins", CONFERENCE, 23, "0800", ("0700", "0900", "0300")
    ),
    Length(
        "PER length of MCS user data, which are opaque",
        SendDataRequest(1007, 1003, b"abc"),
        6,
        "03",
        ("02", "04"),
    ),
    Length(
        "totalLength shorter than the frame: where the next PDU begins",
        SYNCHRONIZE,
        0,
        "1600",
        ("1500", "0500"),
        decode_share,
    ),
    Length(
        "lengthCapability: where the next set begins, and how much of it there is",
        ConfirmActive(66538, (ShareCapability(1),)),
        22,
        "0800",
        ("0700", "0900", "0300"),
    ),
    Length(
        "length of a client random, which is opaque",
        SecurityExchange(b"abcd"),
        0,
        "04000000",
        ("03000000", "05000000", "ffffffff"),
    ),
    Length(
        "cbDomain, and its like: where the next text begins",
        ClientInfo(InfoFlags(0), "abc"),
        8,
        "0300",
        ("0200", "0400", "0002"),
    ),
    Length(
        "cchPCB of a preconnection PDU: its text is opaque",
        Preconnection(0, "vm"),
        16,
        "0200",
        ("0300", "ffff"),
    ),
]


@pytest.mark.parametrize("row", [*REDUNDANT, *NEEDED], ids=lambda row: row.name)
def test_what_is_written_is_right(row: Length) -> None:
    right = bytes.fromhex(row.right)
    assert row.data[row.at : row.at + len(right)] == right
    assert row.read(row.data) == row.value


@pytest.mark.parametrize("row", REDUNDANT, ids=lambda row: row.name)
def test_a_wrong_redundant_length_changes_nothing(row: Length) -> None:
    for text in row.wrong:
        value = row.read(row.with_length(text))
        assert value == row.value, text
        assert encode(value) == row.data, "and what is written is right again"


@pytest.mark.parametrize("row", NEEDED, ids=lambda row: row.name)
def test_a_wrong_needed_length_is_refused(row: Length) -> None:
    for text in row.wrong:
        with pytest.raises(PeerError):
            row.read(row.with_length(text))


def test_the_length_of_a_channel_message_is_needed() -> None:
    """It bounds what is held, and tells that nothing is missing."""
    header, chunk = "03000000 03000000", b"abc"
    assert whole(bytes.fromhex(header) + chunk) == chunk
    for text in ("02000000", "04000000", "ffffffff"):
        with pytest.raises(PeerError):
            whole(bytes.fromhex(text) + bytes.fromhex("03000000") + chunk)


def test_the_length_of_a_fast_path_pdu_is_needed() -> None:
    """It is the framing; that of its FIPS information is redundant."""
    assert frame_size(b"\x04\x05abc") == 5
    read = partial(decode_fast_path, is_fips=True)
    data = bytes.fromhex("84 11 1000 01 03") + b"01234567" + b"abc"
    assert read(data).header == ENCRYPTED
    for text in ("0000", "1100"):
        wrong = data[:2] + bytes.fromhex(text) + data[4:]
        assert read(wrong).header == ENCRYPTED
        assert encode(read(wrong)) == data
    for length in (b"\x10", b"\x12"):
        with pytest.raises(PeerError):
            read(data[:1] + length + data[2:])


@pytest.mark.parametrize("rest", ["00", "00000000"])
def test_what_follows_the_ultimatum_is_passed_over(rest: str) -> None:
    assert decode_domain_pdu(bytes.fromhex("2180" + rest)) == DisconnectProviderUltimatum(
        Reason.USER_REQUESTED
    )
