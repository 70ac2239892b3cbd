from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.input.input_state import MAX_HELD, Character, HeldInputs, Key, PointerButton
from tests.mux.recording_sink import CharacterSink


def test_each_kind_tells_the_vm_in_its_own_way() -> None:
    sink = CharacterSink()
    Key(0x1D, extended=True).send(sink, True, 1, 2)
    Character(0x41).send(sink, False, 1, 2)
    PointerButton(Button.MIDDLE).send(sink, True, 1, 2)
    assert sink.told == ["e0 1d down", "u0041 up", "MIDDLE down 1,2"]


def test_holds_in_order_each_once() -> None:
    held = HeldInputs()
    first, second = Key(1), Key(1, extended1=True)
    assert held.press(first)
    assert held.press(second)
    assert held.press(first)
    assert list(held) == [first, second]
    held.release(first)
    held.release(Key(99))
    assert first not in held
    assert len(held) == 1
    held.clear()
    assert list(held) == []


def test_is_bounded() -> None:
    held = HeldInputs()
    assert all(held.press(Key(code)) for code in range(MAX_HELD))
    assert not held.press(Key(MAX_HELD))
    assert held.press(Key(0))
    assert len(held) == MAX_HELD
