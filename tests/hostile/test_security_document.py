"""SECURITY.md names tests that are there."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = [
    line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]
ROWS: Final = [line.split("|")[1:3] for line in TABLE if "`tests/" in line]


def named_in(cell: str) -> list[tuple[Path, str]]:
    """Each file or folder, and each word that is named after it; an empty word for the whole."""
    found: list[tuple[Path, str]] = []
    for name in re.findall(r"`([^`]+)`", cell):
        if name.startswith("tests/"):
            found.append((ROOT / name, ""))
        else:
            found.append((found[-1][0], name))
    return found


def test_there_is_a_row_for_each_promise() -> None:
    assert len(ROWS) == len(TABLE) - 1, "one line is the heading"
    assert len(ROWS) > 10


@pytest.mark.parametrize(("promise", "cell"), ROWS)
def test_what_a_promise_is_proved_by_exists(promise: str, cell: str) -> None:
    named = named_in(cell)
    assert named, promise
    for path, word in named:
        assert path.exists(), f"{promise}: {path} is not there"
        if word:
            tests = re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
            assert any(word in test for test in tests), f"{promise}: no test of {path.name} has {word!r}"
