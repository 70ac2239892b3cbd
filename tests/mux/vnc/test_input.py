"""Input in the terms of RFB."""

from typing import Any

import pytest

from pyrdpmux.mux.backend import Button, InputSink, ResizeSink
from pyrdpmux.mux.vnc.hot_keys import HotKeyFilter
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.encodings import Encoding
from tests.rfb.encoders import rectangle, update
from tests.rfb.scripted import connected_client, events_of


class Bench:
    """A sink, and what its server is told, as short texts."""

    def __init__(
        self, *, has_extended_keys: bool = True, is_absolute: bool = True, name: bytes = b"QEMU (vm)"
    ) -> None:
        self.client: RfbClient = connected_client(640, 480, name)
        if has_extended_keys:
            events_of(self.client, update(rectangle(Encoding.QEMU_EXTENDED_KEY_EVENT, b"")))
        self.input = VncInput()
        self.is_congested = False
        self.told: list[str] = []
        self.input.connect(self.client, self)
        self.input.set_pointer_mode(is_absolute=is_absolute)

    def flush(self) -> None:
        data = self.client.data_to_send()
        while data:
            kind = data[0]
            size = {4: 8, 5: 6, 255: 12}[kind]
            message, data = data[:size], data[size:]
            if kind == 5:
                x, y = message[2] << 8 | message[3], message[4] << 8 | message[5]
                self.told.append(f"{message[1]} {x},{y}")
            elif kind == 4:
                self.told.append(f"{message[4:].hex().lstrip('0')} {['up', 'down'][message[1]]}")
            else:
                self.told.append(f"{message[11]:02x} {['up', 'down'][message[3]]}")

    def take(self) -> list[str]:
        told, self.told = self.told, []
        return told

    def key(self, code: int, down: bool = True, **prefix: bool) -> None:
        flags = {"extended": False, "extended1": False, **prefix}
        self.input.key(code, down=down, **flags)

    def tap(self, code: int, **prefix: bool) -> None:
        self.key(code, True, **prefix)
        self.key(code, False, **prefix)


def test_it_is_a_sink() -> None:
    assert isinstance(VncInput(), InputSink)
    assert isinstance(VncInput(), ResizeSink)


def test_without_a_server_input_goes_nowhere() -> None:
    bench = Bench()
    bench.input.disconnect()
    bench.tap(0x1E)
    bench.input.pointer(1, 2)
    bench.input.button(Button.LEFT, down=True, x=1, y=2)
    bench.input.wheel(120, horizontal=False, x=1, y=2)
    bench.input.relative(1, 2)
    bench.input.unicode(0x61, down=True)
    bench.input.synchronize(7)
    bench.input.request_size(640, 480)
    assert bench.take() == []


def test_scancodes_go_as_they_are() -> None:
    bench = Bench()
    bench.tap(0x1E)
    bench.tap(0x48, extended=True)
    bench.tap(0x70)
    assert bench.take() == ["1e down", "1e up", "c8 down", "c8 up", "70 down", "70 up"]


def test_pause_is_one_key() -> None:
    bench = Bench()
    for down in (True, False):
        bench.key(0x1D, down, extended1=True)
        bench.key(0x45, down)
    bench.tap(0x45)
    assert bench.take() == ["c6 down", "c6 up", "45 down", "45 up"]


def test_console_hot_keys_stay_with_us() -> None:
    bench = Bench()
    bench.key(0x1D)
    bench.key(0x38)
    bench.tap(0x03)
    bench.tap(0x0B)  # 0 is none of QEMU's
    bench.tap(0x53, extended=True)  # Ctrl+Alt+Del
    assert bench.take() == ["1d down", "38 down", "0b down", "0b up", "d3 down", "d3 up"]
    bench.key(0x38, False)
    bench.tap(0x03)
    assert bench.take() == ["38 up", "03 down", "03 up"]


def test_alt_gr_types_digits_characters() -> None:
    """Windows sends AltGr as left Ctrl and right Alt."""
    bench = Bench()
    bench.key(0x1D)
    bench.key(0x38, extended=True)
    bench.tap(0x08)
    assert bench.take() == ["1d down", "b8 down", "08 down", "08 up"]


def test_a_digit_that_was_down_before_comes_up() -> None:
    keys = HotKeyFilter()
    assert keys.passes(0x02, down=True)
    assert keys.passes(0x9D, down=True)
    assert keys.passes(0x38, down=True)
    assert keys.passes(0x02, down=False)
    assert not keys.passes(0x02, down=True)
    assert keys.passes(0x38, down=False)
    assert not keys.passes(0x02, down=True)  # the same key, repeating itself
    assert not keys.passes(0x02, down=False)
    assert keys.passes(0x02, down=True)


def test_keysyms_for_servers_without_scancodes() -> None:
    bench = Bench(has_extended_keys=False, name=b"x11")
    bench.tap(0x1E)
    bench.key(0x2A)
    bench.key(0x1E)
    bench.key(0x2A, False)
    bench.key(0x1E, False)
    assert bench.take() == ["61 down", "61 up", "ffe1 down", "41 down", "ffe1 up", "41 up"]
    bench.input.unicode(0x20AC, down=True)
    bench.input.unicode(0x20AC, down=False)
    assert bench.take() == ["10020ac down", "10020ac up"]


def test_qemu_is_typed_at_by_others() -> None:
    bench = Bench()
    assert not bench.input.takes_characters
    bench.input.unicode(0x61, down=True)
    assert bench.take() == []


def test_x_servers_with_scancodes_take_characters_too() -> None:
    """TigerVNC; and its Ctrl+Alt+2 is whatever runs there's own."""
    bench = Bench(name=b"host:1 (user)")
    assert bench.input.takes_characters
    bench.input.unicode(0x20AC, down=True)
    assert bench.take() == ["10020ac down"]
    bench.key(0x1D)
    bench.key(0x38)
    bench.tap(0x03)
    assert bench.take() == ["1d down", "38 down", "03 down", "03 up"]


def test_locks_are_brought_together() -> None:
    bench = Bench()
    bench.input.synchronize(7)
    assert bench.take() == []  # nobody knows the guest's
    bench.input.set_lights(2)
    bench.input.synchronize(6)
    bench.input.synchronize(6)
    assert bench.take() == ["3a down", "3a up"]
    bench.input.set_lights(0)
    bench.input.synchronize(2)
    assert bench.take() == ["45 down", "45 up"]


def test_pointer_and_buttons() -> None:
    bench = Bench()
    bench.input.pointer(10, 20)
    bench.input.pointer(10, 20)
    bench.input.button(Button.LEFT, down=True, x=11, y=20)
    bench.input.pointer(700, -5)
    bench.input.button(Button.RIGHT, down=True, x=639, y=0)
    bench.input.button(Button.LEFT, down=False, x=639, y=0)
    bench.input.button(Button.MIDDLE, down=True, x=639, y=0)
    bench.input.button(Button.X1, down=True, x=639, y=0)
    assert bench.take() == [
        "0 10,20",
        "1 11,20",
        "1 639,0",
        "5 639,0",
        "4 639,0",
        "6 639,0",
        "6 639,0",
    ]


def test_the_wheel() -> None:
    bench = Bench()
    bench.input.wheel(120, horizontal=False, x=5, y=6)
    assert bench.take() == ["8 5,6", "0 5,6"]
    bench.input.wheel(-60, horizontal=False, x=5, y=6)
    assert bench.take() == []
    bench.input.wheel(-60, horizontal=False, x=5, y=6)
    assert bench.take() == ["16 5,6", "0 5,6"]
    bench.input.wheel(-240, horizontal=True, x=5, y=6)
    assert bench.take() == ["32 5,6", "0 5,6"] * 2
    bench.input.wheel(120 * 1000, horizontal=True, x=5, y=6)
    assert len(bench.take()) == 16


def test_relative_motion() -> None:
    bench = Bench(is_absolute=False)
    bench.input.relative(3, -4)
    bench.input.button(Button.LEFT, down=True, x=100, y=100)
    bench.input.wheel(120, horizontal=False, x=9, y=9)
    bench.input.relative(100_000, -100_000)
    assert bench.take() == [
        "0 32770,32763",
        "1 32767,32767",
        "9 32767,32767",
        "1 32767,32767",
        "1 65534,0",
    ]
    bench.input.pointer(50, 50)
    bench.input.pointer(52, 47)
    assert bench.take() == ["1 32769,32764"]


def test_motion_where_the_server_wants_positions() -> None:
    bench = Bench()
    bench.input.pointer(100, 100)
    bench.input.relative(5, -5)
    bench.input.relative(-1000, 0)
    assert bench.take() == ["0 100,100", "0 105,95", "0 0,95"]


def test_motion_is_left_out_while_the_server_is_slow() -> None:
    bench = Bench()
    bench.is_congested = True
    bench.input.pointer(1, 1)
    bench.input.button(Button.LEFT, down=True, x=2, y=2)
    bench.is_congested = False
    bench.input.pointer(3, 3)
    assert bench.take() == ["1 2,2", "1 3,3"]


@pytest.mark.parametrize("code", [0, 0x80, 0xFF, 0x64, 0x76])
def test_codes_that_are_no_keys(code: int) -> None:
    bench = Bench()
    bench.tap(code)
    assert bench.take() == []


def test_another_connection_knows_nothing_of_the_one_before() -> None:
    bench = Bench()
    bench.input.button(Button.LEFT, down=True, x=1, y=1)
    bench.take()
    client: Any = bench.client
    bench.input.connect(client, bench)
    bench.input.pointer(1, 1)
    assert bench.take() == ["0 1,1"]
