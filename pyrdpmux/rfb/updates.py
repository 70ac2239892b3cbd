"""What a server sends once the handshake is done: one message after the other, for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.geometry import MAX_SIDE
from pyrdpmux.rfb.desktop import ResizeReason, ResizeStatus, Screen
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import (
    ContinuousUpdatesEnded,
    ExtendedKeysOffered,
    FenceReceived,
    LedsChanged,
    PointerModeChanged,
    ResizeAnswered,
    Resized,
    UpdateFinished,
    UpdateStarted,
)
from pyrdpmux.rfb.limits import (
    MAX_FENCE,
    MAX_PIXELS,
    MAX_SCREENS,
    OVERDRAW,
    PIXELS_PER_RECTANGLE,
    SMALL_COUNT,
    SMALL_UPDATE,
)
from pyrdpmux.rfb.rectangles.compressed import CompressedStream
from pyrdpmux.rfb.rectangles.cursors import read_cursor, read_cursor_with_alpha, read_x_cursor
from pyrdpmux.rfb.rectangles.hextile import read_hextile
from pyrdpmux.rfb.rectangles.plain import read_copy, read_raw, read_rre, read_zlib
from pyrdpmux.rfb.rectangles.zrle import read_zrle
from pyrdpmux.rfb.server_messages import (
    ColorMapHeader,
    CutTextHeader,
    FenceHeader,
    MessageType,
    RectangleHeader,
    UpdateHeader,
)
from pyrdpmux.rfb.steps import Step, skip, take, take_u8, take_u32, wrong

COLOR_SIZE: Final = 6
SCREENS_PADDING: Final = 3


@dataclass(slots=True)
class Decoders:
    """What the decoders of one connection remember."""

    is_qemu: bool = False
    #: its pixels, as the server told last
    framebuffer: int = 0
    #: what the update at hand has painted so far
    painted: int = 0
    is_updating: bool = False
    zlib: CompressedStream = field(default_factory=lambda: CompressedStream("Zlib"))
    zrle: CompressedStream = field(default_factory=lambda: CompressedStream("ZRLE"))

    def paint(self, pixels: int) -> None:
        """The update at hand paints, copies or makes room for so many more. Raises LimitExceeded."""
        self.painted += pixels
        maximum = OVERDRAW * self.framebuffer + SMALL_UPDATE
        if self.painted > maximum:
            raise LimitExceeded("FramebufferUpdate.pixels", self.painted, maximum)

    def resize(self, width: int, height: int) -> None:
        """Which costs as much as to paint it, once."""
        self.framebuffer = width * height
        self.paint(self.framebuffer)


def read_messages(decoders: Decoders) -> Step[None]:
    """RFC 6143 7.6."""
    while True:
        match MessageType((yield from take_u8())):
            case MessageType.FRAMEBUFFER_UPDATE:
                yield from _read_update(decoders)
            case MessageType.SET_COLOR_MAP_ENTRIES:  # means nothing in true color
                header = yield from take(ColorMapHeader)
                yield from skip(header.color_count * COLOR_SIZE)
            case MessageType.BELL:
                pass
            case MessageType.SERVER_CUT_TEXT:
                yield from skip((yield from take(CutTextHeader)).length)
            case MessageType.END_OF_CONTINUOUS_UPDATES:
                yield ContinuousUpdatesEnded()
            case MessageType.SERVER_FENCE:
                yield from _read_fence()
            case unknown:
                raise wrong("ServerMessage.message-type", f"{unknown.value} is none that we asked for")


def _read_fence() -> Step[None]:
    """rfbproto ServerFence."""
    fence = yield from take(FenceHeader)
    if fence.length > MAX_FENCE:
        raise LimitExceeded("ServerFence.length", fence.length, MAX_FENCE)
    yield FenceReceived(fence.flags, (yield fence.length))


def _read_update(decoders: Decoders) -> Step[None]:
    decoders.is_updating = True
    decoders.painted = 0
    yield UpdateStarted()
    header = yield from take(UpdateHeader)
    for number in range(header.rectangle_count):
        rect = yield from take(RectangleHeader)
        if rect.encoding == Encoding.LAST_RECT:
            break
        reader = READERS.get(rect.encoding)
        if reader is None:
            raise wrong("FramebufferUpdate.encoding-type", f"{rect.encoding} is none that we asked for")
        maximum = decoders.framebuffer // PIXELS_PER_RECTANGLE + SMALL_COUNT
        if number >= maximum:
            raise LimitExceeded("FramebufferUpdate.number-of-rectangles", number + 1, maximum)
        if rect.encoding in PICTURES:
            check_size("FramebufferUpdate.rectangle", rect.width, rect.height)
        if rect.encoding in PICTURES or rect.encoding in CURSORS:
            decoders.paint(rect.width * rect.height)
        yield from reader(rect, decoders)
    decoders.is_updating = False
    yield UpdateFinished()


def check_size(what: str, width: int, height: int) -> None:
    """LimitExceeded for what would be more than a screen."""
    if max(width, height) > MAX_SIDE:
        raise LimitExceeded(f"{what}.width or height", max(width, height), MAX_SIDE)
    if width * height > MAX_PIXELS:
        raise LimitExceeded(f"{what}.pixels", width * height, MAX_PIXELS)


# -- pseudo-encodings ----------------------------------------------------------------------------------


def _read_desktop_size(rect: RectangleHeader, decoders: Decoders) -> Step[None]:
    """RFC 6143 7.8.2."""
    yield _resized(rect, (), decoders)


def _read_extended_desktop_size(rect: RectangleHeader, decoders: Decoders) -> Step[None]:
    """rfbproto: the size, and the screens of which it consists; or what came of our wish."""
    count = yield from take_u8()
    if count > MAX_SCREENS:
        raise LimitExceeded("ExtendedDesktopSize.number-of-screens", count, MAX_SCREENS)
    yield from skip(SCREENS_PADDING)
    screens = []
    for _ in range(count):
        screens.append((yield from take(Screen)))
    if rect.x == ResizeReason.THIS_CLIENT and rect.y != ResizeStatus.DONE:
        yield ResizeAnswered(rect.y)
    else:
        yield _resized(rect, tuple(screens), decoders)


def _resized(rect: RectangleHeader, screens: tuple[Screen, ...], decoders: Decoders) -> Resized:
    check_size("DesktopSize", rect.width, rect.height)
    decoders.resize(rect.width, rect.height)
    return Resized(rect.width, rect.height, screens)


def _read_pointer_mode(rect: RectangleHeader, _: Decoders) -> Step[None]:
    """rfbproto QEMU Pointer Motion Change: the x-position tells."""
    yield PointerModeChanged(is_absolute=rect.x == 1)


def _read_extended_keys(rect: RectangleHeader, _: Decoders) -> Step[None]:
    """rfbproto QEMU Extended Key Event: that it comes is all it says."""
    yield ExtendedKeysOffered()


def _read_qemu_leds(rect: RectangleHeader, _: Decoders) -> Step[None]:
    """rfbproto QEMU LED State."""
    yield LedsChanged((yield from take_u8()) & 7)


def _read_vmware_leds(rect: RectangleHeader, _: Decoders) -> Step[None]:
    """rfbproto VMware LED State."""
    yield LedsChanged((yield from take_u32()) & 7)


PICTURES: Final = {
    Encoding.RAW,
    Encoding.COPY_RECT,
    Encoding.RRE,
    Encoding.HEXTILE,
    Encoding.ZLIB,
    Encoding.ZRLE,
}

CURSORS: Final = {Encoding.CURSOR, Encoding.X_CURSOR, Encoding.CURSOR_WITH_ALPHA}

READERS: Final[dict[int, Callable[[RectangleHeader, Decoders], Step[None]]]] = {
    Encoding.RAW: lambda rect, _: read_raw(rect),
    Encoding.COPY_RECT: lambda rect, _: read_copy(rect),
    Encoding.RRE: lambda rect, decoders: read_rre(rect, decoders.paint),
    Encoding.HEXTILE: lambda rect, _: read_hextile(rect),
    Encoding.ZLIB: lambda rect, decoders: read_zlib(rect, decoders.zlib),
    Encoding.ZRLE: lambda rect, decoders: read_zrle(rect, decoders.zrle),
    Encoding.CURSOR: lambda rect, _: read_cursor(rect),
    Encoding.X_CURSOR: lambda rect, _: read_x_cursor(rect),
    Encoding.CURSOR_WITH_ALPHA: lambda rect, decoders: read_cursor_with_alpha(rect, is_qemu=decoders.is_qemu),
    Encoding.DESKTOP_SIZE: _read_desktop_size,
    Encoding.EXTENDED_DESKTOP_SIZE: _read_extended_desktop_size,
    Encoding.QEMU_POINTER_MOTION_CHANGE: _read_pointer_mode,
    Encoding.QEMU_EXTENDED_KEY_EVENT: _read_extended_keys,
    Encoding.QEMU_LED_STATE: _read_qemu_leds,
    Encoding.VMWARE_LED_STATE: _read_vmware_leds,
}
