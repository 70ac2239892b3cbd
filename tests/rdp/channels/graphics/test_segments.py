"""Messages of the server that are not compressed."""

import pytest

from pyrdpmux.codec.bulk.zgfx import ZgfxDecompressor
from pyrdpmux.rdp.channels.graphics.segments import segmented


def test_a_short_message_is_a_single_segment() -> None:
    assert segmented(b"hello") == b"\xe0\x04hello"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 200_000])
def test_a_client_decompresses_it(size: int) -> None:
    data = bytes([at % 251 for at in range(size)])
    message = segmented(data)
    assert message[0] == (0xE0 if size <= 65535 else 0xE1)
    assert ZgfxDecompressor().decompress(message) == data
