"""OpenIntEnum and OpenIntFlag: unknown values survive, and are forgotten again."""

from enum import IntFlag
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag
from pyrdpmux.wire.enums import MAX_KEPT


class Fruit(OpenIntEnum):
    APPLE = 1
    PEAR = 2


def test_known_values_are_the_members() -> None:
    assert Fruit(1) is Fruit.APPLE
    assert Fruit.APPLE.is_known


def test_an_unknown_value_keeps_its_number() -> None:
    fruit = Fruit(0x4D)
    assert fruit == 0x4D
    assert fruit.value == 0x4D
    assert fruit.name == "UNKNOWN_0x4d"
    assert repr(fruit) == "<Fruit.UNKNOWN_0x4d: 77>"
    assert not fruit.is_known
    assert isinstance(fruit, Fruit)
    assert hash(fruit) == hash(Fruit(0x4D))


def test_an_unknown_value_does_not_become_a_member() -> None:
    Fruit(0x4D)
    assert list(Fruit) == [Fruit.APPLE, Fruit.PEAR]
    assert not Fruit(0x4D).is_known


@pytest.mark.parametrize("value", [-1, "APPLE", None, 1.5])
def test_what_cannot_be_on_the_wire_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid Fruit"):
        Fruit(value)


class Herb(OpenIntFlag):
    MINT = 1
    SAGE = 2


def test_flags_keep_unknown_bits() -> None:
    herbs = Herb(0x8000_0003)
    assert herbs == 0x8000_0003
    assert Herb.MINT | Herb.SAGE in herbs
    assert herbs ^ Herb.SAGE == 0x8000_0001
    assert list(Herb) == [Herb.MINT, Herb.SAGE]


def test_flags_are_asked_for_without_detours() -> None:
    """Each type has its own, whatever the metaclass of enumerations puts there."""
    assert Herb.__dict__["__and__"] is Herb.__dict__["__rand__"]
    assert Herb.__and__ is not IntFlag.__and__
    assert Herb.SAGE & 3 is Herb.SAGE
    assert 3 & Herb.SAGE is Herb.SAGE
    assert isinstance(Herb.MINT & Herb.SAGE, Herb)
    assert not Herb.MINT & Herb.SAGE
    with pytest.raises(TypeError):
        Herb.MINT & "1"  # type: ignore[operator]


def test_flags_that_a_peer_makes_up_do_not_fill_the_memory() -> None:
    for number in range(3 * MAX_KEPT):
        herbs = Herb(number << 4 | 1)
        assert herbs == number << 4 | 1
        assert herbs & Herb.MINT
    assert len(Herb._value2member_map_) <= MAX_KEPT + 1
    assert Herb(3 * MAX_KEPT << 8) == Herb(3 * MAX_KEPT << 8)
    assert Herb(1) is Herb.MINT


def test_all_flags_on_the_wire_are_open_ones() -> None:
    package = Path(__file__).parents[2] / "pyrdpmux"
    files = [path for name in ("rdp", "rfb") for path in (package / name).rglob("*.py")]
    assert not [path for path in files if "(IntFlag" in path.read_text(encoding="utf-8")], "use OpenIntFlag"
