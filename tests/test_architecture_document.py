"""ARCHITECTURE.md speaks of what is there: every folder, and no file or name that has moved on."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pyrdpmux"
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`\n]+)`", TEXT)
TREE = TEXT[TEXT.index("## The tree") : TEXT.index("## The life of a byte")]

#: ``mux.console.viewer.Viewer``: modules, and perhaps a class
DOTTED = re.compile(r"(?:mux|rdp|net|codec|harness|files|rfb)(?:\.[A-Za-z_]+)+")
PATH = re.compile(r"(?:pyrdpmux|tests|scripts|bench|docs|fixtures|packaging)/[\w./*-]*")


@pytest.mark.parametrize("name", sorted({name for name in QUOTED if DOTTED.fullmatch(name)}))
def test_names_exist(name: str) -> None:
    parts = name.split(".")
    folders = [part for part in parts if part.islower()]
    thing = import_module("pyrdpmux." + ".".join(folders[:1]))
    for index, part in enumerate(parts[1:], start=1):
        if not hasattr(thing, part):
            thing = import_module("pyrdpmux." + ".".join(parts[: index + 1]))
        else:
            thing = getattr(thing, part)


@pytest.mark.parametrize("path", sorted({path for path in QUOTED if PATH.fullmatch(path)}))
def test_paths_exist(path: str) -> None:
    assert list(ROOT.glob(path.rstrip("/"))), path


def test_each_folder_is_in_the_tree() -> None:
    """By itself, or as part of one that says of each of its own what it is."""
    rows = set(re.findall(r"`((?:pyrdpmux/)?[\w./]+)`", TREE))
    folders = {str(file.parent.relative_to(PACKAGE)) for file in PACKAGE.rglob("__init__.py")} - {"."}
    missing = [
        folder
        for folder in sorted(folders)
        if not any(
            row.removeprefix("pyrdpmux/").rstrip("/") in (folder, folder.rpartition("/")[2]) for row in rows
        )
        and not any(folder.startswith(within) for within in ("codec/", "rdp/pdu/", "rdp/connection/", "rfb/"))
    ]
    assert missing == ["mux", "rdp"]
