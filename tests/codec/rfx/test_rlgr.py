"""RLGR both ways against the specification's pseudocode, and against its example."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.rfx import rlgr, rlgr_decoder
from pyrdpmux.codec.rfx.rlgr_symbols import Events
from pyrdpmux.codec.rfx.rlgr_tables import Mode, run_tables
from pyrdpmux.errors import EncodeError
from tests.codec.reference import rlgr as reference

Rows = NDArray[np.int64]
MODES = pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.name)


def rows(count: int, seed: int = 0) -> Rows:
    """(count, 4096) of every density and size, trailing zeros of every length."""
    rng = np.random.default_rng(seed)
    result = np.zeros((count, 4096), np.int64)
    for number, row in enumerate(result):
        largest = (2, 30, 500)[number % 3]
        present = rng.random(4096) < rng.random() ** 3 * rng.random(4096)
        row[:] = np.where(present, rng.integers(-largest, largest + 1, 4096), 0)
        row[rng.integers(1, 4096) :] = 0
    return result


def corners() -> Rows:
    result = np.zeros((8, 4096), np.int64)
    result[1, 4095] = 5
    result[2] = 1
    result[3] = np.random.default_rng(3).integers(-1023, 1024, 4096)
    result[4, 0] = -1023
    result[5, ::2] = 1
    result[6, ::37] = 1023
    result[7, 4094] = -1
    return result


def check(values: Rows, mode: Mode) -> None:
    pairs = mode is Mode.RLGR3
    streams = rlgr.encode(Events.of(values), mode)
    assert len(streams) == len(values)
    for row, stream in zip(values.tolist(), streams, strict=True):
        assert stream == reference.encode(row, pairs=pairs)
    assert (values == rlgr_decoder.decode(streams, mode).T).all()


@MODES
class TestEncoder:
    def test_writes_what_the_reference_writes(self, mode: Mode) -> None:
        check(rows(12), mode)

    def test_corners(self, mode: Mode) -> None:
        check(corners(), mode)

    def test_many_streams_are_coded_together(self, mode: Mode) -> None:
        values = rows(70, seed=5)
        together = rlgr.encode(Events.of(values), mode)
        assert together == [rlgr.encode(Events.of(row[None]), mode)[0] for row in values]

    def test_equal_streams_are_equal(self, mode: Mode) -> None:
        values = rows(1, seed=2).repeat(41, axis=0)
        assert len(set(rlgr.encode(Events.of(values), mode))) == 1

    @settings(max_examples=20, deadline=None)
    @given(values=st.lists(st.integers(-1023, 1023) | st.just(0), max_size=60), gap=st.integers(0, 4000))
    def test_short_ones(self, mode: Mode, values: list[int], gap: int) -> None:
        row = np.zeros((1, 4096), np.int64)
        gap = min(gap, 4096 - len(values))
        row[0, gap : gap + len(values)] = values
        check(row, mode)

    def test_nothing_is_nothing(self, mode: Mode) -> None:
        assert rlgr.encode(Events.of(np.zeros((0, 4096), np.int64)), mode) == []

    @pytest.mark.parametrize("sign", [1, -1])
    def test_refuses_what_no_picture_has(self, mode: Mode, sign: int) -> None:
        largest = rlgr.MAX_VALUE[mode] * sign
        check(np.full((1, 4096), largest), mode)
        with pytest.raises(EncodeError):
            rlgr.encode(Events.of(np.full((1, 4096), largest + sign)), mode)


@MODES
class TestDecoder:
    def test_any_bytes_are_what_the_reference_makes_of_them(self, mode: Mode) -> None:
        streams = rlgr.encode(Events.of(np.concatenate([rows(9), corners()])), mode)
        rng = random.Random(4)
        for number in range(150):
            data = bytearray(rng.choice(streams)[: rng.randrange(200)] if number % 2 else rng.randbytes(40))
            if data:
                data[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
            expected = reference.decode(bytes(data), 4096, pairs=mode is Mode.RLGR3)
            decoded = rlgr_decoder.decode([bytes(data)], mode)[:, 0].astype(int).tolist()
            # values that fit no 16 bits are what they like
            assert decoded == expected or max(map(abs, expected)) > 0x7FFF, bytes(data).hex()

    @pytest.mark.parametrize("data", [bytes(60000), b"\xff" * 60000, b"\xaa" * 60000, b"\x80" * 60000, b""])
    def test_long_and_empty_streams(self, mode: Mode, data: bytes) -> None:
        assert rlgr_decoder.decode([data], mode).shape == (4096, 1)

    def test_a_stream_may_stop_anywhere(self, mode: Mode) -> None:
        row = rows(1, seed=8)
        stream = rlgr.encode(Events.of(row), mode)[0]
        for size in range(0, len(stream), 3):
            decoded = rlgr_decoder.decode([stream[:size]], mode)[:, 0]
            same = int(np.argmax(decoded != row[0])) if (decoded != row[0]).any() else 4096
            assert not decoded[same:].any()


def test_the_tables_agree_with_a_walk() -> None:
    for mode in Mode:
        tables = run_tables(mode)
        assert tables.k.max() == 10
        assert tables.singles.max() <= 3
        assert tables.whole.max() < 128
