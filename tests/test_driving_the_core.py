"""The program in docs/driving-the-core.md runs and prints what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.server.config import SecurityPolicy
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.door import ServerDoor
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.nla import logon
from pyrdpmux.rdp.nla.accounts import Accounts

PAGE = Path(__file__).parents[1] / "docs" / "driving-the-core.md"


def block(language: str) -> str:
    [text] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert isinstance(text, str)
    return text


def test_the_program_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block("python"), str(PAGE), "exec"), names)
    assert capsys.readouterr().out == block("text")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+)\(", PAGE.read_text(encoding="utf-8")))))
def test_every_method_that_it_names_exists(name: str) -> None:
    things = (ServerConnection, ClientConnection, ServerDoor, ServerSession, Accounts, SecurityPolicy, logon)
    assert any(name in _names_of(thing) for thing in things)


def _names_of(thing: object) -> set[str]:
    """What can be called, and what can be set to something that is called."""
    fields = getattr(thing, "__dataclass_fields__", {})
    return {name for name in dir(thing) if callable(getattr(thing, name, None))} | set(fields)
