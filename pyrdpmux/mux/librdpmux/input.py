"""Input in the terms of protocol 1 (section 7): one normal form out, every form in.

The hypervisors of that time compare flags for equality, so a server may only send the values of 7.3. Our own
guests take any combination of 7.1. The flag values are those of RDP's own events.
"""

from collections.abc import Callable
from typing import Final

from pyrdpmux.mux.backend import Button, InputSink
from pyrdpmux.mux.librdpmux.messages import Keyboard, Mouse, SizeRequest
from pyrdpmux.rdp.pdu.input import KeyboardFlags, PointerFlags, wheel_flags, wheel_rotation

MAX_SIDE: Final = 0x7FFF

BUTTON_FLAGS: Final = {
    Button.LEFT: PointerFlags.BUTTON1,
    Button.RIGHT: PointerFlags.BUTTON2,
    Button.MIDDLE: PointerFlags.BUTTON3,
}


class InputSender:
    """The InputSink of a guest: section 7.3 as code.

    What the protocol cannot carry is left out: buttons 4 and 5, lock-key states, the E1 prefix (Pause becomes
    Ctrl+NumLock, which it was on the keyboard these codes come from).
    """

    def __init__(
        self,
        send: Callable[[Mouse | Keyboard | SizeRequest], None],
        size: Callable[[], tuple[int, int]],
    ) -> None:
        self._send = send
        self._size = size
        self._position: tuple[int, int] | None = None
        #: a guest of ours that can change its size has said so
        self.takes_sizes = False

    def forget_position(self) -> None:
        """The guest is another one now, or has another screen: say where the pointer is before a button."""
        self._position = None

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        flags = KeyboardFlags.DOWN if down else KeyboardFlags.RELEASE
        if extended:
            flags |= KeyboardFlags.EXTENDED
        self._send(Keyboard(scancode & 0xFF, flags))

    def synchronize(self, toggle_flags: int) -> None:
        """Not in the protocol."""

    def pointer(self, x: int, y: int) -> None:
        width, height = self._size()
        position = max(0, min(x, width - 1)), max(0, min(y, height - 1))
        if position != self._position:
            self._position = position
            self._send(Mouse(*position, PointerFlags.MOVE))

    def relative(self, dx: int, dy: int) -> None:
        width, height = self._size()
        x, y = self._position or (width // 2, height // 2)
        self.pointer(x + dx, y + dy)

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.pointer(x, y)
        if button in BUTTON_FLAGS:
            flags = BUTTON_FLAGS[button]
            self._send(Mouse(*self._here, flags | PointerFlags.DOWN if down else flags))

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.pointer(x, y)
        flags = PointerFlags.HWHEEL if horizontal else PointerFlags.WHEEL
        self._send(Mouse(*self._here, wheel_flags(max(-256, min(rotation, 255)), flags)))

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """Not in the protocol: only for a guest of ours, which has said that it takes it."""
        if self.takes_sizes and 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
            self._send(SizeRequest(width, height, scale))

    @property
    def _here(self) -> tuple[int, int]:
        return self._position or (0, 0)


def dispatch_keyboard(message: Keyboard, sink: InputSink) -> None:
    """A guest's side: any combination; release is what bit 15 says."""
    sink.key(
        message.code & 0xFF,
        extended=bool(message.flags & KeyboardFlags.EXTENDED),
        extended1=bool(message.flags & KeyboardFlags.EXTENDED1),
        down=not message.flags & KeyboardFlags.RELEASE,
    )


def dispatch_mouse(message: Mouse, sink: InputSink) -> None:
    """A guest's side: a wheel, or a move and any number of buttons at the position given."""
    x, y, flags = message.x, message.y, PointerFlags(message.flags & 0xFFFF)
    if flags & (PointerFlags.WHEEL | PointerFlags.HWHEEL):
        sink.wheel(wheel_rotation(flags), horizontal=not flags & PointerFlags.WHEEL, x=x, y=y)
        return
    if flags & PointerFlags.MOVE:
        sink.pointer(x, y)
    for button, bit in BUTTON_FLAGS.items():
        if flags & bit:
            sink.button(button, down=bool(flags & PointerFlags.DOWN), x=x, y=y)
