"""Build a Debian package that brings all Python packages along: scripts/build-deb.

It holds everything below /usr/lib/pyrdpmux, for the one version of Python that it depends on, and what
``pyrdpmux install-service`` puts beside it.
"""

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent

LIBRARY: Final = Path("usr/lib/pyrdpmux")
CONFIGURATION: Final = "etc/pyrdpmux/pyrdpmux.toml"
EXTRAS: Final = "zmq"
"""VMs of librdpmux 3 to 5 need it; pictures' and videos' codecs would double the size."""

PYTHON_VERSION: Final = "3.11"
"""Debian 12's."""

NOT_NEEDED: Final = ("bin", "numpy/f2py", "**/tests", "**/__pycache__", "**/*.pyi", "**/*.pyx", "**/*.lib")
"""In the library: nothing imports it when pyrdpmux runs."""

LAUNCHER: Final = """\
#!/usr/bin/python3 -I
import sys

sys.path.insert(0, "/{library}")
from {module} import {function}

sys.exit({function}())
"""

CONTROL: Final = """\
Package: pyrdpmux
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= {python}~), python3 (<< {next_python}~)
Recommends: dbus, systemd
Section: admin
Priority: optional
Description: {description}
 A daemon that gives every virtual machine a Remote Desktop console: QEMU, libvirt,
 VNC servers and hypervisors with librdpmux. This package brings the Python packages
 that it needs along, in /{library}.
"""

POSTINST: Final = """\
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/pyrdpmux.conf
else
    getent group pyrdpmux-vms >/dev/null || groupadd --system pyrdpmux-vms
    getent passwd pyrdpmux >/dev/null || useradd --system --user-group --no-create-home \\
        --home-dir /var/lib/pyrdpmux --shell /usr/sbin/nologin pyrdpmux
fi
chgrp pyrdpmux /{configuration}
python3 -m compileall -q /{library}
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reload dbus.service || true
    [ -z "$2" ] || systemctl try-restart pyrdpmux-opener.socket pyrdpmux.service
fi
"""

PRERM: Final = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now pyrdpmux.service pyrdpmux-opener.socket pyrdpmux-opener.service || true
fi
find /{library} -name __pycache__ -prune -exec rm -rf {{}} +
"""

POSTRM: Final = """\
#!/bin/sh
set -e
[ "$1" != purge ] || rm -rf /var/lib/pyrdpmux
[ ! -d /run/systemd/system ] || systemctl daemon-reload
"""


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: str | Path, library: Path | None = None) -> str:
    """What it prints. Python finds what is in ``library`` before all that is installed."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    if library is not None:
        environment |= {"PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def install_library(stage: Path, python_version: str) -> None:
    """pyrdpmux and all that it imports."""
    with tempfile.TemporaryDirectory() as name:
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", name)
        [wheel] = Path(name).glob("*.whl")
        options = ("--target", stage / LIBRARY, "--python-version", python_version, "--only-binary", ":all:")
        run(sys.executable, "-m", "pip", "install", "-q", "--no-compile", *options, f"{wheel}[{EXTRAS}]")
    for pattern in NOT_NEEDED:
        for path in sorted((stage / LIBRARY).glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def install_commands(stage: Path) -> None:
    directory = stage / "usr/bin"
    directory.mkdir(parents=True)
    for name, entry in project()["scripts"].items():
        module, _, function = entry.partition(":")
        path = directory / name
        path.write_text(LAUNCHER.format(library=LIBRARY, module=module, function=function), encoding="utf-8")
        path.chmod(0o755)


def install_service(stage: Path) -> None:
    """With the command that everybody has who installs the wheel, as the wheel has it: with completion."""
    options = ("--root", stage, "--prefix", "/usr", "--bin", "/usr/bin")
    # -P: not the one of the directory that this runs in.
    run(sys.executable, "-P", "-m", "pyrdpmux", "install-service", *options, library=stage / LIBRARY)
    for page in (stage / "usr/share/man").rglob("*.[0-9]"):
        (page.parent / f"{page.name}.gz").write_bytes(gzip.compress(page.read_bytes(), mtime=0))
        page.unlink()
    documents = stage / "usr/share/doc/pyrdpmux"
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents / "copyright")


def write_control(stage: Path, python_version: str, maintainer: str) -> str:
    """What dpkg reads; the name of the package's file."""
    directory, about = stage / "DEBIAN", project()
    size = sum(path.lstat().st_size for path in files_of(stage)) // 1024
    architecture = run("dpkg", "--print-architecture").strip()
    major, _, minor = python_version.partition(".")
    directory.mkdir()
    control = CONTROL.format(
        version=about["version"],
        architecture=architecture,
        maintainer=maintainer,
        size=size,
        python=python_version,
        next_python=f"{major}.{int(minor) + 1}",
        description=about["description"],
        library=LIBRARY,
    )
    (directory / "control").write_text(control, encoding="utf-8")
    configured = sorted(f"/{path.relative_to(stage)}\n" for path in files_of(stage / "etc"))
    (directory / "conffiles").write_text("".join(configured), encoding="utf-8")
    for name, text in (("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)):
        script = text.format(library=LIBRARY, configuration=CONFIGURATION)
        (directory / name).write_text(script, encoding="utf-8")
        (directory / name).chmod(0o755)
    return f"pyrdpmux_{about['version']}_{architecture}.deb"


def files_of(stage: Path) -> Iterator[Path]:
    return (path for path in stage.rglob("*") if path.is_file())


def build(output: Path, python_version: str, maintainer: str) -> Path:
    """The package. CalledProcessError if one of the programs fails."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name) / "stage"
        stage.mkdir(mode=0o755)
        install_library(stage, python_version)
        install_commands(stage)
        install_service(stage)
        package = output / write_control(stage, python_version, maintainer)
        run("dpkg-deb", "--root-owner-group", "--build", stage, package)
    return package


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/build-deb", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist")
    parser.add_argument(
        "--python-version", default=PYTHON_VERSION, metavar="X.Y", help="default: Debian 12's"
    )
    parser.add_argument("--maintainer", default="root <root@localhost>", metavar="NAME <ADDRESS>")
    options = parser.parse_args(arguments)
    print(build(options.output, options.python_version, options.maintainer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
