"""The codecs of surface commands that the renderer knows, as a client announces them."""

from typing import Final

from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    NsCodecProperties,
)
from pyrdpmux.wire import Writer

NSCODEC_ID: Final = 1
"""Fixed by MS-RDPNSC 2.2.1 for its codec; RemoteFX's is the client's choice, and everybody's is 3."""
REMOTEFX_ID: Final = 3

COLOR_LOSS_LEVEL: Final = 3

_CAPS: Final = 0xCBC0
_CAPSET: Final = 0xCBC1
_CLY_CAPSET: Final = 0xCFC0
_VERSION: Final = 0x0100
_TILE_SIZE: Final = 64
_COLOR_CONVERSION_ICT: Final = 1
_TRANSFORM_DWT_5_3: Final = 1
_ENTROPIES: Final = (0x01, 0x04)
"""RLGR1 and RLGR3, one TS_RFX_ICAP each."""
_ICAP_SIZE: Final = 8


def remotefx_properties() -> bytes:
    """MS-RDPRFX 2.2.1.1 TS_RFX_CLNT_CAPS_CONTAINER: video mode, both entropy coders."""
    w = Writer("TS_RFX_CLNT_CAPS_CONTAINER")
    with w.length_u32_le("length", extra=4):
        w.u32_le("captureFlags", 0)
        with w.length_u32_le("capsLength"):
            w.u16_le("blockType", _CAPS)
            w.u32_le("blockLen", 8)
            w.u16_le("numCapsets", 1)
            w.u16_le("blockType", _CAPSET)
            w.u32_le("blockLen", 13 + _ICAP_SIZE * len(_ENTROPIES))
            w.u8("codecId", 1)
            w.u16_le("capsetType", _CLY_CAPSET)
            w.u16_le("numIcaps", len(_ENTROPIES))
            w.u16_le("icapLen", _ICAP_SIZE)
            for entropy in _ENTROPIES:
                w.u16_le("version", _VERSION)
                w.u16_le("tileSize", _TILE_SIZE)
                w.u8("flags", 0)
                w.u8("colConvBits", _COLOR_CONVERSION_ICT)
                w.u8("transformBits", _TRANSFORM_DWT_5_3)
                w.u8("entropyBits", entropy)
    return w.getvalue()


NSCODEC: Final = BitmapCodec(CODEC_NSCODEC, NSCODEC_ID, NsCodecProperties(1, 1, COLOR_LOSS_LEVEL))
REMOTEFX: Final = BitmapCodec(CODEC_REMOTEFX, REMOTEFX_ID, remotefx_properties())
