"""The codecs that the renderer knows, as a client announces them: of surface commands, and with H.264."""

from typing import Final

from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.remotefx import EntropyBits, RemoteFxClientCapabilities, RemoteFxIcap
from pyrdpmux.wire import encode

NSCODEC_ID: Final = 1
"""Fixed by MS-RDPNSC 2.2.1 for its codec; RemoteFX's is the client's choice, and everybody's is 3."""
REMOTEFX_ID: Final = 3

COLOR_LOSS_LEVEL: Final = 3

#: both modes, and both entropy coders
_REMOTEFX: Final = RemoteFxClientCapabilities(
    (RemoteFxIcap(EntropyBits.RLGR1), RemoteFxIcap(EntropyBits.RLGR3))
)

NSCODEC: Final = BitmapCodec(CODEC_NSCODEC, NSCODEC_ID, NsCodecProperties(1, 1, COLOR_LOSS_LEVEL))
REMOTEFX: Final = BitmapCodec(CODEC_REMOTEFX, REMOTEFX_ID, encode(_REMOTEFX))

GRAPHICS_WITH_AVC: Final = (
    GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8),
    GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8_1, GraphicsFlags.AVC420_ENABLED),
    *[
        GraphicsCapabilitySet.of(version)
        for version in CapabilityVersion
        if CapabilityVersion.VERSION_10 <= version != CapabilityVersion.VERSION_10_1
    ],
)
"""The ``graphics`` of a client that decodes H.264, too: what the extra h264 is for."""
