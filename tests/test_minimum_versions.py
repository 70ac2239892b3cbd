"""The lowest versions in pyproject.toml are enough: the tests run with exactly these."""

import pytest

from scripts.minimum_versions import ROOT, TESTS, install, lowest_python, minimum_versions, run_tests

WITH_WHEELS_FOR_THEIR_PYTHON = (
    "numpy",
    "cryptography",
    "pynng",
    "msgpack",
    "dbus-fast",
    "lz4",
    "pyzmq",
    "av",
    "pillow",
)


def test_everything_has_a_lowest_version() -> None:
    assert minimum_versions().keys() >= {*WITH_WHEELS_FOR_THEIR_PYTHON, "pyasn1", "pytest", "hypothesis"}


def test_the_tests_are_there() -> None:
    assert all((ROOT / path).exists() for path in TESTS)


@pytest.mark.long
def test_they_are_enough(tmp_path_factory: pytest.TempPathFactory) -> None:
    python = lowest_python()
    if python is None:
        pytest.skip("needs the lowest Python that is supported")
    directory = tmp_path_factory.mktemp("minimum") / "env"
    install(python, directory)
    assert run_tests(directory, []) == 0
