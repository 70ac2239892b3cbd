"""The SAM file of a running daemon, read for every logon, by whoever it may have become since."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.admission.account_file import AccountFile, GivenAccounts, ParsedFiles
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.rdp.nla.accounts import Account, Accounts

T = TypeVar("T")


def find(file: AccountFile | GivenAccounts, user: str) -> Account | None:
    async def read() -> Account | None:
        return (await file.read()).find(user, "")

    return asyncio.run(read())


def test_follows_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.sam"
    accounts = AccountFile(path, BlockingPool())
    assert find(accounts, "alice") is None
    set_password(path, "alice", "", "one")
    first = find(accounts, "alice")
    assert first is not None
    set_password(path, "alice", "", "two")
    second = find(accounts, "alice")
    assert second is not None
    assert second.nt_hash != first.nt_hash
    path.unlink()
    assert find(accounts, "alice") is None


def test_a_bad_line_leaves_in_force_what_was_there_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool())
    good = path.read_text()
    before = find(accounts, "alice")
    for _ in range(3):
        path.write_text(f"{good}bob:nonsense\n")
        assert find(accounts, "alice") is before is not None
        assert find(accounts, "bob") is None
    assert caplog.text.count("Accounts cannot be used") == 1
    assert f"{path}:2: expected user:domain:lmhash:nthash:::; what the file said before" in caplog.text
    set_password(path.with_name("b.sam"), "bob", "", "two")
    path.write_text(path.with_name("b.sam").read_text())
    assert find(accounts, "alice") is None
    assert find(accounts, "bob") is not None
    path.write_text("bob:nonsense\n")
    assert find(accounts, "alice") is None, "who was removed in between stays so"


@pytest.mark.parametrize("is_loose", [False, True], ids=["gone", "open to others"])
def test_a_file_that_is_taken_away_takes_what_it_said_with_it(tmp_path: Path, is_loose: bool) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool())
    assert find(accounts, "alice") is not None
    if is_loose:
        path.chmod(0o666)
    else:
        path.unlink()
    assert find(accounts, "alice") is None
    path.write_text("broken\n")
    path.chmod(0o600)
    assert find(accounts, "alice") is None


def test_a_version_that_nobody_has_logged_on_with_counts_all_the_same(tmp_path: Path) -> None:
    """Alice is removed, then somebody makes a mistake: she must not come back by it."""
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool())
    assert find(accounts, "alice") is not None
    path.write_text("# nobody\n")
    asyncio.run(accounts.refresh())
    path.write_text("broken\n")
    assert find(accounts, "alice") is None


def test_a_guests_file_with_a_bad_line_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool(), guest_uid=os.geteuid())
    assert find(accounts, "alice") is not None
    path.write_text(path.read_text() + "broken\n")
    assert find(accounts, "alice") is None


def test_a_check_finds_what_is_wrong_and_takes_on_what_is_right(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    accounts = AccountFile(path, BlockingPool())
    accounts.check_at_start()
    asyncio.run(accounts.check())
    set_password(path, "alice", "", "one")
    asyncio.run(accounts.check())
    path.write_text("broken\n")
    with pytest.raises(ConfigError, match=f"{path}:1: expected"):
        asyncio.run(accounts.check())
    with pytest.raises(ConfigError, match=f"{path}:1: expected"):
        AccountFile(path, BlockingPool()).check_at_start()
    assert find(accounts, "alice") is not None
    path.chmod(0o640 | 0o004)
    with pytest.raises(ConfigError, match="everybody may read it"):
        asyncio.run(accounts.check())


def test_an_unchanged_file_is_parsed_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool())
    first = find(accounts, "alice")
    assert find(accounts, "alice") is first


def test_what_cannot_be_used_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    accounts = AccountFile(tmp_path / "nowhere.sam", BlockingPool())
    for _ in range(5):
        assert find(accounts, "alice") is None
    assert caplog.text.count("Accounts cannot be used") == 1


def test_a_guests_file_that_becomes_something_else_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At every read, not only when it was named: a pipe does not hold anybody up, a link leads nowhere."""
    path, other = tmp_path / "a.sam", tmp_path / "b.sam"
    for file in (path, other):
        set_password(file, "alice", "", "one")
    accounts = AccountFile(path, BlockingPool(), guest_uid=os.geteuid())
    assert find(accounts, "alice") is not None
    path.unlink()
    os.mkfifo(path)
    assert find(accounts, "alice") is None
    path.unlink()
    path.symlink_to(other)
    assert find(accounts, "alice") is None
    path.unlink()
    with path.open("wb") as sparse:
        sparse.truncate(2 << 30)
    assert find(accounts, "alice") is None
    assert caplog.text.count("Accounts cannot be used") == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_guests_file_is_its_users(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    os.chown(path, 12345, -1)
    assert find(AccountFile(path, BlockingPool(), guest_uid=12345), "alice") is not None
    assert find(AccountFile(path, BlockingPool(), guest_uid=54321), "alice") is None
    os.chown(path, 0, -1)
    assert find(AccountFile(path, BlockingPool(), guest_uid=12345), "alice") is None, "nor root's"


def test_many_at_a_time_share_a_read_and_each_sees_what_was_written_before_it_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")

    async def scenario() -> None:
        pool = CountingPool()
        accounts = AccountFile(path, pool)
        first = [asyncio.get_running_loop().create_task(accounts.read()) for _ in range(50)]
        await asyncio.sleep(0)
        set_password(path, "bob", "", "two")
        later = [asyncio.get_running_loop().create_task(accounts.read()) for _ in range(50)]
        assert all(table.find("alice", "") for table in await asyncio.gather(*first))
        assert all(table.find("bob", "") for table in await asyncio.gather(*later))
        assert pool.jobs <= 3

    asyncio.run(scenario())


class CountingPool(BlockingPool):
    def __init__(self) -> None:
        super().__init__()
        self.jobs = 0

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        self.jobs += 1
        return await super().run(owner, job)


def test_what_is_remembered_of_files_has_a_size() -> None:
    parsed, table = ParsedFiles(100), Accounts()
    for number in range(10):
        parsed.put(number, bytes(30), table)
    assert [number for number in range(10) if parsed.get(number) is not None] == [7, 8, 9]
    parsed.put(8, bytes(90), table)
    assert len(parsed) == 1
    parsed.put("too large", bytes(101), table)
    assert len(parsed) == 0
    parsed.put("again", bytes(100), table)
    assert parsed.get("again") == (bytes(100), table)


def test_given_accounts_are_what_they_are() -> None:
    accounts = Accounts().with_password("alice", "", "secret")
    assert find(GivenAccounts(accounts), "alice") is not None
    assert find(GivenAccounts(accounts), "bob") is None
