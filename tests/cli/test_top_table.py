from typing import Any

import pytest

from pyrdpmux.cli.top_rates import rates_between
from pyrdpmux.cli.top_table import Style, codec_label, table
from tests.cli.snapshots import AFTER, BEFORE, snapshot, viewer, vm

TABLE = """\
pyrdpmux: 2 VMs, 1 viewer; CPU 30%: loop 7%, 2 threads 20%
VM, VIEWER              FPS KBIT/S    MS  RTT QUEUE   CPU CODEC
build7 1920x1080       29.8   4000   5.0              27% 1 stream
  alice 10.0.0.7       29.8   4000       12.0   3.0    2% EGFX 10.7 AVC420
  ms a frame: find 2.0, text 1.0
mail 1920x1080            0      0     -               0% paused"""


def shown(*vms: dict[str, object], columns: int = 80) -> list[str]:
    return [line.text for line in table(rates_between(None, snapshot(1.0, *vms)), columns)]


def test_vms_viewers_and_what_frames_take() -> None:
    lines = table(rates_between(BEFORE, AFTER), 80)
    assert "\n".join([line.text.rstrip() for line in lines]) == TABLE
    assert [line.style for line in lines] == [
        Style.PLAIN,
        Style.HEAD,
        Style.VM,
        Style.PLAIN,
        Style.STEPS,
        Style.VM,
    ]


def test_what_is_not_known_yet() -> None:
    assert shown(vm())[0] == "pyrdpmux: 1 VM, 0 viewers; CPU -: loop -, 2 threads -"
    assert shown(vm())[2].split() == ["build7", "1920x1080", "0", "0", "-", "-", "not", "watched"]
    assert shown()[2:] == ["no VMs"]


def test_a_viewer_that_waits_stands_out() -> None:
    lines = table(rates_between(None, snapshot(1.0, vm(viewers=[viewer(lag=0.5), viewer("bob")]))), 80)
    assert [line.style for line in lines[3:]] == [Style.LATE, Style.PLAIN]


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    wide = vm("漢" * 90, viewers=[viewer("x" * 300, codecs=["y" * 90], sent_bits_per_second=9e12)])
    lines = shown(wide, columns=columns)
    assert max(len(line) + line.count("漢") for line in lines) <= columns
    assert columns < 80 or lines[2].count("漢") == (columns - 60) // 2


def test_a_wide_terminal_has_room_for_names() -> None:
    name = "a-name-of-forty-characters-that-is-wanted"
    assert name in shown(vm(name), columns=120)[2]
    assert name not in shown(vm(name))[2]


def test_what_there_is_no_room_for_is_counted() -> None:
    rates = rates_between(None, snapshot(1.0, *[vm(f"vm{number}") for number in range(10)]))
    lines = [line.text for line in table(rates, 80, rows=6)]
    assert len(lines) == 6
    assert lines[-1] == "... 7 more lines"
    assert len(table(rates, 80, rows=12)) == 12


def test_names_are_safe_to_look_at() -> None:
    lines = shown(vm("a\x1b[2J\u202eb", viewers=[viewer("e\x07\nf", codecs=["\x1b]0;"])]))
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert "a\\x1b[2J" in lines[2]


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({}, "EGFX 10.7 AVC420"),
        ({"codecs": []}, "EGFX 10.7"),
        ({"way": "bitmaps", "codecs": ["planar"]}, "bitmaps planar"),
        ({"way": "surface", "codecs": ["RemoteFX", "planar"]}, "surface RemoteFX"),
        ({"is_minimized": True}, "minimized"),
        ({"way": None}, "no picture yet"),
        ({"way": None, "is_active": False}, "connecting"),
    ],
)
def test_how_a_viewer_is_drawn_to(fields: dict[str, Any], label: str) -> None:
    [found] = rates_between(None, snapshot(1.0, vm(viewers=[viewer(**fields)]))).vms[0].viewers
    assert codec_label(found) == label
