"""Viewers' input for one console of QEMU. Nothing here waits: QEMU may be slow, or stopped, or gone."""

from collections.abc import Callable
from typing import Final, Protocol

from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.input.wheel import WheelClicks
from pyrdpmux.mux.keyboard.locks import LockLights
from pyrdpmux.mux.keyboard.qnum import KeyNumbers
from pyrdpmux.mux.qemu.bus import CallFailed, Reply

KEYBOARD: Final = "org.qemu.Display1.Keyboard"
MOUSE: Final = "org.qemu.Display1.Mouse"
CONSOLE: Final = "org.qemu.Display1.Console"

BUTTONS: Final = {Button.LEFT: 0, Button.MIDDLE: 1, Button.RIGHT: 2, Button.X1: 5, Button.X2: 6}
WHEEL_UP: Final = 3
WHEEL_DOWN: Final = 4
WHEEL_LEFT: Final = 7
WHEEL_RIGHT: Final = 8
"""9 and above end QEMU 7.2 with a failed assertion."""

MAX_POSITION_SIZE: Final = 0x7FFF
PLAIN_SCALE: Final = 100
PLAIN_PIXELS_PER_INCH: Final = 96
MILLIMETERS_PER_INCH: Final = 25.4


class Poster(Protocol):
    """Sends calls; see :class:`~pyrdpmux.mux.qemu.bus.Connection`."""

    def post(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        *body: object,
        reply: Reply | None = None,
    ) -> bool: ...


class QemuInput:
    """The InputSink and ResizeSink of a console.

    ``pointer_mode_found`` is called when QEMU answers that its mouse is of the other kind than we thought:
    what ``IsAbsolute`` says is not always so (a vdagent takes positions while it says false).
    """

    def __init__(
        self,
        connection: Poster,
        path: str,
        size: Callable[[], tuple[int, int]],
        pointer_mode_found: Callable[[bool], None] = lambda is_absolute: None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._size = size
        self._pointer_mode_found = pointer_mode_found
        self._is_absolute = True
        self._numbers = KeyNumbers()
        self._lights = LockLights()
        #: motion that waits for QEMU to answer the one before; only the newest counts
        self._waiting: tuple[int, int] | None = None
        self._is_answered = True
        self._position: tuple[int, int] | None = None
        self._wheel = WheelClicks()
        #: whether QEMU takes sizes; None before it has answered the first one
        self.can_resize: bool | None = None

    # -- keyboard --------------------------------------------------------------------------------

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        number = self._numbers.number_of(scancode, extended=extended, extended1=extended1, down=down)
        if number is not None:
            self._key(number, down)

    def synchronize(self, toggle_flags: int) -> None:
        """Turn over the locks that differ, of a guest that is known to show its own."""
        for key in self._lights.keys_for(toggle_flags):
            self._key(key, True)
            self._key(key, False)

    def leds_told(self, leds: int) -> None:
        """The guest's lights are so."""
        self._lights.tell(leds)

    def _key(self, number: int, down: bool) -> None:
        self._post(KEYBOARD, "Press" if down else "Release", "u", number)

    # -- mouse -----------------------------------------------------------------------------------

    def set_pointer_mode(self, is_absolute: bool) -> None:
        if is_absolute != self._is_absolute:
            self._is_absolute = is_absolute
            self._waiting = self._position = None

    def pointer(self, x: int, y: int) -> None:
        if not self._is_absolute:
            before, self._position = self._position, (x, y)
            if before is not None:
                self.relative(x - before[0], y - before[1])
            return
        position = self._clamp(x, y)
        if position != self._position:
            self._position = self._waiting = position
            if self._is_answered:
                self._send_waiting()

    def relative(self, dx: int, dy: int) -> None:
        if self._is_absolute:
            x, y = self._position or (self._size()[0] // 2, self._size()[1] // 2)
            self.pointer(x + dx, y + dy)
        elif dx or dy:
            before = self._waiting or (0, 0)
            self._waiting = before[0] + dx, before[1] + dy
            if self._is_answered:
                self._send_waiting()

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self._move_before_click(x, y)
        self._post(MOUSE, "Press" if down else "Release", "u", BUTTONS[button])

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self._move_before_click(x, y)
        clicks = self._wheel.turn(rotation, horizontal=horizontal)
        forward, backward = (WHEEL_RIGHT, WHEEL_LEFT) if horizontal else (WHEEL_UP, WHEEL_DOWN)
        button = forward if clicks > 0 else backward
        for _ in range(abs(clicks)):
            self._post(MOUSE, "Press", "u", button)
            self._post(MOUSE, "Release", "u", button)

    def _move_before_click(self, x: int, y: int) -> None:
        if self._is_absolute:
            self.pointer(x, y)
        if self._waiting is not None:
            self._send_waiting()

    def _clamp(self, x: int, y: int) -> tuple[int, int]:
        width, height = self._size()
        return max(0, min(x, width - 1)), max(0, min(y, height - 1))

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._is_absolute:
            member, signature = "SetAbsPosition", "uu"
            waiting = self._clamp(*waiting)
        else:
            member, signature = "RelMotion", "ii"
        self._is_answered = False
        is_absolute = self._is_absolute

        def answered(error: CallFailed | None) -> None:
            self._moved(is_absolute, error)

        if not self._connection.post(self._path, MOUSE, member, signature, *waiting, reply=answered):
            self._is_answered = True

    def _moved(self, is_absolute: bool, error: CallFailed | None) -> None:
        self._is_answered = True
        if error is not None and _is_wrong_mode(error) and is_absolute == self._is_absolute:
            self.set_pointer_mode(not is_absolute)
            self._pointer_mode_found(not is_absolute)
        else:
            self._send_waiting()

    # -- size ------------------------------------------------------------------------------------

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """Ask the guest, where its display adapter can (virtio-gpu).

        A scale is told as the size of the monitor in millimeters, from which guests take theirs; without one
        QEMU decides.
        """
        if (
            self.can_resize is not False
            and 0 < width <= MAX_POSITION_SIZE
            and 0 < height <= MAX_POSITION_SIZE
        ):
            body = (*_millimeters(width, height, scale), 0, 0, width, height)
            self._connection.post(
                self._path, CONSOLE, "SetUIInfo", "qqiiuu", *body, reply=self._resize_answered
            )

    def _resize_answered(self, error: CallFailed | None) -> None:
        if error is None:
            self.can_resize = True
        elif error.name.endswith(".Unsupported"):
            self.can_resize = False

    def _post(self, interface: str, member: str, signature: str, *body: int) -> None:
        self._connection.post(self._path, interface, member, signature, *body)


def _millimeters(width: int, height: int, scale: int) -> tuple[int, int]:
    """Of a monitor on which text at ``scale`` percent has its usual size; zeros at 100, for "not known"."""
    if scale == PLAIN_SCALE:
        return 0, 0
    pixels_per_inch = PLAIN_PIXELS_PER_INCH * scale / PLAIN_SCALE
    return round(width * MILLIMETERS_PER_INCH / pixels_per_inch), round(
        height * MILLIMETERS_PER_INCH / pixels_per_inch
    )


def _is_wrong_mode(error: CallFailed) -> bool:
    """ "Mouse is not absolute", while "Invalid mouse position" says that the screen has become smaller."""
    return error.name.endswith(".Invalid") and "position" not in error.text
