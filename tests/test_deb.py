"""The Debian package in a fresh Debian 12: installed, asked for its version, checked, and seen."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux.harness.programs import free_port
from scripts.build_deb import PYTHON_VERSION, build
from tests.mux.rdp_client import connected
from tests.mux.serving import run

SUITE = "bookworm"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

pytestmark = [
    pytest.mark.long,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a chroot"),
    pytest.mark.skipif(
        None in (shutil.which("debootstrap"), shutil.which("dpkg-deb")),
        reason="needs debootstrap and dpkg-deb",
    ),
]


class Chroot:
    """A Debian of its own, with our package."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["chroot", self.root, *command], env=ENVIRONMENT, capture_output=True, text=True, check=False
        )

    def output(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *command: str) -> Iterator["subprocess.Popen[str]"]:
        process = subprocess.Popen(
            ["chroot", self.root, *command], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def mirror() -> str:
    """Where this machine has its packages from, if it says so."""
    for path in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian*")]:
        if path.exists() and (match := re.search(r"https?://\S+/debian/?(?=\s)", path.read_text())):
            return match[0]
    return "http://deb.debian.org/debian"


@contextmanager
def devices(root: Path) -> Iterator[None]:
    """What processes expect of a system; never left behind."""
    mounted: list[Path] = []
    try:
        for name in ("proc", "dev/shm"):
            (root / name).mkdir(parents=True, exist_ok=True)
            kind = "proc" if name == "proc" else "tmpfs"
            subprocess.run(["mount", "-t", kind, kind, root / name], check=True)
            mounted.append(root / name)
        yield
    finally:
        for path in reversed(mounted):
            subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture(scope="module")
def chroot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroot]:
    directory = tmp_path_factory.mktemp("deb")
    package = build(directory, PYTHON_VERSION, "test <root@localhost>")
    root = directory / "root"
    command = ["debootstrap", "--variant=minbase", "--include=python3", SUITE, str(root), mirror()]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    shutil.copy(package, root / "pyrdpmux.deb")
    with devices(root):
        found = Chroot(root)
        found.output("dpkg", "--install", "/pyrdpmux.deb")
        yield found


def test_it_runs(chroot: Chroot) -> None:
    assert re.fullmatch(r"pyrdpmux \d+\.\d+\.\d+\n", chroot.output("pyrdpmux", "--version"))
    assert "pyrdpmux-opener" in chroot.output("pyrdpmux-opener", "--help")


def test_its_users_and_files_are_there(chroot: Chroot) -> None:
    assert chroot.output("stat", "-c", "%U:%G %a", "/etc/pyrdpmux/pyrdpmux.toml") == "root:pyrdpmux 640\n"
    assert "pyrdpmux-vms" in chroot.output("getent", "group", "pyrdpmux-vms")
    listed = chroot.output("dpkg", "--listfiles", "pyrdpmux")
    for name in (
        "systemd/system/pyrdpmux.service",
        "man8/pyrdpmux-serve.8.gz",
        "system.d/org.RDPMux.RDPMux.conf",
        "bash-completion/completions/pyrdpmux",
        "zsh/site-functions/_pyrdpmux",
        "vendor_completions.d/pyrdpmux.fish",
    ):
        assert name in listed


def test_its_configuration_is_in_order(chroot: Chroot) -> None:
    checked = chroot.run("pyrdpmux", "serve", "--check", "--bus", "none", "--demo", "demo")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_command_installs_into_a_system_that_runs(chroot: Chroot) -> None:
    done = chroot.run("pyrdpmux", "install-service")
    assert done.returncode == 0, done.stderr
    assert "installed /usr/local/lib/systemd/system/pyrdpmux.service" in done.stdout
    assert "kept      /etc/pyrdpmux/pyrdpmux.toml" in done.stdout
    assert "systemctl enable --now" in done.stdout
    assert "/usr/local/lib/sysusers.d/pyrdpmux.conf: systemd-sysusers could not" in done.stderr
    removed = chroot.output("pyrdpmux", "install-service", "--remove")
    assert "removed   /usr/local/lib/systemd/system/pyrdpmux.service" in removed


def test_a_viewer_sees_the_demo(chroot: Chroot) -> None:
    port = free_port()
    with chroot.running("pyrdpmux", "demo", "--port", str(port)) as process:
        assert process.stdout is not None
        facts = dict(next(process.stdout).split(maxsplit=1) for _ in range(3))

        async def scenario() -> None:
            user, password = facts["user"].strip(), facts["password"].strip()
            async with connected(port, user=user, password=password) as client:
                await client.until(
                    lambda: client.picture.shape == (768, 1024, 4) and bool(client.picture.any())
                )

        run(scenario)


def test_purged_nothing_of_it_is_left(chroot: Chroot) -> None:
    """The last of these tests."""
    chroot.output("dpkg", "--purge", "pyrdpmux")
    left = [
        name
        for name in ("usr/lib/pyrdpmux", "etc/pyrdpmux", "usr/bin/pyrdpmux")
        if (chroot.root / name).exists()
    ]
    assert left == []
