"""Virtual channels in captures: compression, dynamic channels, graphics, and what a gap does to them."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.codec.bulk.packets import compressor
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, PeerError, SequenceError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.capture.channel_reader import ChannelReader
from pyrdpmux.harness.capture.compression import Budget, History
from pyrdpmux.harness.capture.graphics import GraphicsReader
from pyrdpmux.harness.capture.layer import ChannelMessage, DynamicChannelMessage, Layer
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.rdp.channels.dynamic.messages import MessageSender
from pyrdpmux.rdp.channels.dynamic.pdu import Close, CreateRequest, Data, DataFirst
from pyrdpmux.rdp.channels.graphics.drawing import SolidFill
from pyrdpmux.rdp.channels.graphics.frames import FrameAcknowledge, StartFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME, GraphicsCommand
from pyrdpmux.rdp.channels.graphics.pdu import UnknownGraphics, decode_graphics
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader, chunks
from pyrdpmux.rdp.channels.traffic import COMPRESSION_SHIFT
from pyrdpmux.wire import Structure, encode

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
CLIPRDR, DRDYNVC = 1004, 1005
TEXT = b"The quick brown fox jumps over the lazy dog, and the lazy dog jumps over the quick brown fox. " * 60


class Conversation:
    """What a reader makes of PDUs on two static channels."""

    def __init__(self, budget: int = 1 << 24) -> None:
        shared = Budget(budget)
        self.reader = ChannelReader({direction: History(shared) for direction in Direction}, shared)
        self.reader.names = {CLIPRDR: "cliprdr", DRDYNVC: "drdynvc"}

    def layers(self, direction: Direction, channel_id: int, pdu: ChannelPdu) -> list[Layer]:
        layers: list[Layer] = []
        self.reader.read(direction, channel_id, encode(pdu), layers)
        assert all(layer.data == layer.encoded for layer in layers)
        return layers

    def says(self, direction: Direction, channel_id: int, pdu: ChannelPdu) -> list[object]:
        """The innermost values."""
        return [layer.value for layer in self.layers(direction, channel_id, pdu) if layer.is_innermost]

    def dynamic(self, direction: Direction, pdu: Structure) -> list[object]:
        found: list[object] = []
        for chunk in chunks(encode(pdu)):
            found = self.says(direction, DRDYNVC, chunk)
        return found


# -- static ------------------------------------------------------------------------------------------


def compressed(message: bytes, kind: CompressionType, size: int = 1600) -> list[ChannelPdu]:
    """``message`` as its sender's chunks, each compressed with the history of those before."""
    history = compressor(kind)
    found = []
    for chunk in chunks(message, size):
        packed = history.compress(chunk.data)
        flags = ChannelFlags(chunk.header.flags | packed.flags << COMPRESSION_SHIFT)
        found.append(ChannelPdu(ChannelPduHeader(chunk.header.length, flags), packed.data))
    return found


@pytest.mark.parametrize("kind", list(CompressionType))
@pytest.mark.parametrize("direction", list(Direction))
def test_compressed_chunks_become_the_message(kind: CompressionType, direction: Direction) -> None:
    talk = Conversation()
    pdus = compressed(TEXT, kind)
    assert any(pdu.is_compressed for pdu in pdus)
    assert len(pdus) > 3
    for pdu in pdus[:-1]:
        assert talk.says(direction, CLIPRDR, pdu) == [pdu]
    assert talk.says(direction, CLIPRDR, pdus[-1]) == [ChannelMessage("cliprdr", TEXT)]


def test_two_channels_share_one_history() -> None:
    """MS-RDPBCGR 3.1.8.3 keeps a history a direction, whatever PDUs it compresses."""
    history, talk = compressor(CompressionType.K64), Conversation()
    for channel_id, name in ((CLIPRDR, "cliprdr"), (1006, "channel 1006")):
        packed = history.compress(TEXT[:1000])
        header = ChannelPduHeader(1000, ChannelFlags(3 | packed.flags << COMPRESSION_SHIFT))
        found = talk.says(SERVER, channel_id, ChannelPdu(header, packed.data))
        assert found == [ChannelMessage(name, TEXT[:1000])]


def test_behind_a_gap_the_history_is_given_up_until_it_is_flushed() -> None:
    talk = Conversation()
    first, *_, last = compressed(TEXT, CompressionType.K8)
    talk.says(SERVER, CLIPRDR, first)
    talk.reader.lose(SERVER)
    talk.reader._histories[SERVER].lose()
    with pytest.raises(DecodeError, match="not known behind what is missing"):
        talk.says(SERVER, CLIPRDR, last)
    # A new history begins with a flush; the other direction has never been lost.
    fresh = compressed(TEXT[:1000], CompressionType.K8)
    assert talk.says(CLIENT, CLIPRDR, fresh[0]) == [ChannelMessage("cliprdr", TEXT[:1000])]
    flushed = ChannelFlags(fresh[0].header.flags | ChannelFlags.PACKET_FLUSHED)
    again = ChannelPdu(ChannelPduHeader(1000, flushed), fresh[0].data)
    assert talk.says(SERVER, CLIPRDR, again) == [ChannelMessage("cliprdr", TEXT[:1000])]


def test_behind_a_gap_a_message_begins_with_its_first_chunk() -> None:
    talk = Conversation()
    first, second, *_, last = chunks(TEXT)
    talk.says(SERVER, CLIPRDR, first)
    talk.reader.lose(SERVER)
    assert talk.says(SERVER, CLIPRDR, second) == [second]
    assert talk.says(SERVER, CLIPRDR, last) == [last]
    (whole,) = chunks(b"whole")
    assert talk.says(SERVER, CLIPRDR, whole) == [ChannelMessage("cliprdr", b"whole")]


def test_chunks_that_do_not_fit_cost_their_message() -> None:
    talk = Conversation()
    first, *_, last = chunks(TEXT)
    talk.says(SERVER, CLIPRDR, first)
    with pytest.raises(SequenceError):
        talk.says(SERVER, CLIPRDR, first)
    assert talk.says(SERVER, CLIPRDR, last) == [last]
    (whole,) = chunks(b"whole")
    assert talk.says(SERVER, CLIPRDR, whole) == [ChannelMessage("cliprdr", b"whole")]


def test_decompressed_data_has_a_budget() -> None:
    talk = Conversation(budget=2000)
    first, second, *_ = compressed(TEXT, CompressionType.K64)
    talk.says(SERVER, CLIPRDR, first)
    with pytest.raises(LimitExceeded, match="MAXIMUM_EXPANDED_SIZE: 3200, at most 2000"):
        talk.says(SERVER, CLIPRDR, second)


# -- dynamic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compresses", [False, True])
@pytest.mark.parametrize("size", [0, 7, 1590, 1591, 5000])
def test_a_message_of_a_dynamic_channel_has_its_name(compresses: bool, size: int) -> None:
    talk = Conversation()
    assert talk.dynamic(SERVER, CreateRequest(3, "ECHO")) == [CreateRequest(3, "ECHO")]
    pdus = list(MessageSender(3, compresses=compresses).pdus(TEXT[:size]))
    assert (len(pdus) > 1) == (size == 5000)
    for direction in Direction:
        for pdu in pdus[:-1]:
            assert talk.dynamic(direction, pdu) == [pdu]
        assert talk.dynamic(direction, pdus[-1]) == [DynamicChannelMessage("ECHO", 3, TEXT[:size])]


def test_all_layers_of_a_dynamic_message() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(3, "ECHO"))
    (chunk,) = chunks(encode(Data(3, b"hello")))
    layers = talk.layers(CLIENT, DRDYNVC, chunk)
    assert [layer.value for layer in layers] == [
        chunk,
        ChannelMessage("drdynvc", chunk.data),
        Data(3, b"hello"),
        DynamicChannelMessage("ECHO", 3, b"hello"),
    ]
    assert [layer.is_innermost for layer in layers] == [False, False, False, True]


def test_a_channel_whose_creation_was_not_captured_has_a_number() -> None:
    talk = Conversation()
    assert talk.dynamic(SERVER, Data(9, b"hi")) == [DynamicChannelMessage("channel 9", 9, b"hi")]


def test_a_closed_channel_leaves_its_number_to_another() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(3, "ONE"))
    talk.dynamic(SERVER, DataFirst(3, 5000, TEXT[:1500]))
    assert talk.dynamic(CLIENT, Close(3)) == [Close(3)]
    talk.dynamic(SERVER, CreateRequest(3, "TWO"))
    assert talk.dynamic(SERVER, Data(3, b"hi")) == [DynamicChannelMessage("TWO", 3, b"hi")]


def test_behind_a_gap_no_block_is_taken_for_a_message() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(3, "ECHO"))
    first, second, *_, last = MessageSender(3).pdus(TEXT)
    talk.dynamic(SERVER, first)
    talk.reader.lose(SERVER)
    assert talk.dynamic(SERVER, second) == [second]
    assert talk.dynamic(SERVER, last) == [last]
    assert talk.dynamic(SERVER, Data(3, b"hi")) == [DynamicChannelMessage("ECHO", 3, b"hi")]


def test_behind_a_gap_a_first_block_begins_a_message() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(3, "ECHO"))
    talk.reader.lose(SERVER)
    *blocks, last = MessageSender(3).pdus(TEXT)
    for block in blocks:
        talk.dynamic(SERVER, block)
    assert talk.dynamic(SERVER, last) == [DynamicChannelMessage("ECHO", 3, TEXT)]


def test_only_so_many_channels_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.channel_reader.MAXIMUM_DYNAMIC_CHANNELS", 2)
    talk = Conversation()
    for number in (1, 2, 2, 1):
        talk.dynamic(SERVER, CreateRequest(number, "X"))
    with pytest.raises(LimitExceeded, match="MAXIMUM_DYNAMIC_CHANNELS: 3, at most 2"):
        talk.dynamic(SERVER, CreateRequest(3, "X"))


# -- graphics ----------------------------------------------------------------------------------------

START = StartFrame(0)
FILL = SolidFill(1, 0x44332211, (Rect(0, 0, 16, 16),))
UNKNOWN = UnknownGraphics(GraphicsCommand(0x77), b"", 3)


def test_a_graphics_message_is_its_pdus() -> None:
    talk, zgfx = Conversation(), ZgfxCompressor()
    talk.dynamic(SERVER, CreateRequest(6, CHANNEL_NAME))
    for _ in range(3):
        plain = encode(START) + encode(FILL) * 200 + encode(UNKNOWN)
        *blocks, last = MessageSender(6).pdus(zgfx.compress(plain))
        for block in blocks:
            talk.dynamic(SERVER, block)
        assert talk.dynamic(SERVER, last) == [START, *[FILL] * 200, UNKNOWN]


def test_what_the_client_says_of_graphics_is_not_compressed() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(6, CHANNEL_NAME))
    ack = FrameAcknowledge(0, 0, 0)
    assert talk.dynamic(CLIENT, Data(6, encode(ack) * 2)) == [ack, ack]


def test_behind_a_gap_only_what_is_not_compressed_is_read() -> None:
    talk, zgfx = Conversation(), ZgfxCompressor()
    talk.dynamic(SERVER, CreateRequest(6, CHANNEL_NAME))
    message = zgfx.compress(encode(FILL) * 50)
    talk.reader.lose(SERVER)
    talk.dynamic(SERVER, Data(6, b"the end of a message"))
    with pytest.raises(DecodeError, match="not known behind what is missing"):
        talk.dynamic(SERVER, Data(6, message))
    assert talk.dynamic(SERVER, Data(6, b"\xe0\x04" + encode(START))) == [START]


def test_graphics_that_do_not_parse_cost_their_message() -> None:
    talk = Conversation()
    talk.dynamic(SERVER, CreateRequest(6, CHANNEL_NAME))
    with pytest.raises(DecodeError, match=r"pdu\[1\].header.pduLength: 7, at least 8 expected"):
        talk.dynamic(CLIENT, Data(6, encode(START) + b"\x0b\0\0\0\7\0\0\0"))
    assert talk.dynamic(CLIENT, Data(6, encode(START))) == [START]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_garbage_in_graphics_raises_decode_errors_only(data: bytes) -> None:
    graphics = GraphicsReader()
    for _ in range(2):
        with contextlib.suppress(DecodeError):
            decode_graphics(graphics.decompress(data))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Direction),
            st.sampled_from([CLIPRDR, DRDYNVC]),
            st.sampled_from([b"", b"\x05\0\0\0\3\0\0\0", b"\x09\0\0\0\3\0\x20\0", b"\xff\xff\0\0\1\0\0\0"]),
            st.binary(max_size=30),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_garbage_in_channels_raises_peer_errors_only(
    pdus: list[tuple[Direction, int, bytes, bytes, bool]],
) -> None:
    talk = Conversation()
    with contextlib.suppress(PeerError):
        talk.dynamic(SERVER, CreateRequest(0, CHANNEL_NAME))
    for direction, channel_id, header, body, is_torn in pdus:
        if is_torn:
            talk.reader.lose(direction)
        with contextlib.suppress(PeerError):
            talk.reader.read(direction, channel_id, header + body, [])
