"""Run segments, against a scalar reader."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.clear import runs
from pyrdpmux.codec.clear.distinct import distinct
from pyrdpmux.errors import DecodeError
from tests.codec.reference.clear import Bytes

lengths = st.sampled_from([0, 1, 2, 254, 255, 256, 65534, 65535, 65536, (1 << 32) - 1]) | st.integers(0, 300)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (1, "61 01"),
        (254, "61 fe"),
        (255, "61 ff ff 00"),
        (1408, "61 ff 80 05"),
        (65534, "61 ff fe ff"),
        (65535, "61 ff ff ff ff ff 00 00"),
        ((1 << 32) - 1, "61 ff ff ff ff ff ff ff"),
    ],
)
def test_each_form(length: int, expected: str) -> None:
    packed = runs.pack(np.array([[0x61]], np.uint8), np.array([length]))
    assert packed.hex(" ") == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(lengths, max_size=40), st.sampled_from([1, 3]), st.integers(0, 99))
def test_round_trip(values: list[int], head: int, seed: int) -> None:
    heads = np.random.default_rng(seed).choice([7, 255], (len(values), head)).astype(np.uint8)
    data = runs.pack(heads, np.array(values, int))
    reader = Bytes(data)
    for expected, value in zip(heads, values, strict=True):
        assert reader.take(head) == expected.tobytes()
        assert reader.run_length() == value
    assert not reader.more
    found = runs.unpack(np.frombuffer(data, np.uint8), head, "x")
    assert found[0].tolist() == heads.tolist()
    assert found[1].tolist() == values


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 255]), max_size=30), st.sampled_from([1, 3]))
def test_reads_anything_as_the_scalar_reader_does(octets: list[int], head: int) -> None:
    reader = Bytes(bytes(octets))
    expected = []
    try:
        while reader.more:
            expected.append((reader.take(head), reader.run_length()))
    except ValueError:
        with pytest.raises(DecodeError, match="ends within"):
            runs.unpack(np.array(octets, np.uint8), head, "x")
        return
    heads, found = runs.unpack(np.array(octets, np.uint8), head, "x")
    assert [(row.tobytes(), length) for row, length in zip(heads, found.tolist(), strict=True)] == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5)))
def test_distinct(values: list[int]) -> None:
    first, which = distinct(np.array(values, int))
    in_order = list(dict.fromkeys(values))
    assert first.tolist() == [values.index(value) for value in in_order]
    assert which.tolist() == [in_order.index(value) for value in values]


def test_runs_of() -> None:
    starts, sizes = runs.runs_of(np.array([5, 5, 5, 6, 5], np.uint32))
    assert starts.tolist() == [0, 3, 4]
    assert sizes.tolist() == [3, 1, 1]
