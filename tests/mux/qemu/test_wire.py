"""D-Bus values against bytes written down from the marshalling rules, and against dbus-fast."""

from typing import Any

import pytest
from dbus_fast.signature import Variant as TheirVariant
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.mux.qemu.wire import (
    MAX_DEPTH,
    Variant,
    plain,
    read_body,
    split_signature,
    write_body,
)

ROWS: list[tuple[str, tuple[Any, ...], str]] = [
    ("y", (7,), "07"),
    ("b", (True,), "01000000"),
    ("yn", (1, -2), "01 00 feff"),
    ("yq", (1, 2), "01 00 0200"),
    ("yu", (1, 2), "01 000000 02000000"),
    ("i", (-1,), "ffffffff"),
    ("yt", (1, 2), "01 00000000000000 0200000000000000"),
    ("d", (bytes(range(8)),), "0001020304050607"),
    ("s", ("hé",), "03000000 68c3a9 00"),
    ("ys", (1, ""), "01 000000 00000000 00"),
    ("o", ("/a",), "02000000 2f61 00"),
    ("g", ("ay",), "02 6179 00"),
    ("h", (0,), "00000000"),
    ("ay", (b"abc",), "03000000 616263"),
    ("au", ([1, 2],), "08000000 01000000 02000000"),
    ("at", ([],), "00000000 00000000"),  # the padding is there even without an element
    ("at", ([1],), "08000000 00000000 0100000000000000"),  # and is not counted
    ("as", (["a", "b"],), "0e000000 01000000 6100 0000 01000000 6200"),
    ("(yu)", ((1, 2),), "01 000000 02000000"),
    ("v", (Variant("u", 5),), "01 7500 00 05000000"),
    ("a{sv}", ({"A": Variant("b", True)},), "10000000 00000000 01000000 4100 01 6200 000000 01000000"),
]


@pytest.mark.parametrize(("signature", "values", "data"), ROWS)
def test_values(signature: str, values: tuple[Any, ...], data: str) -> None:
    assert write_body(signature, values) == bytes.fromhex(data)
    assert read_body(signature, bytes.fromhex(data)) == values


@pytest.mark.parametrize(
    ("signature", "types"),
    [("", []), ("ua{sv}as", ["u", "a{sv}", "as"]), ("(ii)aay", ["(ii)", "aay"]), ("a(yv)", ["a(yv)"])],
)
def test_signatures(signature: str, types: list[str]) -> None:
    assert split_signature(signature) == types


@pytest.mark.parametrize(
    "signature", ["a", "(", "()", "(i", "{sv", "a{s}", "a{sss}", "z", "i)", "a" * 20 + "y", "y" * 256]
)
def test_bad_signatures(signature: str) -> None:
    with pytest.raises(ValueError):
        split_signature(signature)
    with pytest.raises(DecodeError):
        read_body(signature, bytes(64))


@pytest.mark.parametrize(
    ("signature", "data"),
    [
        ("u", "010000"),
        ("u", "0100000000"),
        ("s", "ffffffff 00"),
        ("s", "01000000 ff 00"),
        ("ay", "ffffff7f"),
        ("au", "03000000 000000"),
        ("v", "02 7575 00 0000000000000000"),
        ("v", "00 00"),
        ("v", "01 61 00"),
        ("a{vv}", "18000000 00000000 02 6179 00 00000000 0000000000000000 01 79 00 05"),
    ],
)
def test_bad_values(signature: str, data: str) -> None:
    with pytest.raises(DecodeError):
        read_body(signature, bytes.fromhex(data))


def test_variants_in_variants_end_somewhere() -> None:
    with pytest.raises(DecodeError):
        read_body("v", b"\x01v\0" * (MAX_DEPTH + 2) + b"\x01y\0\x01")


def test_plain() -> None:
    assert plain(Variant("u", 5)) == plain(5) == 5


@given(st.text(alphabet="ybnqiuxtdsogvah(){}", max_size=6), st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_garbage_is_an_error_or_survives(signature: str, data: bytes) -> None:
    try:
        values = read_body(signature, data)
    except DecodeError:
        return
    assert read_body(signature, write_body(signature, values)) == values


def test_dbus_fast_reads_the_same() -> None:
    """A whole message through the other implementation."""
    from dbus_fast import Message as TheirMessage

    from pyrdpmux.mux.qemu.message import decode_message

    body = [7, "x", {"A": TheirVariant("au", [1, 2])}, [[b"ab", -1]], b"\0\1"]
    theirs = TheirMessage(
        destination="org.qemu",
        path="/org/qemu/Display1/VM",
        interface="org.freedesktop.DBus.Properties",
        member="GetAll",
        signature="ysa{sv}a(ayi)ay",
        body=body,
        serial=9,
    )
    ours = decode_message(bytes(theirs._marshall(False)))
    assert ours.header.path == "/org/qemu/Display1/VM"
    assert ours.header.destination == "org.qemu"
    assert ours.serial == 9
    assert ours.body == (7, "x", {"A": Variant("au", [1, 2])}, [(b"ab", -1)], b"\0\1")
