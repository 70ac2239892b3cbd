"""The table in docs/interop-breakages.md names, for every line that our server has to hold, its tests.

``python -m tests.breakages.test_table`` writes it anew from the tests' docstrings.
"""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENT: Final = ROOT / "docs" / "interop-breakages.md"
FOLDERS: Final = ("breakages", "pair", "mux/console", "graphics/targets")

LINES: Final = (*range(1, 16), 17, 20, *range(25, 29))
"""Those of our server's."""

_MENTION: Final = re.compile(r"(?:Breakages?|Line) ((?:\d+(?:, | and | to )?)+)")
_ROW: Final = re.compile(r"^\| (\d+) \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)


def mentioned(docstring: str) -> set[int]:
    """Lines that a docstring says it is about."""
    found: set[int] = set()
    for match in _MENTION.finditer(docstring):
        found |= {int(number) for number in re.findall(r"\d+", match[1])}
    return found


def by_line() -> dict[int, list[str]]:
    """By line: ``path::name`` of each test that names it."""
    found: dict[int, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    name = f"{path.relative_to(ROOT / 'tests')}::{node.name}"
                    for line in mentioned(ast.get_docstring(node) or ""):
                        found.setdefault(line, []).append(name)
    return found


def named(document: str) -> dict[int, list[str]]:
    """The same as the table has it."""
    return {int(line): re.findall(r"`([^`]+)`", last) for line, _, _, last in _ROW.findall(document)}


def rewritten(document: str) -> str:
    found = by_line()

    def row(match: re.Match[str]) -> str:
        names = ", ".join(f"`{name}`" for name in found[int(match[1])])
        return f"| {match[1]} | {match[2]} | {match[3]} | {names} |"

    return _ROW.sub(row, document)


def test_every_line_has_its_tests() -> None:
    assert sorted(by_line()) == list(LINES)


def test_the_table_names_them() -> None:
    assert named(DOCUMENT.read_text(encoding="utf-8")) == by_line(), "python -m tests.breakages.test_table"


def test_docstrings_are_understood() -> None:
    assert mentioned("Breakages 4 and 13: on. Line 17 of the breakages, breakage 9.") == {4, 13, 17}
    assert mentioned("A line 3, and 4 breakages.") == set()


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
