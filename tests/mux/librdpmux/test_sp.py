"""nanomsg's framing, cut anywhere. Bytes as captured: librdpmux-protocol.md 3.1 and 4.5."""

from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import PeerError
from pyrdpmux.mux.librdpmux.messages import MAX_MESSAGE
from pyrdpmux.mux.librdpmux.sp import GREETING, SpStream, frame
from tests.rows import unhex


def test_the_bytes_are_nanomsgs() -> None:
    assert unhex("00 53 50 00 00 10 00 00") == GREETING
    body = unhex("9401ce20020888cd0320cd0258") + bytes(11)
    assert frame(body) == unhex("01 0000000000000018") + body


@given(st.lists(st.binary(max_size=40), max_size=12), st.lists(st.integers(1, 30)), st.integers(1, 5))
def test_messages_come_whole_however_cut(messages: list[bytes], cuts: list[int], limit: int) -> None:
    data = GREETING + b"".join(map(frame, messages))
    stream, taken = SpStream(), []
    for size in (*cuts, len(data)):
        stream.feed(data[:size])
        data = data[size:]
        while found := stream.take(limit):
            assert len(found) <= limit
            taken += found
        assert not stream.has_message
    assert taken == messages
    assert stream.is_introduced


@given(st.binary(max_size=60), st.booleans())
def test_nothing_else_is_raised(data: bytes, is_introduced: bool) -> None:
    stream = SpStream()
    try:
        stream.feed(GREETING * is_introduced + data)
        messages = stream.take(9)
    except PeerError:
        return
    assert all(len(message) <= MAX_MESSAGE for message in messages)
