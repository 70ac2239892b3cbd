"""Viewers' input for a VNC server: an InputSink and ResizeSink that outlives the connection to it."""

from typing import Final, Protocol

from pyrdpmux.geometry import MAX_SIDE
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.input.wheel import WheelClicks
from pyrdpmux.mux.keyboard.keysyms import KeysymKeyboard, keysym_of_character
from pyrdpmux.mux.keyboard.locks import LockLights
from pyrdpmux.mux.keyboard.qnum import KeyNumbers
from pyrdpmux.mux.vnc.hot_keys import HotKeyFilter
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.client_messages import RELATIVE_ORIGIN

BUTTONS: Final = {Button.LEFT: 1, Button.MIDDLE: 2, Button.RIGHT: 4}
WHEEL_UP: Final = 8
WHEEL_DOWN: Final = 16
WHEEL_LEFT: Final = 32
WHEEL_RIGHT: Final = 64

MAX_MOTION: Final = 0x7FFF


class Sender(Protocol):
    """Takes to the server what the client has queued."""

    def flush(self) -> None: ...

    @property
    def is_congested(self) -> bool:
        """The server takes its time: motion that it will have missed anyway can be left out."""


class VncInput:
    """Input goes nowhere while there is no connection."""

    def __init__(self) -> None:
        self._client: RfbClient | None = None
        self._sender: Sender | None = None
        self._forget()

    def _forget(self) -> None:
        """Another connection, another keyboard and pointer."""
        self._is_absolute = True
        self._buttons = 0
        self._position: tuple[int, int] | None = None
        self._wheel = WheelClicks()
        self._numbers = KeyNumbers()
        self._keysyms = KeysymKeyboard()
        self._lights = LockLights()
        self._hot_keys = HotKeyFilter()

    def connect(self, client: RfbClient, sender: Sender) -> None:
        """The handshake is done."""
        self._forget()
        self._client = client
        self._sender = sender

    def disconnect(self) -> None:
        self._client = self._sender = None

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        self._is_absolute = is_absolute
        self._position = None

    def set_lights(self, leds: int) -> None:
        """The guest's lock keys."""
        self._lights.tell(leds)
        self._keysyms.set_locks(leds)

    # -- keyboard ----------------------------------------------------------------------------------

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        number = self._numbers.number_of(scancode, extended=extended, extended1=extended1, down=down)
        if number is not None:
            self._key(number, down)
            self._flush()

    @property
    def takes_characters(self) -> bool:
        """An X server finds a key for any keysym; QEMU has only those of its keymap."""
        return self._client is not None and not self._client.is_qemu

    def unicode(self, code: int, *, down: bool) -> None:
        """As a keysym; nothing, where that would not do."""
        if self._client is not None and self.takes_characters and not 0xD800 <= code < 0xE000:
            self._client.send_key(keysym_of_character(chr(code & 0xFFFF)), down=down)
            self._flush()

    def synchronize(self, toggle_flags: int) -> None:
        for number in self._lights.keys_for(toggle_flags):
            self._key(number, True)
            self._key(number, False)
        self._keysyms.set_locks(toggle_flags)
        self._flush()

    def _key(self, number: int, down: bool) -> None:
        if self._client is None:
            return
        if self._client.has_extended_keys:
            if not self._client.is_qemu or self._hot_keys.passes(number, down=down):
                keysym = self._keysyms.keysym_of(number, down=down)
                self._client.send_extended_key(number, keysym or 0, down=down)
        elif (keysym := self._keysyms.keysym_of(number, down=down)) is not None:
            self._client.send_key(keysym, down=down)

    # -- pointer -----------------------------------------------------------------------------------

    def pointer(self, x: int, y: int) -> None:
        if not self._is_absolute:
            before, self._position = self._position, (x, y)
            if before is not None:
                self.relative(x - before[0], y - before[1])
            return
        position = self._clamp(x, y)
        if position != self._position and not self._is_congested:
            self._position = position
            self._point()
            self._flush()

    def relative(self, dx: int, dy: int) -> None:
        if self._is_absolute:
            x, y = self._position or self._clamp(MAX_SIDE, MAX_SIDE)
            self.pointer(x + dx, y + dy)
        elif not self._is_congested:
            self._point(dx, dy)
            self._flush()

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        """The side buttons have no place in the protocol."""
        bit = BUTTONS.get(button, 0)
        self._buttons = self._buttons | bit if down else self._buttons & ~bit
        if self._is_absolute:
            self._position = self._clamp(x, y)
        self._point()
        self._flush()

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        if self._is_absolute:
            self._position = self._clamp(x, y)
        clicks = self._wheel.turn(rotation, horizontal=horizontal)
        forward, backward = (WHEEL_RIGHT, WHEEL_LEFT) if horizontal else (WHEEL_UP, WHEEL_DOWN)
        for _ in range(abs(clicks)):
            self._point(extra=forward if clicks > 0 else backward)
            self._point()
        self._flush()

    def _point(self, dx: int = 0, dy: int = 0, extra: int = 0) -> None:
        if self._client is None:
            return
        if self._is_absolute:
            x, y = self._position or (0, 0)
        else:
            x, y = (RELATIVE_ORIGIN + max(-MAX_MOTION, min(delta, MAX_MOTION)) for delta in (dx, dy))
        self._client.send_pointer(self._buttons | extra, x, y)

    def _clamp(self, x: int, y: int) -> tuple[int, int]:
        width, height = (self._client.width, self._client.height) if self._client is not None else (1, 1)
        return max(0, min(x, width - 1)), max(0, min(y, height - 1))

    # -- size --------------------------------------------------------------------------------------

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """Ask the server, if it has told of its screens; the protocol knows no scale."""
        if self._client is not None and self._client.can_resize and self._is_sensible(width, height):
            self._client.send_desktop_size(width, height)
            self._flush()

    def _is_sensible(self, width: int, height: int) -> bool:
        return 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE

    # ----------------------------------------------------------------------------------------------

    @property
    def _is_congested(self) -> bool:
        return self._sender is not None and self._sender.is_congested

    def _flush(self) -> None:
        if self._sender is not None:
            self._sender.flush()
