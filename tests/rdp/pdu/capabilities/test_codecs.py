"""Bitmap codecs."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IGNORE,
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    BitmapCodecsCapability,
    NsCodecProperties,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u8
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "bitmap codecs (Windows Server 2016, shared/vectors Example_1)",
        BitmapCodecsCapability(
            codecs=(
                BitmapCodec(
                    guid=CODEC_NSCODEC,
                    codec_id=0,
                    properties=NsCodecProperties(
                        allow_dynamic_fidelity=1, allow_subsampling=1, color_loss_level=3
                    ),
                ),
                BitmapCodec(guid=CODEC_REMOTEFX, codec_id=0, properties=b"\x00\x00\x00\x00"),
                BitmapCodec(guid=CODEC_IGNORE, codec_id=0, properties=b"\x00\x00\x00\x00"),
                BitmapCodec(guid=CODEC_IMAGE_REMOTEFX, codec_id=0, properties=b"\x00\x00\x00\x00"),
            )
        ),
        """1d00  # capabilitySetType
           6000  # lengthCapability
           04  # bitmapCodecCount
           b91b8dca0f004f15589fae2d1a87e2d6  # codecGUID
           00  # codecID
           0300  # codecPropertiesLength
           01  # fAllowDynamicFidelity
           01  # fAllowSubsampling
           03  # colorLossLevel
           122f777672bd6344afb3b73c9c6f7886  # codecGUID
           00  # codecID
           0400  # codecPropertiesLength
           00000000  # codecProperties
           a651439c3535ae42910ccdfce5760b58  # codecGUID
           00  # codecID
           0400  # codecPropertiesLength
           00000000  # codecProperties
           d4cc44278a9d744e803c0ecbeea19c54  # codecGUID
           00  # codecID
           0400  # codecPropertiesLength
           00000000  # codecProperties""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "bitmap codecs (mstsc, shared/vectors Example_1)",
        BitmapCodecsCapability(
            codecs=(
                BitmapCodec(
                    guid=CODEC_NSCODEC,
                    codec_id=1,
                    properties=NsCodecProperties(
                        allow_dynamic_fidelity=1, allow_subsampling=1, color_loss_level=3
                    ),
                ),
                BitmapCodec(
                    guid=CODEC_IMAGE_REMOTEFX,
                    codec_id=5,
                    properties=bytes.fromhex(
                        "310000000100000025000000c0cb080000000100c1cb1d00000001c0cf0200080000014000020101010001400002010104"
                    ),
                ),
                BitmapCodec(
                    guid=CODEC_REMOTEFX,
                    codec_id=3,
                    properties=bytes.fromhex(
                        "310000000100000025000000c0cb080000000100c1cb1d00000001c0cf0200080000014000000101010001400000010104"
                    ),
                ),
            )
        ),
        """1d00  # capabilitySetType
           a300  # lengthCapability
           03  # bitmapCodecCount
           b91b8dca0f004f15589fae2d1a87e2d6  # codecGUID
           01  # codecID
           0300  # codecPropertiesLength
           01  # fAllowDynamicFidelity
           01  # fAllowSubsampling
           03  # colorLossLevel
           d4cc44278a9d744e803c0ecbeea19c54  # codecGUID
           05  # codecID
           3100  # codecPropertiesLength
           310000000100000025000000c0cb080000000100c1cb1d00000001c0cf020008
           0000014000020101010001400002010104  # codecProperties
           122f777672bd6344afb3b73c9c6f7886  # codecGUID
           03  # codecID
           3100  # codecPropertiesLength
           310000000100000025000000c0cb080000000100c1cb1d00000001c0cf020008
           0000014000000101010001400000010104  # codecProperties""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "NSCodec with properties of another size (constructed)",
        BitmapCodecsCapability((BitmapCodec(CODEC_NSCODEC, 1, b"\1\1"),)),
        "1d00 1a00 01 b91b8dca0f004f15589fae2d1a87e2d6 01 0200 0101",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "no codecs (constructed)",
        BitmapCodecsCapability(),
        "1d00 0500 00",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CODECS = st.builds(BitmapCodec, st.uuids(), u8, short_bytes) | st.builds(
    BitmapCodec, st.just(CODEC_NSCODEC), u8, st.builds(NsCodecProperties, u8, u8, u8)
)

CASES = {
    "codecs": structure(BitmapCodecsCapability, st.lists(CODECS, max_size=4).map(tuple)),
}

TestProperties = property_tests(CASES)
