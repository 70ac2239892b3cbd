"""What a DecodeError says of its place: the offset in the frame, whatever envelopes are around the field."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pyrdpmux.errors import DecodeError, PeerError
from pyrdpmux.harness.capture.dissect import Dissector
from pyrdpmux.harness.capture.fixture import open_fixture
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader, ChannelReassembler
from pyrdpmux.rdp.connection.envelope import unwrap, wrap
from pyrdpmux.rdp.connection.secure import unseal
from pyrdpmux.rdp.fastpath.fragment import Reassembler
from pyrdpmux.rdp.fastpath.header import FastPathPdu, decode_fast_path
from pyrdpmux.rdp.fastpath.update import (
    FastPathUpdate,
    Fragmentation,
    UpdateCode,
    decode_update,
    decode_updates,
    encode_updates,
)
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.domain import SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.message_channel import decode_message
from pyrdpmux.rdp.pdu.security import (
    FipsSecurityHeader,
    NonFipsSecurityHeader,
    SecurityExchange,
    SecurityFlags,
    with_basic_header,
)
from pyrdpmux.rdp.pdu.share import decode_share
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey
from pyrdpmux.rdp.x224.tpdu import Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.harness.capture.obstacles import FOLDER

#: behind TPKT, X.224 Data and an MCS Send Data Request with a length of one byte
INNER = 4 + 3 + 7
WHOLE = ChannelFlags.FIRST | ChannelFlags.LAST


def user_data(frame: bytes) -> bytes:
    pdu = decode_domain_pdu(unwrap(frame))
    assert isinstance(pdu, SendDataRequest)
    return pdu.user_data


def in_mcs(data: bytes) -> bytes:
    return wrap(SendDataRequest(1007, 1003, data))


def chunk(length: int, flags: ChannelFlags, data: bytes) -> bytes:
    return in_mcs(encode(ChannelPdu(ChannelPduHeader(length, flags), data)))


def read_info(frame: bytes) -> object:
    return decode(ClientInfo, unseal(None, user_data(frame), has_header=True)[1])


def read_chunk(frame: bytes) -> object:
    return ChannelReassembler().feed(decode(ChannelPdu, user_data(frame)))


def sealed(method: EncryptionMethod) -> Callable[[bytes], object]:
    """Read with keys that are not the sender's."""
    security = StandardSecurity.for_server(bytes(32), bytes(32), method)
    return lambda frame: unseal(security, user_data(frame), has_header=True)


def read_update(frame: bytes) -> object:
    *_, last = decode_updates(decode_fast_path(frame).body)
    return decode_update(last)


def read_fragment(frame: bytes) -> object:
    *_, last = decode_updates(decode_fast_path(frame).body)
    return Reassembler(100).feed(last)


def read_exchange(frame: bytes) -> object:
    body = unseal(None, user_data(frame), has_header=True)[1]
    return RsaKey.generate(1024).decrypt(decode(SecurityExchange, body).encrypted_client_random, 32)


def updates(*items: FastPathUpdate) -> bytes:
    return encode(FastPathPdu(encode_updates(items)))


CACHED = FastPathUpdate(UpdateCode.CACHED, b"\1\0")
ENCRYPT = SecurityFlags.ENCRYPT
FIPS_HEADER = FipsSecurityHeader(ENCRYPT, 9, bytes(8))


@pytest.mark.parametrize(
    ("frame", "read", "path", "offset"),
    [
        (encode(Tpkt(b"\x02\x10\0")), unwrap, "Tpdu.code", 5),
        (encode(Tpkt(encode(Data(b"\xfc")))), lambda f: decode_domain_pdu(unwrap(f)), "DomainPdu.choice", 7),
        (
            in_mcs(b"\x06\0\x11\0\0\0"),
            lambda f: decode_share(user_data(f)),
            "DemandActive.shareId",
            INNER + 6,
        ),
        (
            in_mcs(with_basic_header(SecurityFlags.INFO_PKT, bytes(5))),
            read_info,
            "ClientInfo.flags",
            INNER + 8,
        ),
        (in_mcs(with_basic_header(ENCRYPT, b"")), read_info, "BasicSecurityHeader.flags", INNER),
        (
            in_mcs(with_basic_header(SecurityFlags.AUTODETECT_RSP, b"\6\1")),
            lambda f: decode_message(user_data(f)),
            "AutoDetect.header",
            INNER + 4,
        ),
        (
            in_mcs(with_basic_header(SecurityFlags.EXCHANGE_PKT, encode(SecurityExchange(bytes(200))))),
            read_exchange,
            "encryptedClientRandom",
            INNER + 1 + 8,  # MCS has a length of two bytes here
        ),
        (
            in_mcs(encode(NonFipsSecurityHeader(ENCRYPT, bytes(8))) + b"abcd"),
            sealed(EncryptionMethod.BITS_128),
            "SecurityHeader.dataSignature",
            INNER + 4,
        ),
        (
            in_mcs(encode(FIPS_HEADER) + bytes(8)),
            sealed(EncryptionMethod.FIPS),
            "FipsSecurityHeader.padlen",
            INNER + 7,
        ),
        (
            chunk(1, WHOLE | ChannelFlags.PACKET_COMPRESSED, b"x"),
            read_chunk,
            "channelPduHeader.flags",
            INNER + 4,
        ),
        (chunk(1, WHOLE, b"xy"), read_chunk, "virtualChannelData", INNER + 8),
        (chunk(3, WHOLE, b"xy"), read_chunk, "channelPduHeader.length", INNER),
        (updates(CACHED, replace(CACHED, data=b"\1")), read_update, "FastPathUpdate.CACHED", 2 + 5 + 3),
        (
            updates(CACHED, FastPathUpdate(UpdateCode.BITMAP, b"x", Fragmentation.FIRST, 0x20)),
            read_fragment,
            "FastPathUpdate.compressionFlags",
            2 + 5 + 1,
        ),
    ],
)
def test_offsets_are_those_of_the_frame(
    frame: bytes, read: Callable[[bytes], object], path: str, offset: int
) -> None:
    with pytest.raises(DecodeError) as caught:
        read(frame)
    assert path in caught.value.path
    assert caught.value.offset == offset


def test_bytes_that_are_no_frames_count_from_their_own_beginning() -> None:
    pdu = ChannelPdu(ChannelPduHeader(3, WHOLE), b"xy")
    with pytest.raises(DecodeError) as caught:
        ChannelReassembler().feed(pdu)
    assert caught.value.offset == 0


#: A field's error may stand at its structure's beginning, or at a field that a later one contradicts.
LARGEST_STRUCTURE = 16
SESSIONS = ["xfreerdp-shadow-tls-16", "xfreerdp-xrdp-tls-32-slowpath", "rdesktop-xrdp-tls-16"]


def different_units(units: tuple[Unit, ...]) -> Iterator[tuple[Dissector, Unit]]:
    """One unit of each kind, size and side, and a dissector that has read all before it."""
    dissector = Dissector()
    seen: set[tuple[object, ...]] = set()
    for unit in units:
        what = (unit.kind, unit.direction, len(unit.data))
        if unit.kind in (UnitKind.TPKT, UnitKind.FAST_PATH) and what not in seen and len(seen) < 60:
            seen.add(what)
            dissector._layers = []  # what they hold of passwords cannot be copied
            yield copy.deepcopy(dissector), unit
        dissector.read(unit)


def complaint(dissector: Dissector, unit: Unit, at: int) -> DecodeError | None:
    """What is said of the unit with another byte there, if it does not decode."""
    changed = bytearray(unit.data)
    changed[at] ^= 0xFF
    try:
        dissector.read(replace(unit, data=bytes(changed)))
    except DecodeError as error:
        return error
    except PeerError:
        pass
    return None


@pytest.mark.parametrize("name", SESSIONS)
def test_a_changed_byte_is_complained_of_where_it_is(name: str) -> None:
    """Decoding goes the same way up to the changed byte: an offset before it would be another frame's."""
    complaints = [
        (unit.number, at, error.offset, len(unit.data), str(error))
        for dissector, unit in different_units(open_fixture(FOLDER / f"{name}.pcap").units)
        for at in range(LARGEST_STRUCTURE, min(len(unit.data), 400), 3)
        if (error := complaint(dissector, unit, at)) is not None
    ]
    assert len(complaints) > 80
    assert [c for c in complaints if not c[1] - LARGEST_STRUCTURE <= c[2] <= c[3]] == []
