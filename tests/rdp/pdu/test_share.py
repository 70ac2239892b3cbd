"""The share envelope: control and data headers, dispatch, sequences and the quirks of peers."""

from typing import get_args

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.activation import DeactivateAll
from pyrdpmux.rdp.pdu.display import ShutdownDenied, ShutdownRequest
from pyrdpmux.rdp.pdu.finalization import Control, ControlAction, FontList, Synchronize
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.pdu.pointer import PointerPosition, PointerUpdate
from pyrdpmux.rdp.pdu.share import (
    SHARE_CONTROL_TYPES,
    SHARE_DATA_TYPES,
    CompressedShareData,
    CompressionFlags,
    FlowControl,
    FlowType,
    PduType,
    PduType2,
    ShareControl,
    ShareData,
    ShareDataBody,
    ShareSequence,
    StreamId,
    UnknownShareControl,
    UnknownShareData,
    decode_share,
    decode_shares,
)
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate, GraphicsUpdate
from pyrdpmux.wire import encode
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u8, u16, u32
from tests.rows import Row, row_tests

SHARE_DATA = st.builds(
    ShareData,
    u32,
    st.builds(Synchronize, u16, u16) | st.builds(UnknownShareData, st.just(PduType2(0x99)), short_bytes),
    u8.map(StreamId),
    st.sampled_from([CompressionFlags(0), CompressionFlags(3), CompressionFlags.AT_FRONT]),
    u16,
    st.none() | st.integers(1000, 0xFFFF),
)
SHARE_CONTROL = st.builds(UnknownShareControl, st.just(PduType(9)), short_bytes) | st.builds(
    DeactivateAll, u32, st.none() | short_bytes
)

ROWS = [
    Row(
        "synchronize, client (mstsc, shared/vectors Example_1)",
        ShareControl(pdu_source=1009, body=ShareData(share_id=66538, body=Synchronize(target_user=1002))),
        """1600  # totalLength
           1700  # pduType
           f103  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           0800  # uncompressedLength
           1f  # pduType2
           00  # compressedType
           0000  # compressedLength
           0100  # messageType
           ea03  # targetUser""",
        decode=decode_share,
    ),
    Row(
        "control: cooperate, server (Windows Server 2016, shared/vectors Example_1)",
        ShareControl(
            pdu_source=1002,
            body=ShareData(
                share_id=66538,
                body=Control(action=ControlAction.COOPERATE),
                stream_id=StreamId.MEDIUM,
                uncompressed_length=26,
            ),
        ),
        """1a00  # totalLength
           1700  # pduType
           ea03  # pduSource
           ea030100  # shareId
           00  # pad1
           02  # streamId
           1a00  # uncompressedLength
           14  # pduType2
           00  # compressedType
           0000  # compressedLength
           0400  # action
           0000  # grantId
           00000000  # controlId""",
        decode=decode_share,
    ),
    Row(
        "font list with uncompressedLength 0 (mstsc, shared/vectors Example_1)",
        ShareControl(pdu_source=1009, body=ShareData(share_id=66538, body=FontList(), uncompressed_length=0)),
        """1a00  # totalLength
           1700  # pduType
           f103  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           0000  # uncompressedLength
           27  # pduType2
           00  # compressedType
           0000  # compressedLength
           0000  # numberFonts
           0000  # totalNumFonts
           0300  # listFlags
           3200  # entrySize""",
        decode=decode_share,
    ),
    Row(
        "shutdown request (mstsc, shared/vectors Example_4)",
        ShareControl(pdu_source=1009, body=ShareData(share_id=66538, body=ShutdownRequest())),
        """1200  # totalLength
           1700  # pduType
           f103  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           0400  # uncompressedLength
           24  # pduType2
           00  # compressedType
           0000  # compressedLength""",
        decode=decode_share,
    ),
    Row(
        "shutdown denied (Windows Server 2016, shared/vectors Example_4)",
        ShareControl(
            pdu_source=1002,
            body=ShareData(
                share_id=66538, body=ShutdownDenied(), stream_id=StreamId.MEDIUM, uncompressed_length=18
            ),
        ),
        """1200  # totalLength
           1700  # pduType
           ea03  # pduSource
           ea030100  # shareId
           00  # pad1
           02  # streamId
           1200  # uncompressedLength
           25  # pduType2
           00  # compressedType
           0000  # compressedLength""",
        decode=decode_share,
    ),
    Row(
        "input: a key and the pointer (2.2.8.1.1.3, constructed)",
        ShareControl(
            1007,
            ShareData(
                66538,
                InputEvents(
                    (
                        KeyboardEvent(KeyboardFlags.RELEASE, 0x1E),
                        MouseEvent(PointerFlags.DOWN | PointerFlags.BUTTON1, 300, 2),
                    )
                ),
            ),
        ),
        """2e00  # totalLength
           1700  # pduType
           ef03  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           2000  # uncompressedLength
           1c  # pduType2
           00  # compressedType
           0000  # compressedLength
           0200  # numEvents
           0000  # pad2Octets
           00000000 0400  # eventTime, messageType: scancode
           0080 1e00 0000  # keyboardFlags, keyCode, pad2Octets
           00000000 0180  # eventTime, messageType: mouse
           0090 2c01 0200  # pointerFlags, xPos, yPos""",
        decode=decode_share,
    ),
    Row(
        "update: a bitmap of four pixels (2.2.9.1.1.3.1.2, constructed)",
        ShareControl(
            1002,
            ShareData(
                66538,
                GraphicsUpdate(
                    BitmapUpdate((BitmapData(8, 16, 9, 17, 2, 2, 16, BitmapFlags(0), b"\1\2\3\4\5\6\7\x08"),))
                ),
            ),
        ),
        """3000  # totalLength
           1700  # pduType
           ea03  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           2200  # uncompressedLength
           02  # pduType2
           00  # compressedType
           0000  # compressedLength
           0100  # updateType: bitmap
           0100  # numberRectangles
           0800 1000 0900 1100  # destLeft, destTop, destRight, destBottom
           0200 0200 1000  # width, height, bitsPerPixel
           0000 0800  # flags, bitmapLength
           0102030405060708  # bitmapDataStream""",
        decode=decode_share,
    ),
    Row(
        "pointer: position (2.2.9.1.1.4.2, constructed)",
        ShareControl(1002, ShareData(66538, PointerUpdate(PointerPosition(300, 2)))),
        """1a00  # totalLength
           1700  # pduType
           ea03  # pduSource
           ea030100  # shareId
           00  # pad1
           01  # streamId
           0c00  # uncompressedLength
           1b  # pduType2
           00  # compressedType
           0000  # compressedLength
           0300  # messageType: position
           0000  # pad2Octets
           2c01 0200  # xPos, yPos""",
        decode=decode_share,
    ),
    Row(
        "unknown data PDU (constructed)",
        ShareControl(1002, ShareData(66538, UnknownShareData(PduType2(0x63), b"\1\2"), StreamId.HIGH)),
        "1400 1700 ea03 ea030100 00 04 0600 63 00 0000 0102",
        decode=decode_share,
        valid_prefixes=(18, 19),
    ),
    Row(
        "compressed data PDU (constructed)",
        ShareControl(
            1002,
            ShareData(
                66538,
                CompressedShareData(PduType2.FONT_MAP, b"\1\2\3"),
                StreamId.MEDIUM,
                CompressionFlags.COMPRESSED | CompressionFlags.FLUSHED | CompressionFlags(1),
                21,
                400,
            ),
        ),
        "1500 1700 ea03 ea030100 00 02 9001 28 a1 1500 010203",
        decode=decode_share,
        valid_prefixes=(18, 19, 20),
    ),
    Row(
        "unknown control PDU of another version (constructed)",
        ShareControl(7, UnknownShareControl(PduType(0xF), b"\xff"), 2),
        "0700 2f00 0700 ff",
        decode=decode_share,
    ),
    Row(
        "flow PDU (T.128 8.5, constructed)",
        ShareControl(1002, FlowControl(FlowType.TEST, 2, 3)),
        "0080 41 00 02 03 ea03",
        decode=decode_share,
    ),
    Row(
        "deactivate all that ends before pduSource (Windows XP, constructed)",
        ShareControl(0, DeactivateAll(None, None)),
        "0400 1600",
        decode=decode_share,
        lossless=False,  # written with pduSource
    ),
    Row(
        "two in one frame, and a rest (constructed)",
        ShareSequence(
            (
                ShareControl(1, UnknownShareControl(PduType(2))),
                ShareControl(2, UnknownShareControl(PduType(5), b"\1")),
            ),
            b"\0\0",
        ),
        "0600 1200 0100  0700 1500 0200 01  0000",
        valid_prefixes=(6, 7, 8, 9, 13, 14),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "share data": (decode_share, encode, st.builds(ShareControl, u16, SHARE_DATA, st.integers(0, 0xFFF))),
    "share control": (
        decode_share,
        encode,
        st.builds(ShareControl, u16, SHARE_CONTROL, st.integers(0, 0xFFF)),
    ),
    "flow": (
        decode_share,
        encode,
        st.builds(ShareControl, u16, st.builds(FlowControl, u8.map(FlowType), u8, u8)),
    ),
    "sequence": structure(
        ShareSequence,
        st.lists(st.builds(ShareControl, u16, SHARE_CONTROL), min_size=1, max_size=3).map(tuple),
        st.binary(max_size=3),
    ),
}

TestProperties = property_tests(CASES)


def test_every_data_pdu_of_the_specification_has_a_class() -> None:
    assert set(SHARE_DATA_TYPES) == set(PduType2)
    assert len(set(SHARE_DATA_TYPES.values())) == len(SHARE_DATA_TYPES)
    assert set(SHARE_DATA_TYPES.values()) <= set(get_args(ShareDataBody))
    assert set(SHARE_CONTROL_TYPES) == set(PduType)


@pytest.mark.parametrize("number", list(PduType2))
def test_the_number_of_a_body_is_its_types(number: PduType2) -> None:
    data = ShareData(1, UnknownShareData(number))
    assert data.pdu_type2 == number
    compressed = ShareData(1, CompressedShareData(number), compressed_type=CompressionFlags.COMPRESSED)
    assert decode_share(encode(ShareControl(1, compressed))).body == compressed


def test_decode_shares_gives_them_all() -> None:
    one = ShareControl(1, ShareData(1, Synchronize(7)))
    two = ShareControl(2, DeactivateAll(5))
    assert decode_shares(encode(one) + encode(two)) == (one, two)
    assert decode_shares(encode(one)) == (one,)


def test_decode_share_refuses_a_second_one() -> None:
    data = encode(ShareControl(2, DeactivateAll(5)))
    with pytest.raises(DecodeError, match="13 bytes too many"):
        decode_share(data + data)


def test_total_length_counts_everything_and_uncompressed_length_what_follows_it() -> None:
    data = encode(ShareControl(1, ShareData(1, Synchronize(7))))
    assert data[0:2] == bytes([len(data), 0])
    assert data[12:14] == bytes([4 + 4, 0])


def test_a_body_error_has_the_whole_path() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_share(bytes.fromhex("1400 1700 ea03 ea030100 00 01 0000 1f 00 0000 0100"))
    assert caught.value.path == "ShareControl.ShareData.Synchronize.targetUser"
    assert caught.value.offset == 20


@pytest.mark.parametrize("data", ["0500 1600 00", "0400 1700", "0000 1700 0000"])
def test_a_length_below_the_header_is_refused(data: str) -> None:
    with pytest.raises(DecodeError, match="at least 6 expected") as caught:
        decode_share(bytes.fromhex(data))
    assert caught.value.path == "ShareControl.totalLength"


def test_a_type_that_does_not_fit_four_bits_is_not_written() -> None:
    with pytest.raises(EncodeError, match="does not fit 4 bits"):
        encode(ShareControl(1, UnknownShareControl(PduType(0x10))))


def test_a_length_that_would_mean_a_flow_pdu_is_not_written() -> None:
    with pytest.raises(EncodeError, match="would mean a flow PDU"):
        encode(ShareControl(1, UnknownShareControl(PduType(2), bytes(0x8000 - 6))))
