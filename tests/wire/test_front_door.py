"""What a program gets from ``pyrdpmux.wire``: these names stay."""

from pyrdpmux import wire

NAMES = {
    "decode",
    "encode",
    "Structure",
    "Reader",
    "Writer",
    "Block",
    "OpenIntEnum",
    "OpenIntFlag",
    "Secret",
    "Payload",
    "frame_offset",
}


def test_public_names() -> None:
    assert set(wire.__all__) == NAMES
    assert all(hasattr(wire, name) for name in NAMES)
