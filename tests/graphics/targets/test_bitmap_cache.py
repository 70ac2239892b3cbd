import pytest

from pyrdpmux.codec.bitmap import EncodedBitmap
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.bitmap_cache import MAX_SLOTS, BitmapCache, CacheFormat
from pyrdpmux.graphics.targets.bitmap_tiles import BitmapFormat
from pyrdpmux.rdp.connection.output_format import BitmapCacheCells
from pyrdpmux.rdp.pdu.orders.primary import MemBlt
from pyrdpmux.rdp.pdu.orders.secondary import WAITING_LIST_INDEX
from pyrdpmux.rdp.pdu.orders.stream import encode_orders
from pyrdpmux.rdp.pdu.update import COMPRESSED_HEADER_SIZE
from tests.graphics.bitmap_session import CELLS, output_format

TILE = EncodedBitmap(64, 64, 32, True, b"0123")


def cache() -> BitmapCache:
    output = output_format(640, 480)
    return BitmapCache(CacheFormat.of(output), BitmapFormat.of(output))


def test_slots_are_entries_that_take_a_tile() -> None:
    format = CacheFormat.of(output_format(640, 480))
    assert format.slots == 40 + 30
    assert [format.place(slot) for slot in (1, 40, 41, 70)] == [(2, 0), (2, 39), (3, 0), (3, 29)]


def test_no_cache_has_no_slots() -> None:
    assert CacheFormat.of(output_format(640, 480, has_orders=False)).slots == 0
    assert CacheFormat.of(output_format(640, 480, cells=CELLS[:2])).slots == 0


def test_a_client_may_claim_any_number_of_entries() -> None:
    huge = BitmapCacheCells(1 << 30, 4096)
    format = CacheFormat.of(output_format(640, 480, cells=(huge, huge)))
    assert format.slots == MAX_SLOTS
    assert all(format.place(slot)[1] < WAITING_LIST_INDEX for slot in (1, MAX_SLOTS))


def test_keys_go_to_caches_that_outlive_the_session() -> None:
    store = cache()
    for slot in (1, 41):
        store.assign(slot, 0x1234)
    assert store.keep(1, TILE).key is None
    assert store.keep(41, TILE).key == 0x1234


def test_what_is_kept_until_it_is_overwritten_or_an_epoch_begins() -> None:
    store = cache()
    store.assign(3, 1)
    assert not store.has(3)
    store.keep(3, TILE)
    assert store.has(3)
    store.assign(3, 2)
    assert not store.has(3)
    store.keep(3, TILE)
    store.begin_epoch()
    assert not store.has(3)


def test_a_tile_is_shown_at_its_place() -> None:
    assert cache().show(2, 128, 64) == MemBlt.of(2, 1, Rect(128, 64, 64, 64))


@pytest.mark.parametrize("max_request_size", [0, 1 << 20])
def test_what_fits_can_be_sent(max_request_size: int) -> None:
    output = output_format(640, 480, max_request_size=max_request_size)
    format = CacheFormat.of(output)
    store = BitmapCache(format, BitmapFormat.of(output))
    largest = EncodedBitmap(64, 64, 32, True, bytes(format.max_size))
    assert len(largest.data) + COMPRESSED_HEADER_SIZE < 1 << 14, "what rdesktop reads of bitmapLength"
    assert store.fits(largest)
    assert not store.fits(largest._replace(data=bytes(format.max_size + 1)))
    store.assign(41, 2**64 - 1)
    [update] = encode_orders([store.keep(41, largest)], output.max_orders_size)
    assert len(update.order_data) <= output.max_orders_size
