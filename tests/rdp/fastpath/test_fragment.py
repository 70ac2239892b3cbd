"""Fragments: cut to the client's limits, packed into PDUs, and put together again within bounds."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, LimitExceeded, PeerError, SequenceError
from pyrdpmux.rdp.fastpath.fragment import (
    MAX_BODY_SIZE,
    MAX_FRAGMENT_SIZE,
    Reassembler,
    fragment,
    max_update_size,
    pack,
)
from pyrdpmux.rdp.fastpath.header import (
    MAX_SENT_SIZE,
    FastPathFlags,
    FastPathHeader,
    FastPathPdu,
    FipsInformation,
)
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, Fragmentation, UpdateCode, encode_updates
from pyrdpmux.wire import Payload, encode

SINGLE, FIRST, NEXT, LAST = (
    Fragmentation.SINGLE,
    Fragmentation.FIRST,
    Fragmentation.NEXT,
    Fragmentation.LAST,
)


def update(
    size: int, fragmentation: Fragmentation = SINGLE, code: UpdateCode = UpdateCode.BITMAP
) -> FastPathUpdate:
    return FastPathUpdate(code, bytes(size), fragmentation)


def test_what_fits_one_pdu_stays_whole() -> None:
    whole = update(MAX_FRAGMENT_SIZE)
    assert fragment(whole) == (whole,)
    # also for a client whose reassembly buffer is tiny: it is not used
    assert fragment(whole, 1000) == (whole,)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (MAX_FRAGMENT_SIZE + 1, [FIRST, LAST]),
        (2 * MAX_FRAGMENT_SIZE, [FIRST, LAST]),
        (2 * MAX_FRAGMENT_SIZE + 1, [FIRST, NEXT, LAST]),
        (4 * MAX_FRAGMENT_SIZE, [FIRST, NEXT, NEXT, LAST]),
    ],
)
def test_bigger_ones_are_cut(size: int, expected: list[Fragmentation]) -> None:
    fragments = fragment(update(size), 608299)
    assert [part.fragmentation for part in fragments] == expected
    assert sum(len(part.data) for part in fragments) == size


def test_a_fragment_fits_its_pdu_under_any_encryption() -> None:
    largest = FastPathUpdate(UpdateCode.BITMAP, bytes(MAX_FRAGMENT_SIZE), FIRST, compression_flags=0)
    body = encode_updates([largest])
    assert len(body) == MAX_BODY_SIZE
    encrypted = body + bytes(-len(body) % 8)
    header = FastPathHeader(0, FastPathFlags.ENCRYPTED, bytes(8), FipsInformation(-len(body) % 8))
    assert len(encode(FastPathPdu(encrypted, header))) <= MAX_SENT_SIZE


def test_the_clients_limit_holds() -> None:
    assert max_update_size(None) == max_update_size(0) == MAX_FRAGMENT_SIZE
    assert max_update_size(38055) == 38055
    assert len(fragment(update(38055), 38055)) == 3
    with pytest.raises(EncodeError, match="38056 bytes, the client takes at most 38055"):
        fragment(update(38056), 38055)
    # QUIRK(rdesktop, RDP 5): no Multifragment capability, one PDU or nothing
    with pytest.raises(EncodeError, match=f"at most {MAX_FRAGMENT_SIZE}"):
        fragment(update(MAX_FRAGMENT_SIZE + 1))


def test_fragments_and_compressed_updates_are_not_cut_again() -> None:
    with pytest.raises(EncodeError, match="whole, plain"):
        fragment(update(20000, FIRST), 100000)
    with pytest.raises(EncodeError, match="whole, plain"):
        fragment(FastPathUpdate(UpdateCode.BITMAP, bytes(20000), compression_flags=0x20), 100000)


def test_small_updates_share_a_pdu() -> None:
    updates = [update(size) for size in (10, 20, 30)]
    assert list(pack(updates)) == [tuple(updates)]
    assert list(pack(updates, 36)) == [(updates[0], updates[1]), (updates[2],)]
    assert list(pack(updates, 35)) == [(updates[0],), (updates[1],), (updates[2],)]
    assert list(pack([])) == []


def test_what_has_no_flags_is_not_behind_what_is_compressed() -> None:
    """QUIRK(rdesktop 1.9): it would decompress that, too."""
    plain, packed, told = [
        FastPathUpdate(UpdateCode.BITMAP, b"data", compression_flags=flags) for flags in (None, 0x21, 0x81)
    ]
    assert list(pack([plain, packed, packed, plain, plain])) == [(plain, packed, packed), (plain, plain)]
    assert list(pack([packed, told, plain])) == [(packed, told, plain)]


def test_fragments_come_together_and_whole_updates_pass() -> None:
    reassembler = Reassembler(100)
    whole = FastPathUpdate(UpdateCode.CACHED, b"\2\0")
    assert reassembler.feed(whole) is whole
    assert reassembler.feed(FastPathUpdate(UpdateCode.SURFCMDS, b"ab", FIRST)) is None
    assert reassembler.feed(FastPathUpdate(UpdateCode.SURFCMDS, b"", NEXT)) is None
    assert "SURFCMDS 2 bytes" in repr(reassembler)
    assert reassembler.feed(FastPathUpdate(UpdateCode.SURFCMDS, b"cd", LAST)) == FastPathUpdate(
        UpdateCode.SURFCMDS, b"abcd"
    )
    assert "idle" in repr(reassembler)
    assert reassembler.feed(whole) is whole


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ([NEXT], ("SINGLE", "FIRST")),
        ([LAST], ("SINGLE", "FIRST")),
        ([FIRST, FIRST], ("NEXT", "LAST")),
        ([FIRST, SINGLE], ("NEXT", "LAST")),
        ([FIRST, NEXT, LAST, LAST], ("SINGLE", "FIRST")),
    ],
)
def test_fragments_out_of_order_are_refused(sequence: list[Fragmentation], expected: tuple[str, ...]) -> None:
    reassembler = Reassembler(100)
    for fragmentation in sequence[:-1]:
        reassembler.feed(update(1, fragmentation))
    with pytest.raises(SequenceError) as caught:
        reassembler.feed(update(1, sequence[-1]))
    assert caught.value.expected == expected


def test_fragments_of_two_updates_do_not_mix() -> None:
    reassembler = Reassembler(100)
    reassembler.feed(update(1, FIRST))
    with pytest.raises(SequenceError, match="SURFCMDS"):
        reassembler.feed(update(1, LAST, UpdateCode.SURFCMDS))


def test_the_buffer_is_bounded() -> None:
    reassembler = Reassembler(10)
    assert reassembler.feed(update(10, FIRST)) is None
    with pytest.raises(LimitExceeded) as caught:
        reassembler.feed(update(1, NEXT))
    assert str(caught.value) == "MaxRequestSize: 11, at most 10 allowed"


def test_a_compressed_fragment_is_refused() -> None:
    with pytest.raises(DecodeError, match="compressed fragment"):
        Reassembler(10).feed(FastPathUpdate(UpdateCode.BITMAP, b"", FIRST, 0x21))


@given(st.integers(0, 80_000), st.sampled_from([UpdateCode.BITMAP, UpdateCode.LARGE_POINTER]))
@settings(max_examples=30)
def test_cut_and_put_together(size: int, code: UpdateCode) -> None:
    whole = FastPathUpdate(code, (b"0123456789" * 8000)[:size])
    reassembler = Reassembler(80_000)
    *missing, last = [reassembler.feed(part) for part in fragment(whole, 80_000)]
    assert missing == [None] * len(missing)
    assert last == whole


@given(st.lists(st.tuples(st.sampled_from(Fragmentation), st.integers(0, 40)), max_size=8))
@settings(max_examples=100)
def test_any_sequence_raises_only_peer_errors(sequence: list[tuple[Fragmentation, int]]) -> None:
    reassembler = Reassembler(100)
    for fragmentation, size in sequence:
        try:
            whole = reassembler.feed(update(size, fragmentation))
        except PeerError:
            return
        assert whole is None or len(whole.data) <= 100


def test_fragments_of_one_byte_cost_no_more_than_the_update() -> None:
    reassembler = Reassembler(1 << 16)
    reassembler.feed(FastPathUpdate(UpdateCode.BITMAP, b"", FIRST))
    tracemalloc.start()
    try:
        for at in range(20_000):
            reassembler.feed(FastPathUpdate(UpdateCode.BITMAP, Payload.at(at, b"x"), Fragmentation.NEXT))
        assert tracemalloc.get_traced_memory()[0] < 5 * 20_000
    finally:
        tracemalloc.stop()
