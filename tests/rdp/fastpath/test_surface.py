"""Surface commands: a row for each, unknown ones, and the limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.fastpath.surface import (
    MAX_SURFACE_COMMANDS,
    BitmapDataExFlags,
    CommandType,
    ExtendedBitmapData,
    ExtendedCompressedBitmapHeader,
    FrameAction,
    FrameMarker,
    SetSurfaceBits,
    StreamSurfaceBits,
    SurfaceCommands,
    UnknownSurfaceCommand,
    command_size,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

BITMAP = ExtendedBitmapData(32, 3, 64, 48, b"\xaa\xbb")
BITMAP_HEX = "20 00 00 03 4000 3000 02000000 aabb"
HEADER = ExtendedCompressedBitmapHeader(1, 2, 999, 0x0102030405)
WITH_HEADER = ExtendedBitmapData(
    32, 0, 1, 1, b"\1\2\3\4", BitmapDataExFlags.COMPRESSED_BITMAP_HEADER_PRESENT, HEADER
)

ROWS = [
    Row("extended bitmap data (2.2.9.2.1.1, constructed)", BITMAP, BITMAP_HEX),
    Row(
        "extended bitmap data with its header (2.2.9.2.1.1.1, constructed)",
        WITH_HEADER,
        """20 01 00 00 0100 0100 04000000
           01000000 02000000 e703000000000000 0504030201000000   # unique id, milliseconds, seconds
           01020304""",
    ),
    Row(
        "set surface bits (2.2.9.2.1, constructed)",
        SetSurfaceBits(0, 16, 64, 64, BITMAP),
        f"0000 1000 4000 4000 {BITMAP_HEX}",
    ),
    Row(
        "stream surface bits (2.2.9.2.2, constructed)",
        StreamSurfaceBits(0, 16, 64, 64, BITMAP),
        f"0000 1000 4000 4000 {BITMAP_HEX}",
    ),
    Row("frame marker (2.2.9.2.3, constructed)", FrameMarker(FrameAction.END, 7), "0100 07000000"),
    Row(
        "a frame (2.2.9.1.2.1.10, constructed)",
        SurfaceCommands(
            (
                FrameMarker(FrameAction.BEGIN, 7),
                SetSurfaceBits(0, 16, 64, 64, BITMAP),
                StreamSurfaceBits(1, 2, 3, 4, BITMAP),
                FrameMarker(FrameAction.END, 7),
            )
        ),
        f"""0400 0000 07000000
            0100 0000 1000 4000 4000 {BITMAP_HEX}
            0600 0100 0200 0300 0400 {BITMAP_HEX}
            0400 0100 07000000""",
        valid_prefixes=(0, 8, 32, 56),
    ),
    Row(
        "a command of an unknown type takes the rest (2.2.9.1.2.1.10.1, constructed)",
        SurfaceCommands(
            (FrameMarker(FrameAction(9), 7), UnknownSurfaceCommand(CommandType(5), b"\4\0\1\0\7\0\0\0"))
        ),
        "0400 0900 07000000 0500 0400 0100 07000000",
        valid_prefixes=(0, 8, *range(10, 18)),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)


def test_the_number_of_commands_is_bounded() -> None:
    marker = bytes.fromhex("0400 0000 07000000")
    assert len(decode(SurfaceCommands, marker * MAX_SURFACE_COMMANDS).commands) == MAX_SURFACE_COMMANDS
    with pytest.raises(DecodeError, match="more than 4096"):
        decode(SurfaceCommands, marker * (MAX_SURFACE_COMMANDS + 1))


def test_flag_and_header_must_agree() -> None:
    with pytest.raises(EncodeError, match="exBitmapDataHeader"):
        encode(ExtendedBitmapData(32, 0, 1, 1, b"", BitmapDataExFlags.COMPRESSED_BITMAP_HEADER_PRESENT))
    with pytest.raises(EncodeError, match="exBitmapDataHeader"):
        encode(ExtendedBitmapData(32, 0, 1, 1, b"", header=HEADER))


@given(st.sampled_from([1, 4, 5, 6]), st.binary(max_size=80))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(command_type: int, data: bytes) -> None:
    try:
        commands = decode(SurfaceCommands, bytes([command_type, 0]) + data)
    except PeerError:
        return
    assert decode(SurfaceCommands, encode(commands)) == commands


def test_the_size_of_a_command() -> None:
    with_header = SetSurfaceBits(0, 0, 1, 1, WITH_HEADER)
    for command in (FrameMarker(FrameAction.END, 7), StreamSurfaceBits(1, 2, 3, 4, BITMAP), with_header):
        assert command_size(command) == len(encode(SurfaceCommands((command,))))
