"""Two properties that every decoder has, made into a test class from a table of cases."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import PeerError
from pyrdpmux.wire import decode, encode

Case: TypeAlias = tuple[Callable[[bytes], Any], Callable[[Any], bytes], st.SearchStrategy[Any]]

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
i32 = st.integers(-0x80000000, 0x7FFFFFFF)
short_bytes = st.binary(max_size=40)
#: Text without nulls, which end a string on the wire.
text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=15)


def structure(cls: type[Any], *values: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]) -> Case:
    """The case of a class that reads and writes itself."""
    return (lambda data: decode(cls, data)), encode, st.builds(cls, *values, **more)


def property_tests(cases: Mapping[str, Case]) -> type:
    """Make the test class of a table: ``TestProperties = property_tests(CASES)``."""

    @pytest.mark.parametrize("case", cases.values(), ids=cases.keys())
    class TestProperties:
        def test_generated_values_round_trip(self, case: Case) -> None:
            decoder, encoder, values = case

            @settings(max_examples=40, deadline=None, database=None, derandomize=True)
            @given(values)
            def check(value: Any) -> None:
                data = encoder(value)
                assert decoder(data) == value
                assert encoder(decoder(data)) == data

            check()

        def test_garbage_raises_only_peer_errors(self, case: Case) -> None:
            decoder, encoder, _ = case

            @settings(max_examples=60, deadline=None, database=None, derandomize=True)
            @given(st.binary(max_size=200))
            def check(data: bytes) -> None:
                try:
                    value = decoder(data)
                except PeerError:
                    return
                assert decoder(encoder(value)) == value

            check()

    return TestProperties
