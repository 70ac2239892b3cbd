"""The structures TS_RFX_*: rows from the specification's captures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.rfx.block import BlockType
from pyrdpmux.codec.rfx.headers import (
    Channel,
    Channels,
    CodecVersion,
    CodecVersions,
    Context,
    ContextFlags,
    Entropy,
    Properties,
    Sync,
)
from pyrdpmux.codec.rfx.message import (
    MAX_BLOCKS,
    FrameBegin,
    FrameEnd,
    Rectangle,
    Region,
    Tile,
    TileSet,
    UnknownBlock,
    decode_messages,
    encode_messages,
)
from pyrdpmux.codec.rfx.quant import Quantization
from pyrdpmux.errors import DecodeError
from tests.rows import Row, row_tests, unhex

RLGR3 = Properties(Entropy.RLGR3)
HEADERS = unhex("""
    c0 cc 0c 00 00 00 ca ac cc ca 00 01 c3 cc 0d 00 00 00 01 ff 00 40 00 28 a8 c1 cc 0a 00 00 00 01
    01 00 01 c2 cc 0c 00 00 00 01 00 40 00 40 00
""")

TestRows = row_tests(
    [
        Row("4.2.2 sync", Sync(), "c0 cc 0c 00 00 00 ca ac cc ca 00 01"),
        Row(
            "4.2.2 context; its reserved bit is set",
            Context(RLGR3),
            """
            c3 cc 0d 00 00 00   # blockType, blockLen
            01 ff 00            # codecId, channelId, ctxId
            40 00               # tileSize
            28 a8               # properties
            """,
            lossless=False,
        ),
        Row(
            "context of image mode, constructed",
            Context(Properties(Entropy.RLGR1, ContextFlags.CODEC_MODE)),
            "c3 cc 0d 00 00 00 01 ff 00 40 00 2a 22",
        ),
        Row("4.2.2 versions", CodecVersions((CodecVersion(),)), "c1 cc 0a 00 00 00 01 01 00 01"),
        Row("4.2.2 channels", Channels((Channel(64, 64),)), "c2 cc 0c 00 00 00 01 00 40 00 40 00"),
        Row("4.2.3 frame begin", FrameBegin(0), "c4 cc 0e 00 00 00 01 00 00 00 00 00 01 00"),
        Row(
            "4.2.3 region; its flags are 0xcd",
            Region((Rectangle(0, 0, 64, 64),), 0xCD),
            "c6 cc 17 00 00 00 01 00 cd 01 00 00 00 00 00 40 00 40 00 c1 ca 01 00",
        ),
        Row("4.2.3 frame end", FrameEnd(), "c5 cc 08 00 00 00 01 00"),
        Row(
            "4.2.3 tileset, streams shortened",
            TileSet((Quantization(),), (Tile(0, 1, b"\x19\x82", b"\x00", b""),), RLGR3),
            """
            c7 cc 31 00 00 00 01 00     # blockType, blockLen, codecId, channelId
            c2 ca 00 00 51 50           # subtype, idx, properties
            01 40 01 00                 # numQuant, tileSize, numTiles
            16 00 00 00                 # tilesDataSize
            66 66 77 88 98              # quantVals
            c3 ca 16 00 00 00           # blockType, blockLen
            00 00 00 00 00 01 00        # quantIdxY, quantIdxCb, quantIdxCr, xIdx, yIdx
            02 00 01 00 00 00           # YLen, CbLen, CrLen
            19 82 00                    # YData, CbData
            """,
        ),
        Row("2.2.2.1.1, unknown type", UnknownBlock(BlockType(0xCCCF), b"\1\2"), "cf cc 08 00 00 00 01 02"),
    ]
)


def test_the_headers_of_4_2_2() -> None:
    assert decode_messages(HEADERS) == [
        Sync(),
        Context(RLGR3),
        CodecVersions((CodecVersion(),)),
        Channels((Channel(64, 64),)),
    ]


def test_what_follows_the_known_fields_is_skipped() -> None:
    assert decode_messages(
        unhex("c5 cc 0a 00 00 00 01 00 aa bb") + unhex("c0 cc 0c 00 00 00 ca ac cc ca 00 01")
    ) == [
        FrameEnd(),
        Sync(),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("blockLen below its own size", "c5 cc 05 00 00 00 01 00"),
        ("wrong magic", "c0 cc 0c 00 00 00 ca ac cc cb 00 01"),
        (
            "a million tiles' worth of count",
            "c7 cc 16 00 00 00 01 00 c2 ca 00 00 51 50 00 40 ff ff 00 00 00 00",
        ),
        ("rectangles that are not there", "c6 cc 0f 00 00 00 01 00 01 ff ff c1 ca 01 00"),
        (
            "a factor below 6",
            "c7 cc 1b 00 00 00 01 00 c2 ca 00 00 51 50 01 40 00 00 00 00 00 00 65 66 77 88 98",
        ),
    ],
)
def test_refuses(name: str, data: str) -> None:
    with pytest.raises(DecodeError):
        decode_messages(unhex(data))


def test_a_tile_names_an_existing_quantization() -> None:
    tileset = TileSet((Quantization(),), (Tile(0, 0, b"", b"", b"", (0, 1, 0)),))
    with pytest.raises(DecodeError, match="quantIdx"):
        decode_messages(encode_messages([tileset]))


def test_the_number_of_blocks_is_limited() -> None:
    block = unhex("c5 cc 08 00 00 00 01 00")
    assert len(decode_messages(block * MAX_BLOCKS)) == MAX_BLOCKS
    with pytest.raises(DecodeError):
        decode_messages(block * (MAX_BLOCKS + 1))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(sorted(BlockType)))
def test_garbage(data: bytes, block_type: BlockType) -> None:
    block = encode_messages([UnknownBlock(block_type, data)])
    for candidate in (block, HEADERS + block):
        try:
            messages = decode_messages(candidate)
        except DecodeError as caught:
            offset = caught.offset
        else:
            offset = 0
            assert decode_messages(encode_messages(messages)) == messages
        assert 0 <= offset <= len(candidate)
