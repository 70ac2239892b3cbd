"""OpenIntEnum: unknown values survive and say what they are."""

from typing import Any

import pytest

from pyrdpmux.wire import OpenIntEnum


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
