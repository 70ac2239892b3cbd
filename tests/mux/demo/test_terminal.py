"""The demo's text, without pixels."""

from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.mux.demo.terminal import MAX_LINES, Terminal


def rows(terminal: Terminal, columns: int = 10, count: int = 3) -> list[str]:
    return [row.rstrip() for row in terminal.screen(columns, count)[0]]


def test_typing_wraps_and_scrolls() -> None:
    terminal = Terminal()
    terminal.prompt("> ")
    terminal.write("abcdefghijkl")
    assert terminal.screen(10, 3) == (["> abcdefgh", "ijkl      ", " " * 10], (4, 1))
    terminal.write("\nsecond\nthird")
    assert rows(terminal) == ["ijkl", "second", "third"]


def test_a_full_line_puts_the_cursor_on_the_next() -> None:
    terminal = Terminal()
    terminal.write("0123456789")
    assert terminal.screen(10, 3)[1] == (0, 1)


def test_backspace_stops_at_the_prompt() -> None:
    terminal = Terminal()
    terminal.prompt("> ")
    terminal.write("ab")
    for _ in range(5):
        terminal.backspace()
    assert rows(terminal) == [">", "", ""]
    assert terminal.line == ""
    terminal.write("x\ty")
    assert terminal.line == "x y"


def test_looking_back_and_returning() -> None:
    terminal = Terminal()
    for number in range(10):
        terminal.write(f"{number}\n")
    terminal.write("end")
    assert rows(terminal) == ["8", "9", "end"]
    terminal.scroll(2)
    assert rows(terminal) == ["6", "7", "8"]
    assert terminal.screen(10, 3)[1] is None
    terminal.scroll(100)
    assert rows(terminal) == ["0", "1", "2"]
    terminal.scroll(-1)
    assert rows(terminal) == ["1", "2", "3"]
    terminal.write("!")
    assert rows(terminal) == ["8", "9", "end!"]


def test_clear_keeps_the_line_being_written() -> None:
    terminal = Terminal()
    terminal.write("old\n")
    terminal.prompt("> ")
    terminal.write("new")
    terminal.clear()
    assert rows(terminal) == ["> new", "", ""]


@given(
    st.lists(
        st.one_of(st.text("ab \n\t", max_size=30), st.integers(-9, 9), st.none(), st.just(True)), max_size=40
    ),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_the_screen_has_always_its_size(
    steps: "list[str | int | bool | None]", columns: int, count: int
) -> None:
    terminal = Terminal()
    for step in steps:
        match step:
            case None:
                terminal.backspace()
            case True:
                terminal.clear()
            case int():
                terminal.scroll(step)
            case str():
                terminal.write(step)
        visible, cursor = terminal.screen(columns, count)
        assert [len(row) for row in visible] == [columns] * count
        if cursor is not None:
            assert 0 <= cursor[0] < columns
            assert 0 <= cursor[1] < count


def test_memory_is_bounded() -> None:
    terminal = Terminal()
    for _ in range(MAX_LINES + 50):
        terminal.write("x\n")
    terminal.write("y" * 100_000)
    assert len(terminal.line) < 3000
    terminal.scroll(10**9)
    assert rows(terminal)[0] == "x"
