"""Viewers' input for the consoles of one QEMU that a VM consists of.

Nothing here waits: QEMU may be slow, or stopped, or gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.input.wheel import WheelClicks
from pyrdpmux.mux.keyboard.locks import LockLights
from pyrdpmux.mux.keyboard.qnum import KeyNumbers
from pyrdpmux.mux.picture.heads import PLAIN_SCALE, Monitor, head_under, normalized
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
PLAIN_PIXELS_PER_INCH: Final = 96
MILLIMETERS_PER_INCH: Final = 25.4

NO_MONITOR: Final = Rect(0, 0, 0, 0)
"""What QEMU takes for a monitor that is switched off."""


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


@dataclass(frozen=True, slots=True)
class Output:
    """A console by its path, and where it is in the picture; None: the guest shows nothing on it."""

    path: str
    area: Rect | None


class QemuInput:
    """The InputSink, ResizeSink and MonitorSink of consoles.

    The first one gets all but positions, which go to the console that is under them, and sizes.
    ``outputs`` are all consoles, one at least. ``asked`` is called when monitors were asked for.
    ``pointer_mode_found`` is called when QEMU answers that its mouse is of the other kind than we thought:
    what ``IsAbsolute`` says is not always so (a vdagent takes positions while it says false).
    """

    def __init__(
        self,
        connection: Poster,
        outputs: Callable[[], Sequence[Output]],
        pointer_mode_found: Callable[[bool], None] = lambda is_absolute: None,
        asked: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._outputs = outputs
        self._asked = asked
        self._pointer_mode_found = pointer_mode_found
        self._is_absolute = True
        self._numbers = KeyNumbers()
        self._lights = LockLights()
        #: motion that waits for QEMU to answer the one before; only the newest counts
        self._waiting: tuple[int, int] | None = None
        self._is_answered = True
        self._position: tuple[int, int] | None = None
        self._wheel = WheelClicks()
        #: the console on which each button was pressed, and where the pointer is
        self._pressed: dict[Button, str] = {}
        self._path = outputs()[0].path
        #: of the monitors that were asked for last, in the order of the consoles
        self.wanted: tuple[Rect, ...] = ()
        #: whether consoles take sizes; those that have not answered yet are missing
        self._takes_size: dict[str, bool] = {}
        #: those that have a monitor because we have asked for it, but for the first
        self._switched_on: set[str] = set()

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
        self._post(self._outputs()[0].path, KEYBOARD, "Press" if down else "Release", "u", number)

    # -- mouse -----------------------------------------------------------------------------------

    def set_pointer_mode(self, is_absolute: bool) -> None:
        if is_absolute != self._is_absolute:
            self._is_absolute = is_absolute
            self._waiting = self._position = None

    def arranged(self) -> None:
        """The consoles lie elsewhere in the picture, so what was told of the pointer may not hold."""
        self._position = None

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
            x, y = self._position or _middle(self._shown()[0][1])
            self.pointer(x + dx, y + dy)
        elif dx or dy:
            before = self._waiting or (0, 0)
            self._waiting = before[0] + dx, before[1] + dy
            if self._is_answered:
                self._send_waiting()

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self._move_before_click(x, y)
        # A tablet may belong to one console: it keeps what it is not told to release.
        path = self._path if down else self._pressed.pop(button, self._path)
        if down:
            self._pressed[button] = path
        self._post(path, MOUSE, "Press" if down else "Release", "u", BUTTONS[button])

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self._move_before_click(x, y)
        clicks = self._wheel.turn(rotation, horizontal=horizontal)
        forward, backward = (WHEEL_RIGHT, WHEEL_LEFT) if horizontal else (WHEEL_UP, WHEEL_DOWN)
        button = forward if clicks > 0 else backward
        for _ in range(abs(clicks)):
            self._post(self._path, MOUSE, "Press", "u", button)
            self._post(self._path, MOUSE, "Release", "u", button)

    def _move_before_click(self, x: int, y: int) -> None:
        if self._is_absolute:
            self.pointer(x, y)
        if self._waiting is not None:
            self._send_waiting()

    def _shown(self) -> list[tuple[str, Rect]]:
        """Path and area of each console that is to be seen, one at least."""
        return [(one.path, one.area) for one in self._outputs() if one.area is not None]

    def _clamp(self, x: int, y: int) -> tuple[int, int]:
        """To the nearest place that is on a console."""
        shown = [area for _, area in self._shown()]
        area = shown[head_under(shown, x, y)]
        return max(area.x, min(x, area.right - 1)), max(area.y, min(y, area.bottom - 1))

    def _aim(self, x: int, y: int) -> tuple[int, int]:
        """Take the console under a place, and say where on it that is."""
        x, y = self._clamp(x, y)
        shown = self._shown()
        self._path, area = shown[head_under([area for _, area in shown], x, y)]
        return x - area.x, y - area.y

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._is_absolute:
            member, signature = "SetAbsPosition", "uu"
            waiting = self._aim(*waiting)
        else:
            member, signature = "RelMotion", "ii"
            self._path = self._outputs()[0].path
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

    # -- sizes -----------------------------------------------------------------------------------

    @property
    def can_resize(self) -> bool | None:
        """Whether QEMU takes sizes of the first console; None before it has answered the first one."""
        return self._takes_size.get(self._outputs()[0].path)

    @property
    def max_monitors(self) -> int:
        """Consoles up to the first one that takes no sizes."""
        takes = [self._takes_size.get(output.path, True) for output in self._outputs()]
        return max(1, takes.index(False) if False in takes else len(takes))

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """Of one monitor."""
        self.request_monitors([Monitor(Rect(0, 0, width, height), scale)])

    def request_monitors(self, monitors: Sequence[Monitor]) -> None:
        """Ask the guest, where its display adapter can (virtio-gpu).

        Consoles beyond them are switched off, if it was we who asked for them; those that somebody else has
        switched on stay, and then nothing is asked for. A scale is told as the size of the monitor in
        millimeters, from which guests take theirs; without one QEMU decides.
        """
        outputs = self._outputs()
        others = outputs[len(monitors) :]
        has_foreign = any(one.area is not None and one.path not in self._switched_on for one in others)
        if has_foreign or not all(_is_size(monitor.area) for monitor in monitors):
            return
        self.wanted = normalized([monitor.area for monitor in monitors])
        for output, area, monitor in zip(outputs, self.wanted, monitors, strict=False):
            if output is not outputs[0]:
                self._switched_on.add(output.path)
            millimeters = _millimeters(area.width, area.height, monitor.scale)
            self._set_monitor(output.path, *millimeters, area)
        for output in others:
            if output.path in self._switched_on:
                self._switched_on.discard(output.path)
                self._set_monitor(output.path, 0, 0, NO_MONITOR)
        self._asked()

    def _set_monitor(self, path: str, width_mm: int, height_mm: int, area: Rect) -> None:
        if self._takes_size.get(path, True):
            body = (width_mm, height_mm, *area)

            def answered(error: CallFailed | None) -> None:
                if error is None:
                    self._takes_size[path] = True
                elif error.name.endswith(".Unsupported"):
                    self._takes_size[path] = False

            self._connection.post(path, CONSOLE, "SetUIInfo", "qqiiuu", *body, reply=answered)

    def _post(self, path: str, interface: str, member: str, signature: str, *body: int) -> None:
        self._connection.post(path, interface, member, signature, *body)


def _middle(area: Rect) -> tuple[int, int]:
    return area.x + area.width // 2, area.y + area.height // 2


def _is_size(area: Rect) -> bool:
    return 0 < area.width <= MAX_POSITION_SIZE and 0 < area.height <= MAX_POSITION_SIZE


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
