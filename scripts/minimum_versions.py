"""Run the tests with the lowest versions that pyproject.toml allows: scripts/test-minimum-versions."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent

EXTRAS: Final = ("zmq", "h264", "jpeg", "test")

INTEROP_ONLY: Final = ("aardwolf",)
"""Foreign clients, which no test here starts."""

EXIT_CANNOT: Final = 3

REQUIREMENT: Final = re.compile(r"(?P<name>[\w-]+)>=(?P<version>[\d.]+)")

TESTS: Final = (
    "tests/wire/test_der.py",
    "tests/codec/avc",
    "tests/codec/bulk/test_matches.py",
    "tests/codec/test_batches.py",
    "tests/codec/test_bitmap.py",
    "tests/codec/test_compare.py",
    "tests/codec/test_jpeg.py",
    "tests/codec/test_pointer.py",
    "tests/rdp/nla",
    "tests/rdp/tls",
    "tests/files",
    "tests/pair/test_connect.py",
    "tests/mux/librdpmux",
    "tests/mux/guest",
    "tests/mux/libvirt",
    "tests/mux/demo",
    "tests/mux/picture",
    "tests/mux/test_embedded.py",
    "tests/mux/test_end_to_end.py",
)
"""What uses a package that somebody else makes."""

SELECTED: Final = "not long and not interop and not network_namespace"


def project() -> Any:
    """What pyproject.toml says of the package."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def minimum_versions() -> dict[str, str]:
    """The floor of everything that is needed to run and to test. ValueError for one that has none."""
    found = project()
    extras = found["optional-dependencies"]
    wanted = [*found["dependencies"], *[line for name in EXTRAS for line in extras[name]]]
    floors: dict[str, str] = {}
    for line in wanted:
        if line.startswith(f"{found['name']}["):
            continue
        match = REQUIREMENT.fullmatch(line)
        if match is None:
            raise ValueError(f"pyproject.toml: {line!r} has no lowest version")
        if match["name"] not in INTEROP_ONLY:
            floors[match["name"]] = match["version"]
    return floors


def lowest_python() -> str | None:
    """The Python of ``requires-python``; None where it is not installed."""
    version = project()["requires-python"].removeprefix(">=")
    for candidate in (sys.executable, shutil.which(f"python{version}")):
        if candidate is not None and _version_of(candidate) == version:
            return candidate
    return None


def _version_of(python: str) -> str:
    """MAJOR.MINOR; empty for a name that stands for nothing, as pyenv has them."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def install(python: str, directory: Path) -> None:
    """An environment with exactly these versions; what they need themselves is the newest that fits."""
    subprocess.run([python, "-m", "venv", directory], check=True)
    pins = [f"{name}=={version}" for name, version in minimum_versions().items()]
    pip = [str(directory / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "install", "-q", "--only-binary", ":all:", *pins], check=True)


def run_tests(directory: Path, arguments: list[str]) -> int:
    """pytest's exit code."""
    python = str(directory / "bin" / "python")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", SELECTED]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *(arguments or TESTS)], cwd=ROOT, env=environment, check=False
    ).returncode


def main(arguments: list[str]) -> int:
    python = lowest_python()
    if python is None:
        print(f"there is no Python {project()['requires-python']} here", file=sys.stderr)
        return EXIT_CANNOT
    with tempfile.TemporaryDirectory(prefix="pyrdpmux-minimum-") as name:
        try:
            install(python, Path(name))
        except subprocess.CalledProcessError as error:
            print(f"the lowest versions cannot be installed: {error}", file=sys.stderr)
            return EXIT_CANNOT
        return run_tests(Path(name), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
