"""The structures RFX_PROGRESSIVE_*."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.progressive.block import (
    BlockType,
    ComponentQuantization,
    Context,
    ContextFlags,
    FrameBegin,
    FrameEnd,
    ProgressiveQuantization,
    Sync,
    UnknownBlock,
)
from pyrdpmux.codec.progressive.region import (
    MAX_BLOCKS,
    Region,
    RegionFlags,
    TileFirst,
    TileFlags,
    TileSimple,
    TileUpgrade,
    decode_blocks,
    encode_blocks,
)
from pyrdpmux.codec.rfx.message import Rectangle
from pyrdpmux.errors import DecodeError
from tests.rows import Row, row_tests, unhex

ADDED = ProgressiveQuantization(
    50, ComponentQuantization(*[0, 1, 1, 1, 2, 2, 2, 3, 3, 3]), *[ComponentQuantization(*[4] * 10)] * 2
)

TestRows = row_tests(
    [
        Row("2.2.4.2.1.1 sync, constructed", Sync(), "c0 cc 0c 00 00 00 ca ac cc ca 00 01"),
        Row("2.2.4.2.1.2 frame begin, constructed", FrameBegin(7), "c1 cc 0c 00 00 00 07 00 00 00 01 00"),
        Row("2.2.4.2.1.3 frame end, constructed", FrameEnd(), "c2 cc 06 00 00 00"),
        Row(
            "2.2.4.2.1.4 context, constructed",
            Context(ContextFlags.SUBBAND_DIFFING),
            "c3 cc 0a 00 00 00 00 40 00 01",
        ),
        Row(
            "2.2.4.2.1.5.2, all different, constructed",
            ComponentQuantization(*range(6, 16)),
            "76 98 ba dc fe",
        ),
        Row(
            "2.2.4.2.1.5.1, constructed",
            ADDED,
            """
            32                                  # quality
            10 11 22 32 33                      # yQuantValues: LL3 HL3, LH3 HH3, HL2 LH2, HH2 HL1, LH1 HH1
            44 44 44 44 44 44 44 44 44 44       # cbQuantValues, crQuantValues
            """,
        ),
        Row(
            "2.2.4.2.1.5.3, constructed",
            TileSimple(1, 2, b"\1", b"\2\3", b"", (0, 1, 2), TileFlags.DIFFERENCE, b"\4"),
            """
            c5 cc 1a 00 00 00                   # blockType, blockLen
            00 01 02 01 00 02 00 01             # quantIdxY, quantIdxCb, quantIdxCr, xIdx, yIdx, flags
            01 00 02 00 00 00 01 00             # yLen, cbLen, crLen, tailLen
            01 02 03 04
            """,
        ),
        Row(
            "2.2.4.2.1.5.4, constructed",
            TileFirst(1, 2, 3, b"\1", b"\2\3", b""),
            """
            c6 cc 1a 00 00 00                   # blockType, blockLen
            00 00 00 01 00 02 00 00 03          # quantIdx.., xIdx, yIdx, flags, progressiveQuality
            01 00 02 00 00 00 00 00             # yLen, cbLen, crLen, tailLen
            01 02 03
            """,
        ),
        Row(
            "2.2.4.2.1.5.5, constructed",
            TileUpgrade(1, 2, 255, (b"\1", b"", b"\2\2", b"\3", b"", b"\4")),
            """
            c7 cc 1f 00 00 00                   # blockType, blockLen
            00 00 00 01 00 02 00 ff             # quantIdx.., xIdx, yIdx, progressiveQuality
            01 00 00 00 02 00 01 00 00 00 01 00 # ySrlLen, yRawLen, cbSrlLen, cbRawLen, crSrlLen, crRawLen
            01 02 02 03 04
            """,
        ),
        Row(
            "2.2.4.2.1.5 region, constructed",
            Region(
                (Rectangle(0, 64, 64, 32),),
                (ComponentQuantization(),),
                (ADDED,),
                (TileSimple(0, 1, b"\1", b"\2", b"\3"), TileFirst(1, 0, 0, b"", b"", b"")),
            ),
            """
            c4 cc 5f 00 00 00                   # blockType, blockLen
            40 01 00 01 01 01 02 00             # tileSize, numRects, numQuant, numProgQuant, flags, numTiles
            30 00 00 00                         # tileDataSize
            00 00 40 00 40 00 20 00             # rects
            66 66 77 88 98                      # quantVals
            32 10 11 22 32 33 44 44 44 44 44 44 44 44 44 44
            c5 cc 19 00 00 00 00 00 00 00 00 01 00 00 01 00 01 00 01 00 00 00 01 02 03
            c6 cc 17 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00
            """,
        ),
        Row("2.2.4.2.1, unknown type", UnknownBlock(BlockType(0xCCCF), b"\1"), "cf cc 07 00 00 00 01"),
    ]
)


def region(**changes: object) -> Region:
    values: dict[str, object] = {
        "rectangles": (Rectangle(0, 0, 64, 64),),
        "quantizations": (ComponentQuantization(),),
        "progressive": (),
        "tiles": (),
    }
    return Region(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        region(tiles=(TileSimple(0, 0, b"", b"", b"", (0, 0, 1)),)),
        region(tiles=(TileFirst(0, 0, 0, b"", b"", b""),)),
        region(tiles=(TileUpgrade(0, 0, 3, (b"",) * 6),)),
        region(quantizations=(ComponentQuantization(5),)),
        region(quantizations=(ComponentQuantization(),) * 8),
        region(progressive=(ProgressiveQuantization(1, *[ComponentQuantization(*[9] * 10)] * 3),)),
    ],
)
def test_refuses_what_names_nothing(changed: Region) -> None:
    with pytest.raises(DecodeError):
        decode_blocks(encode_blocks([changed]))


def test_counts_are_compared_with_what_is_there() -> None:
    data = bytearray(encode_blocks([region(flags=RegionFlags(0))]))
    for at in (7, 12):  # numRects, numTiles
        changed = data.copy()
        changed[at : at + 2] = b"\xff\xff"
        with pytest.raises(DecodeError):
            decode_blocks(bytes(changed))


def test_the_number_of_blocks_is_limited() -> None:
    block = unhex("c2 cc 06 00 00 00")
    assert len(decode_blocks(block * MAX_BLOCKS)) == MAX_BLOCKS
    with pytest.raises(DecodeError):
        decode_blocks(block * (MAX_BLOCKS + 1))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(sorted(BlockType)))
def test_garbage(data: bytes, block_type: BlockType) -> None:
    block = encode_blocks([UnknownBlock(block_type, data)])
    try:
        blocks = decode_blocks(block)
    except DecodeError as caught:
        offset = caught.offset
    else:
        offset = 0
        assert decode_blocks(encode_blocks(blocks)) == blocks
    assert 0 <= offset <= len(block)
