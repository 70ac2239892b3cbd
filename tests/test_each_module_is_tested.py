"""Every module has a test: one beside it that imports it, or one in front of it that drives it.

A module's tests are in the folder that mirrors its own, ``pyrdpmux/rdp/mcs/gcc.py`` in ``tests/rdp/mcs``.
Some modules are inner parts of what a test drives as a whole: they are listed with that test, by name, so
that a new module is never tested by accident, nor by nothing.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.test_architecture import MODULES, PACKAGE, ROOT, imports

TESTS = ROOT / "tests"


def imported_by(tree: ast.AST) -> set[str]:
    """Modules, and names in them, that a test file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@cache
def imported_by_tests() -> dict[Path, set[str]]:
    """By test file; read when it is first asked for, not when tests are collected."""
    return {
        path: imported_by(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__)
    }


#: Modules that no test beside them imports, by the test that runs most of their lines: halves of a codec,
#: phases and parts of a connection or of a guest's session. One leaves when it gets a test of its own.
TESTED_THROUGH = {
    "codec/test_interleaved.py": {
        "codec.interleaved_decoder",
        "codec.interleaved_encoder",
    },
    "codec/test_planar.py": {
        "codec.planar_decoder",
    },
    "codec/test_nscodec.py": {
        "codec.nscodec_rle",
    },
    "codec/bulk/test_packets.py": {
        "codec.bulk.prefix_decoder",
    },
    "codec/clear/test_encoder.py": {
        "codec.clear.band_encoder",
        "codec.clear.residual",
    },
    "codec/clear/test_decoder.py": {
        "codec.clear.band_decoder",
    },
    "wire/test_reader.py": {
        "wire.structure",
    },
    "rfb/test_client.py": {
        "rfb.handshake",
        "rfb.steps",
        "rfb.updates",
    },
    "rfb/test_rectangles.py": {
        "rfb.rectangles.compressed",
        "rfb.rectangles.cursors",
        "rfb.rectangles.hextile",
        "rfb.rectangles.painting",
        "rfb.rectangles.plain",
        "rfb.rectangles.zrle",
    },
    "rdp/connection/test_transcripts.py": {
        "rdp.connection.server.gcc_blocks",
        "rdp.connection.server.secure_settings",
        "rdp.connection.server.session",
        "rdp.connection.server.settings",
    },
    "rdp/connection/test_drawing.py": {
        "rdp.connection.server.active",
        "rdp.connection.server.output",
    },
    "rdp/connection/test_client.py": {
        "rdp.connection.client.session",
    },
    "pair/test_connect.py": {
        "rdp.connection.server.security",
        "rdp.connection.client.secure_settings",
    },
    "pair/test_licensing.py": {
        "rdp.connection.client.licensing",
    },
    "rdp/connection/test_gateway.py": {
        "rdp.connection.server.late_initiation",
    },
    "pair/test_dynamic_channels.py": {
        "rdp.connection.client.channels.display_control",
        "rdp.connection.client.channels.table",
        "rdp.connection.server.channels.display_control",
        "rdp.connection.server.channels.table",
    },
    "pair/test_graphics.py": {
        "rdp.connection.client.channels.graphics",
        "rdp.connection.server.channels.graphics",
    },
    "rdp/pdu/test_licensing.py": {
        "rdp.pdu.licensing.preamble",
    },
    "rdp/pdu/capabilities/test_envelope.py": {
        "rdp.pdu.capabilities.types",
    },
    "rdp/test_redundant_lengths.py": {
        "rdp.x224.tpkt",
    },
    "harness/capture/test_obstacles.py": {
        "harness.capture.pcapng",
        "harness.capture.roles",
    },
    "harness/capture/test_tls_capture.py": {
        "harness.capture.tls_protection",
    },
    "harness/peers/test_client.py": {
        "harness.peers.input",
    },
    "interop/client.py": {
        "harness.display",
    },
    "mux/console/test_viewer.py": {
        "mux.console.stage",
    },
    "cli/test_type_command.py": {
        "mux.control.type_text",
    },
    "mux/demo/test_machine.py": {
        "mux.demo.card",
    },
    "mux/librdpmux/test_server.py": {
        "mux.librdpmux.bus_turns",
        "mux.librdpmux.router_door",
    },
    "mux/librdpmux/test_dbus_service.py": {
        "mux.librdpmux.dbus_objects",
    },
    "cli/test_check.py": {
        "cli.check_command",
    },
    "cli/test_needed_packages.py": {
        "mux.librdpmux.requirements",
    },
    "mux/librdpmux/test_router.py": {
        "mux.librdpmux.zmq_socket",
    },
    "test_cli.py": {
        "cli.client_commands",
        "cli.daemon_commands",
    },
}


def mirrored_folder(name: str) -> Path:
    """Where the tests of a module are: as deep as there are folders of tests."""
    folder = TESTS / MODULES[name].parent.relative_to(PACKAGE)
    while not folder.is_dir():
        folder = folder.parent
    return folder


def has_a_test_of_its_own(name: str) -> bool:
    """In the mirrored folder: a file of its name, or one that imports it."""
    folder = mirrored_folder(name)
    if (folder / f"test_{MODULES[name].stem}.py").is_file():
        return True
    return any(
        name in imported
        for path, imported in imported_by_tests().items()
        # What lies at the top of the tests is about the package as a whole.
        if path.is_relative_to(folder) and (folder != TESTS or path.parent == TESTS)
    )


def reached_from(path: Path) -> set[str]:
    """Modules that a test file imports, those that these import, and so on; also through the tests' own."""
    found: set[str] = set()
    waiting = list(imported_by_tests()[path])
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in MODULES:
            waiting += [inner for _, inner in imports(name)]
        else:
            waiting += imported_by_tests().get(ROOT.joinpath(*name.split(".")).with_suffix(".py"), ())
    return found


@pytest.mark.parametrize("name", [n for n in MODULES if not MODULES[n].stem.startswith("__")])
def test_each_module_is_tested(name: str) -> None:
    """By a test of its own, or through what is named in TESTED_THROUGH, and not both."""
    through = [path for path, parts in TESTED_THROUGH.items() if name.removeprefix("pyrdpmux.") in parts]
    if has_a_test_of_its_own(name):
        assert not through, f"{name} has a test of its own: take it out of TESTED_THROUGH[{through[0]!r}]"
    else:
        assert through, f"no test in {mirrored_folder(name)} imports {name}, nor is it in TESTED_THROUGH"


@pytest.mark.parametrize("path", TESTED_THROUGH)
def test_what_is_tested_through_a_file_is_reached_by_it(path: str) -> None:
    reached = reached_from(TESTS / path)
    missing = [part for part in TESTED_THROUGH[path] if f"pyrdpmux.{part}" not in reached]
    assert not missing, f"tests/{path} does not reach {missing}"
