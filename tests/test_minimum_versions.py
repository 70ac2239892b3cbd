"""The lowest versions in pyproject.toml are enough: the tests run with exactly these."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.minimum_versions import ROOT, TESTS, install, lowest_python, minimum_versions, run_tests

PACKAGES = {
    "numpy",
    "cryptography",
    "pyasn1",
    "pynng",
    "msgpack",
    "dbus-fast",
    "lz4",
    "pyzmq",
    "av",
    "pillow",
}

FEW = [
    "tests/wire/test_der.py",
    "tests/codec/bulk/test_matches.py",
    "tests/codec/test_jpeg.py",
    "tests/mux/librdpmux/test_dbus_service.py",
    "tests/mux/librdpmux/test_router.py",
    "tests/mux/test_end_to_end.py",
]
"""Each package is used in one of them."""

IMPORT_ALL = """
import pkgutil, pyrdpmux, importlib
for module in pkgutil.walk_packages(pyrdpmux.__path__, "pyrdpmux."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = lowest_python()
    if python is None:
        pytest.skip("needs the lowest Python that is supported")
    directory = tmp_path_factory.mktemp("minimum") / "env"
    install(python, directory)
    return directory


def test_everything_has_a_lowest_version() -> None:
    assert minimum_versions().keys() >= PACKAGES | {"pytest", "hypothesis", "pyspnego"}


@pytest.mark.parametrize("path", [*TESTS, *FEW])
def test_the_tests_are_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="needs the package index, which CI has")
def test_they_are_enough_for_everything_to_be_imported_and_used(environment: Path) -> None:
    command = [str(environment / "bin" / "python"), "-W", "error", "-c", IMPORT_ALL]
    imported = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert imported.returncode == 0, imported.stderr
    assert run_tests(environment, FEW) == 0


@pytest.mark.long
def test_they_are_enough_for_the_tests(environment: Path) -> None:
    assert run_tests(environment, []) == 0
