"""The numbers of the protocol, and of our bounds: each enumeration by its kind, all of them by their values.

``numbers.txt`` beside this file has the members and constants of ``pyrdpmux.rdp`` and ``pyrdpmux.wire``. A
number of the specification does not change, and a bound changes on purpose: who does so, or adds some, runs
``python -m tests.rdp.test_numbers`` and sees in the difference what else has changed. (All of ErrorInfo and
RedirectionFlags were compared with the tables of MS-RDPBCGR by a program when they were written down.)
"""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum, Flag
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

import pyrdpmux.rdp
import pyrdpmux.wire
from pyrdpmux.rdp.connection.limits import Limits

TARGET: Final = Path(__file__).with_name("numbers.txt")

#: Members of flags that are no flags: a number among the bits, and names for none of them.
NOT_ONE_BIT: Final = {"ChannelFlags.COMPRESSION_TYPE_MASK", "EncryptionMethod.NONE", "SecurityProtocol.RDP"}


def modules() -> Iterator[ModuleType]:
    for package in (pyrdpmux.rdp, pyrdpmux.wire):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def enumerations(module: ModuleType) -> list[type[Enum]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Enum)
        and value.__module__ == module.__name__
        and value.__members__
    ]


ENUMERATIONS: Final = [kind for module in modules() for kind in enumerations(module)]
FLAGS: Final = [kind for kind in ENUMERATIONS if issubclass(kind, Flag)]


def name_of(kind: type[Enum]) -> str:
    return f"{kind.__module__.removeprefix('pyrdpmux.')}.{kind.__name__}"


@pytest.mark.parametrize("kind", ENUMERATIONS, ids=name_of)
def test_no_two_members_have_the_same_value(kind: type[Enum]) -> None:
    values = [member.value for member in kind.__members__.values()]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("kind", FLAGS, ids=name_of)
def test_each_flag_is_one_bit_of_its_own(kind: type[Flag]) -> None:
    taken = 0
    for name, member in kind.__members__.items():
        value = int(member.value)
        assert not taken & value, f"{name} shares a bit with another"
        taken |= value
        if f"{kind.__name__}.{name}" not in NOT_ONE_BIT:
            assert value.bit_count() == 1, name


def constants(module: ModuleType) -> Iterator[tuple[str, object]]:
    """What a module assigns to names in capitals, as far as it is numbers and bytes."""
    assert module.__file__ is not None
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                value = getattr(module, target.id)
                if is_plain(value):
                    yield target.id, value


def is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if isinstance(value, tuple):
        return all(is_plain(item) for item in value)
    return isinstance(value, int | float | bytes)


def plain(value: Any) -> str:
    """As it is written down: enumerations by their numbers."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{plain(key)}: {plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(plain, value)) + ")"
    return repr(int(value) if isinstance(value, int) else value)


def render() -> str:
    lines = []
    for module in modules():
        found = [f"{name} = {plain(value)}" for name, value in constants(module)]
        for kind in enumerations(module):
            found += [
                f"{kind.__name__}.{name} = {member.value:#x}" for name, member in kind.__members__.items()
            ]
        if found:
            lines += [f"[{module.__name__}]", *found, ""]
    limits = Limits()
    lines += ["[Limits]", *[f"{field.name} = {getattr(limits, field.name)!r}" for field in fields(Limits)]]
    return "\n".join(lines) + "\n"


def parse(text: str) -> dict[str, str]:
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif line:
            name, _, value = line.partition(" = ")
            found[f"{section} {name}"] = value
    return found


def test_they_are_what_they_were() -> None:
    """Another value is a mistake, or is on purpose and then stands in the same commit.

    New names may come, and private ones may go: they are a module's own matter.
    """
    expected, found = parse(TARGET.read_text(encoding="utf-8")), parse(render())
    changed = [
        f"{name}: {found.get(name)}, was {value}"
        for name, value in expected.items()
        if found.get(name) != value and (name in found or "] _" not in name)
    ]
    assert not changed, "python -m tests.rdp.test_numbers writes them anew"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
