"""A daemon with one VM and a display with room for two clients, for all tests of a module."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.harness.display import Display
from tests.interop.client import Client, ClientStuck
from tests.interop.console import Console

PROGRAMS: Final = ("Xvfb", "xdotool", "xwd", "xfreerdp", "rdesktop")

Start = Callable[[Sequence[str]], Client]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is an interop test; without the programs it is skipped, and says what is missing.

    The soak, two minutes on the CI server, begins first, so that no worker is left alone with it.
    """
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=[ClientStuck.__name__]))
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(missing)}"))
    items.sort(key=lambda item: item.path != here / "test_soak.py")


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    with Display(tmp_path_factory.mktemp("display"), "1920x1200x24") as display:
        yield display


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Console(tmp_path) as console:
        yield console


@pytest.fixture
def start(display: Display, tmp_path: Path) -> Iterator[Start]:
    """Start a client by its command line; whatever is still running is stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda argv: stack.enter_context(Client(display, tmp_path, argv))
