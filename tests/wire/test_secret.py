"""Secret: hidden in every rendering, comparable, and revealed only on request."""

import copy
import pickle
from dataclasses import dataclass

import pytest

from pyrdpmux.wire.secret import Secret


@dataclass(frozen=True)
class _Holder:
    password: Secret[str]


def test_no_rendering_shows_the_value() -> None:
    holder = _Holder(Secret("hunter2"))
    for text in (repr(holder), str(holder), f"{holder.password}", f"{holder.password!r:>10}"):
        assert "hunter2" not in text
        assert "***" in text


def test_it_is_revealed_on_request() -> None:
    assert Secret("hunter2").reveal() == "hunter2"
    assert Secret(b"\x00\x01").reveal() == b"\x00\x01"


def test_equality_hash_and_truth_are_those_of_the_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("a"))
    assert not Secret("")
    assert Secret("a")


def test_it_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("a"))
    with pytest.raises(TypeError):
        copy.copy(Secret("a"))
