"""Updates compressed apart from their sending: what is packed, with which history, and what is lost."""

import pytest

from pyrdpmux.codec.bulk.packet import Compressed, CompressionType, PacketFlags
from pyrdpmux.codec.bulk.packets import PacketDecompressor
from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.connection.server.packing import PackedUpdates, UpdatePacker, with_packet
from pyrdpmux.rdp.fastpath.fragment import MAX_FRAGMENT_SIZE
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, Fragmentation, UpdateCode, encode_update
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate

TEXT = b"what comes again and again, " * 30
FLUSHED = PacketFlags.FLUSHED


def update(data: bytes = TEXT) -> BitmapUpdate:
    return BitmapUpdate((BitmapData(0, 0, 9, 9, 10, 10, 32, BitmapFlags(0), data),))


class Client:
    """Reads what was sent, as its history says."""

    def __init__(self) -> None:
        self._decompressor = PacketDecompressor()

    def read(self, packed: PackedUpdates) -> bytes:
        parts = [
            self._decompressor.decompress(item.compression_flags or 0, item.data) for item in packed.updates
        ]
        return b"".join(parts)


@pytest.mark.parametrize("offered", list(CompressionType))
def test_the_client_reads_what_was_packed(offered: CompressionType) -> None:
    packer, client = UpdatePacker(offered), Client()
    for bodies in ([update()], [update(), update(TEXT[:100])], [], [update(b"x")]):
        packed = packer.pack(bodies, None)
        assert packer.sent(packed)
        plain = [encode_update(body).data for body in bodies]
        assert client.read(packed) == b"".join(plain)
        assert packed.plain_size == sum(map(len, plain))
        assert packed.size == sum(len(item.data) for item in packed.updates)
        types = {item.compression_flags & 0x0F for item in packed.updates if item.compression_flags}
        assert types <= {min(offered, CompressionType.K64)}


def test_the_second_time_it_is_short() -> None:
    packer = UpdatePacker(CompressionType.RDP61)
    sizes = []
    for _ in range(2):
        packed = packer.pack([update()], None)
        assert packer.sent(packed)
        sizes.append(packed.size)
    assert sizes[1] < 30 < sizes[0]


def test_each_fragment_is_packed() -> None:
    packer, client = UpdatePacker(CompressionType.K64), Client()
    body = update(TEXT * 40)
    packed = packer.pack([body], 65536)
    assert [item.fragmentation for item in packed.updates] == [
        Fragmentation.FIRST,
        Fragmentation.NEXT,
        Fragmentation.LAST,
    ]
    assert all(item.is_compressed for item in packed.updates)
    assert client.read(packed) == encode_update(body).data


def test_what_the_client_does_not_take() -> None:
    with pytest.raises(EncodeError, match=f"at most {MAX_FRAGMENT_SIZE}"):
        UpdatePacker(CompressionType.K64).pack([update(bytes(20_000))], None)


def test_what_is_too_large_for_the_history_goes_as_it_is() -> None:
    packer, client = UpdatePacker(CompressionType.K8), Client()
    bodies = [update(), update(TEXT * 12), update()]
    packed = packer.pack(bodies, None)
    assert [item.is_compressed for item in packed.updates] == [True, False, True]
    assert client.read(packed) == b"".join([encode_update(body).data for body in bodies])


def test_what_was_packed_and_not_sent_is_forgotten() -> None:
    """The next update refers to nothing in it: its client would not have that."""
    packer, client = UpdatePacker(CompressionType.K64), Client()
    first = packer.pack([update()], None)
    assert packer.sent(first)
    client.read(first)
    lost, sent = packer.pack([update(TEXT[3:])], None), packer.pack([update(TEXT[3:])], None)
    assert not packer.sent(lost)
    assert packer.sent(sent)
    assert (sent.updates[0].compression_flags or 0) & FLUSHED
    assert client.read(sent) == encode_update(update(TEXT[3:])).data
    after = packer.pack([update(TEXT[3:])], None)
    assert not (after.updates[0].compression_flags or 0) & FLUSHED
    assert after.size < 30


def test_an_update_and_its_packet() -> None:
    plain = FastPathUpdate(UpdateCode.BITMAP, b"data")
    assert with_packet(plain, Compressed(1, b"data")) is plain
    packed = with_packet(plain, Compressed(0x21, b"d"))
    assert (packed.data, packed.compression_flags, packed.is_compressed) == (b"d", 0x21, True)
    told = with_packet(plain, Compressed(0x81, b"data"))
    assert (told.data, told.compression_flags, told.is_compressed) == (b"data", 0x81, False)
