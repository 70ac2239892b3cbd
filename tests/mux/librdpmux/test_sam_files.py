"""The SAM files that VMs name: what is wrong with one hurts nobody, whenever it becomes wrong."""

import asyncio
import logging
import os
import resource
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.librdpmux import account_check
from pyrdpmux.mux.librdpmux.registration import Registration, RegistrationRefused
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.mux.support.fake_host import FakeHost, until

UUID = "6b8b4567-327b-23c6-643c-986966334873"


def vm(number: int, accounts: Path | None, uid: int | None = None) -> Registration:
    return Registration(
        vm_id=number,
        version=5,
        uuid=UUID[:-1] + str(number),
        owner=f":1.{number}",
        uid=os.getuid() if uid is None else uid,
        accounts=accounts,
    )


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def play(directory: Path, scenario: Callable[[LibrdpmuxServer], Awaitable[None]]) -> None:
    async def entered() -> None:
        server = LibrdpmuxServer(directory=directory, state_dir=directory, shared_memory=directory)
        async with asyncio.timeout(20):
            await server.start(FakeHost())
            try:
                await scenario(server)
            finally:
                await server.stop()

    asyncio.run(entered())


def test_a_sparse_file_of_two_gigabytes_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sparse.sam"
    path.touch()
    os.truncate(path, 2 << 30)

    async def scenario(server: LibrdpmuxServer) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        size = address_space()
        resource.setrlimit(resource.RLIMIT_AS, (size + (512 << 20), hard))
        try:
            with pytest.raises(RegistrationRefused, match="at most 1048576 allowed"):
                await server.register(vm(1, path))
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        assert server.guests == []

    play(tmp_path, scenario)


def test_a_pipe_in_its_place_after_registration(tmp_path: Path) -> None:
    path = tmp_path / "vm.sam"
    set_password(path, "alice", "", "secret")

    async def scenario(server: LibrdpmuxServer) -> None:
        await server.register(vm(1, path))
        path.unlink()
        os.mkfifo(path)
        [guest] = server.guests
        with pytest.raises(RegistrationRefused, match="not a regular file"):
            await server.set_accounts(guest, path)
        with pytest.raises(RegistrationRefused, match="not a regular file"):
            await server.register(vm(2, path))

    play(tmp_path, scenario)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "vm.sam"
    set_password(tmp_path / "real.sam", "alice", "", "secret")
    path.symlink_to(tmp_path / "real.sam")

    async def scenario(server: LibrdpmuxServer) -> None:
        with pytest.raises(RegistrationRefused, match="no SAM file of uid"):
            await server.register(vm(1, path))

    play(tmp_path, scenario)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have root's file")
def test_roots_file_is_for_roots_vms(tmp_path: Path) -> None:
    """Or a VM could ask of any file whether it exists and holds accounts."""
    path = tmp_path / "common.sam"
    set_password(path, "alice", "", "secret")

    async def scenario(server: LibrdpmuxServer) -> None:
        answers = []
        for asked in (path, tmp_path / "missing", Path("/etc/shadow"), Path("/root"), Path("/nowhere/x")):
            with pytest.raises(RegistrationRefused) as caught:
                await server.register(vm(1, asked, uid=1000))
            answers.append(str(caught.value).removeprefix(str(asked)))
        assert set(answers) == {": no SAM file of uid 1000 is there"}
        await server.register(vm(2, path, uid=0))

    play(tmp_path, scenario)


@pytest.mark.parametrize("text", ["/a\0b", "/\ud800", "/" + "x" * 5000, "relative"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(RegistrationRefused) as caught:
        vm(1, Path(text))
    assert len(str(caught.value)) < 200


def test_the_answer_is_one_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario(server: LibrdpmuxServer) -> None:
        with pytest.raises(RegistrationRefused):
            await server.register(vm(1, tmp_path / "a\nEVERYTHING IS FINE\x1b[2J"))

    play(tmp_path, scenario)
    assert "EVERYTHING IS FINE" in caplog.text
    assert not any("\n" in text or "\x1b" in text for text in caplog.messages)


def test_a_file_that_hangs_delays_only_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead network file system, say."""
    goes_on = threading.Event()
    hangs = threading.Event()

    def read(path: Path, owners: frozenset[int] | None, **_: object) -> bytes:
        hangs.set()
        goes_on.wait(10)
        return b""

    monkeypatch.setattr(account_check, "read_protected", read)

    async def scenario(server: LibrdpmuxServer) -> None:
        slow = [
            asyncio.create_task(server.register(vm(number, Path("/nfs/x.sam"), 1000))) for number in (1, 2)
        ]
        await until(hangs.is_set)
        behind = asyncio.create_task(server.register(vm(3, None, 1000)))
        await server.register(vm(4, None, 1001))
        assert not any(task.done() for task in [*slow, behind])
        goes_on.set()
        await asyncio.gather(*slow, behind)
        assert len(server.guests) == 4

    play(tmp_path, scenario)


def test_a_hundred_vms_of_one_user_with_files_at_once(tmp_path: Path) -> None:
    """As when libvirt starts: they wait for each other, and none is refused."""
    path = tmp_path / "vm.sam"
    set_password(path, "alice", "", "secret")

    async def scenario(server: LibrdpmuxServer) -> None:
        registrations = [
            replace(vm(1, path), vm_id=number, uuid=f"{UUID[:-3]}{number:03d}", owner=f":1.{number}")
            for number in range(100)
        ]
        await asyncio.gather(*[server.register(registration) for registration in registrations])
        assert len(server.guests) == 100

    play(tmp_path, scenario)


def test_a_long_file_is_parsed_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "user{}:::0123456789abcdef0123456789abcdef:::\n"
    path = tmp_path / "vm.sam"
    path.write_text("".join([line.format(number) for number in range(9000)]))
    sizes: list[int] = []
    parse = Accounts.parse

    def counting(data: bytes, where: Path) -> Accounts:
        sizes.append(data.count(b"\n"))
        return parse(data, where)

    monkeypatch.setattr(Accounts, "parse", counting)

    async def scenario(server: LibrdpmuxServer) -> None:
        await server.register(vm(1, path))
        assert sum(sizes) == 9000
        assert max(sizes) <= account_check.LINES_PER_STEP
        path.write_bytes(b"\n" * (1 << 20))
        with pytest.raises(RegistrationRefused, match="more than 32768 lines"):
            await server.register(vm(2, path))
        path.write_bytes(b"#\n" * 1000 + b"not:a:sam:file\n")
        with pytest.raises(RegistrationRefused, match="not a SAM file") as caught:
            await server.register(vm(2, path))
        assert "not:a" not in str(caught.value)

    play(tmp_path, scenario)
