from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.pieces import Piece, size_of, slices
from pyrdpmux.rdp.fastpath.surface import ExtendedBitmapData, SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags


def bitmap(number: int) -> BitmapData:
    return BitmapData.of(Rect(number, 0, 1, 1), 4, 1, 32, BitmapFlags(0), bytes(16))


COPY = ScrBlt.of(Rect(0, 0, 9, 9), 5, 5)
KEPT = CacheBitmapRev2(2, 0, 32, 64, 64, True, b"data")
SHOWN = MemBlt.of(2, 0, Rect(0, 0, 64, 64))
BITS = SetSurfaceBits(0, 0, 4, 4, ExtendedBitmapData(32, 0, 4, 4, bytes(64)))


def test_orders_share_a_slice_and_all_else_has_its_own() -> None:
    pieces: list[Piece] = [COPY, KEPT, SHOWN, bitmap(1), bitmap(2), BITS, SHOWN]
    assert [list(group) for group in slices(pieces, 10)] == [
        [COPY, KEPT, SHOWN],
        [bitmap(1), bitmap(2)],
        [BITS],
        [SHOWN],
    ]


def test_slices_are_bounded() -> None:
    pieces: list[Piece] = [bitmap(number) for number in range(7)]
    assert [len(group) for group in slices(pieces, 3)] == [3, 3, 1]
    assert list(slices([], 3)) == []


def test_size_is_that_of_pixels() -> None:
    assert size_of([COPY, KEPT, SHOWN, bitmap(1), BITS]) == 4 + 16 + 64
