"""The rules that keep the house in order, held over the whole tree by reading its syntax trees.

* who may import whom (ARCHITECTURE.md, ranks);
* no clock, socket, thread or randomness below ``net``;
* bytes become integers in ``pyrdpmux.wire`` only;
* every wire structure says which section of which specification it is;
* files stay short.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pyrdpmux"

#: Longest prefix wins. A module imports only from lower ranks, or from its own group.
RANKS = {
    "pyrdpmux.errors": 0,
    "pyrdpmux.geometry": 1,
    # the outermost door: what everything shares
    "pyrdpmux": 2,
    "pyrdpmux.wire": 1,
    "pyrdpmux.codec": 10,
    "pyrdpmux.rdp.preconnection": 20,
    "pyrdpmux.rdp.crypto": 21,
    "pyrdpmux.rdp.x224": 21,
    "pyrdpmux.rdp.mcs": 22,
    "pyrdpmux.rdp.pdu": 23,
    "pyrdpmux.rdp.fastpath": 24,
    "pyrdpmux.rdp.channels": 24,
    "pyrdpmux.rdp.tls": 25,
    "pyrdpmux.rdp.nla": 26,
    "pyrdpmux.rdp.standard_security": 26,
    "pyrdpmux.rdp.licensing": 27,
    "pyrdpmux.rdp.connection": 40,
    "pyrdpmux.rdp.connection.server": 41,
    "pyrdpmux.rdp.connection.client": 41,
    # the protocol's door: it has the names of all of it
    "pyrdpmux.rdp": 42,
    "pyrdpmux.rfb": 40,
    # what VMs show, and the commands that bring it to clients
    "pyrdpmux.graphics": 45,
    "pyrdpmux.net": 50,
    "pyrdpmux.files": 50,
    "pyrdpmux.harness": 51,
    "pyrdpmux.harness.capture": 51,
    "pyrdpmux.mux": 51,
    "pyrdpmux.mux.log": 52,
    "pyrdpmux.mux.keyboard": 52,
    "pyrdpmux.mux.picture": 52,
    # streams of a picture, and who shares them: they know seats, not viewers
    "pyrdpmux.mux.streaming": 53,
    "pyrdpmux.mux.systemd": 53,
    "pyrdpmux.mux.settings": 53,
    "pyrdpmux.mux.opener": 54,
    # admission knows settings and networks, and nothing of consoles, viewers or backends
    "pyrdpmux.mux.admission": 55,
    "pyrdpmux.mux.backend": 56,
    "pyrdpmux.mux.resting": 56,
    "pyrdpmux.mux.channels": 57,
    "pyrdpmux.mux.input": 57,
    # sources of VMs: they paint a screen and take input, and know no viewer
    "pyrdpmux.mux.vnc": 58,
    "pyrdpmux.mux.qemu": 58,
    "pyrdpmux.mux.librdpmux": 58,
    "pyrdpmux.mux.guest": 59,
    "pyrdpmux.mux.demo": 60,
    "pyrdpmux.mux.sources": 61,
    "pyrdpmux.mux.console": 61,
    "pyrdpmux.mux.registry": 62,
    "pyrdpmux.mux.gateway": 63,
    "pyrdpmux.mux.control": 64,
    "pyrdpmux.mux.daemon": 65,
    "pyrdpmux.mux.libvirt": 65,
    "pyrdpmux.mux.embedded": 66,
    "pyrdpmux.cli": 70,
    "pyrdpmux.__main__": 80,
}
#: Neighbors that know nothing of each other: the sides of a connection share PDUs, never decisions.
STRANGERS = [
    ("pyrdpmux.rdp.connection.server", "pyrdpmux.rdp.connection.client"),
    ("pyrdpmux.harness", "pyrdpmux.mux"),
    ("pyrdpmux.mux.vnc", "pyrdpmux.mux.qemu"),
    ("pyrdpmux.mux.vnc", "pyrdpmux.mux.librdpmux"),
    ("pyrdpmux.mux.qemu", "pyrdpmux.mux.librdpmux"),
]

FIRST_RANK_WITH_A_WORLD = RANKS["pyrdpmux.net"]
WORLDLY = {"asyncio", "socket", "threading", "time", "random", "secrets", "selectors", "subprocess", "signal"}
WORLDLY_CALLS = {"urandom", "monotonic", "perf_counter", "token_bytes"}

MAXIMUM_LINES = 400
MAXIMUM_INIT_LINES = 40

#: How a wire structure's docstring begins: the specification, then the section or message.
SPECIFICATION = re.compile(
    r"(MS-[A-Z]+ \d|RFC \d|X\.224 |T\.12[45] |T\.123 |X\.690 |ITU-T |X Window |rfbproto |librdpmux|\[MS-)"
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
each_module = pytest.mark.parametrize("name", MODULES)


@cache
def tree_of(name: str) -> ast.Module:
    """Parsed when it is first asked for: whoever only collects tests imports this file, too."""
    return ast.parse(MODULES[name].read_text(encoding="utf-8"), str(MODULES[name]))


def group_of(name: str) -> str:
    """The longest entry of RANKS that ``name`` belongs to."""
    while name not in RANKS:
        name = name.rpartition(".")[0]
    return name


def imports(name: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a module imports, also for types only: who needs another's
    types knows it."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{MODULES[name]}:{node.lineno}: relative import, write it in full"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in MODULES else node.module


def is_inside(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}.")


def import_violation(importer: str, imported: str) -> str | None:
    """Why ``importer`` may not import ``imported``; None if it may."""
    for one, other in STRANGERS:
        for here, there in ((one, other), (other, one)):
            if is_inside(importer, here) and is_inside(imported, there):
                return f"{here} and {there} know nothing of each other"
    ours, theirs = group_of(importer), group_of(imported)
    if ours == theirs or RANKS[theirs] < RANKS[ours]:
        return None
    if ours.startswith(f"{theirs}.") and imported == theirs:  # a package's front door
        return None
    return f"{ours} has rank {RANKS[ours]}, {theirs} rank {RANKS[theirs]}: imports only point down"


@each_module
def test_imports_only_point_down(name: str) -> None:
    wrong = [
        f"{MODULES[name]}:{line}: imports {imported}: {reason}"
        for line, imported in imports(name)
        if imported.split(".")[0] == "pyrdpmux" and (reason := import_violation(name, imported))
    ]
    assert not wrong, "\n".join(wrong)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, its first node at both ends; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]
    return []


def test_no_files_import_each_other_in_a_circle() -> None:
    """Inside a group, where ranks say nothing. A package's own file stands for what it exports."""
    graph = {name: {there for _, there in imports(name) if there in MODULES} - {name} for name in MODULES}
    circle = circle_in(graph)
    assert not circle, " imports ".join(circle)


def test_a_circle_is_seen() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert not circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})


@pytest.mark.parametrize("name", [n for n in MODULES if RANKS[group_of(n)] < FIRST_RANK_WITH_A_WORLD])
def test_no_clock_socket_thread_or_chance_below_net(name: str) -> None:
    wrong = [
        f"{MODULES[name]}:{line}: imports {imported}: time and entropy are arguments below net"
        for line, imported in imports(name)
        if imported.split(".")[0] in WORLDLY
    ]
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Attribute) and node.attr in WORLDLY_CALLS:
            wrong.append(
                f"{MODULES[name]}:{node.lineno}: .{node.attr}: time and entropy are arguments below net"
            )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [n for n in MODULES if group_of(n) != "pyrdpmux.wire"])
def test_bytes_become_integers_in_wire_only(name: str) -> None:
    wrong = [
        f"{MODULES[name]}:{node.lineno}: .{node.attr}: use Reader and Writer"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Attribute) and node.attr in {"from_bytes", "to_bytes"}
    ]
    wrong += [
        f"{MODULES[name]}:{line}: imports struct: use Reader and Writer"
        for line, imported in imports(name)
        if imported == "struct"
    ]
    assert not wrong, "\n".join(wrong)


def structures(name: str) -> Iterator[ast.ClassDef]:
    """Classes with both ``read`` and ``write``: what is on the wire."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.ClassDef):
            methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            decorators = {
                ast.unparse(decorator)
                for item in node.body
                if isinstance(item, ast.FunctionDef) and item.name == "read"
                for decorator in item.decorator_list
            }
            bases = {ast.unparse(base) for base in node.bases}
            if {"read", "write"} <= methods and "classmethod" in decorators and "Protocol" not in bases:
                yield node


@each_module
def test_each_structure_names_its_section(name: str) -> None:
    wrong = []
    for node in structures(name):
        first = (ast.get_docstring(node) or "").partition("\n")[0]
        if not SPECIFICATION.match(first):
            wrong.append(
                f"{MODULES[name]}:{node.lineno}: {node.name}: its docstring begins {first[:40]!r}, "
                "not with a specification and section"
            )
    assert not wrong, "\n".join(wrong)


@each_module
def test_files_stay_short(name: str) -> None:
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    limit = MAXIMUM_INIT_LINES if MODULES[name].name == "__init__.py" else MAXIMUM_LINES
    assert lines <= limit, f"{MODULES[name]}: {lines} lines, at most {limit}: split by kind of knowledge"


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("pyrdpmux.rdp.mcs.connect", "pyrdpmux.wire.ber", True),
        ("pyrdpmux.rdp.mcs.connect", "pyrdpmux.rdp.tls.endpoint", False),
        ("pyrdpmux.wire.reader", "pyrdpmux.rdp.x224.tpkt", False),
        ("pyrdpmux.rdp.connection.machine", "pyrdpmux.net.peer", False),
        ("pyrdpmux.mux.console.console", "pyrdpmux.harness.capture.pcap", False),
        ("pyrdpmux.mux.console.console", "pyrdpmux.mux.admission.acceptor", True),
        ("pyrdpmux.mux.admission.acceptor", "pyrdpmux.mux.console.console", False),
        ("pyrdpmux.harness.capture.pcap", "pyrdpmux.mux.console.console", False),
        ("pyrdpmux.rdp.connection.server.active", "pyrdpmux.rdp.connection.client.active", False),
        ("pyrdpmux.rdp.connection.server.active", "pyrdpmux.rdp.connection.machine", True),
        ("pyrdpmux.rdp.fastpath.update", "pyrdpmux.rdp.pdu.update", True),
        ("pyrdpmux.rdp.pdu.update", "pyrdpmux.rdp.fastpath.update", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert (import_violation(importer, imported) is None) is allowed
