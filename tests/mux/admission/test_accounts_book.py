"""Which accounts are in force for which VM: another value whenever they have become others."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.sam_file import remove_account, set_password
from pyrdpmux.mux.admission.account_file import AccountFile, GivenAccounts
from pyrdpmux.mux.admission.accounts_book import MAX_FILES, MAX_GENERATIONS, AccountsBook
from pyrdpmux.mux.admission.vm_overrides import VmOverrides
from pyrdpmux.mux.settings.access import Proved
from pyrdpmux.mux.settings.config import Config, SecuritySettings, VmSettings
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.rdp.nla.accounts import Accounts

CONFIG = Config(state_dir=Path("/state"), vms={"own": VmSettings(accounts=Path("/own.sam"))})


@dataclass(frozen=True)
class Vm:
    name: str
    serial: int = 1


def book(config: Config = CONFIG) -> AccountsBook:
    return AccountsBook(config, VmOverrides(), BlockingPool())


def path_of(made: AccountsBook, name: str | None) -> Path:
    source = made.source(name)
    assert isinstance(source, AccountFile)
    return source.path


def test_the_configurations_word_else_the_vms_own_else_the_common() -> None:
    made = book()
    made.set_own("own", Path("/brought.sam"), 1000)
    made.set_own("brings", Path("/brought.sam"), 1000)
    assert [path_of(made, name) for name in ("own", "brings", "other", None)] == [
        Path("/own.sam"),
        Path("/brought.sam"),
        Path("/state/accounts.sam"),
        Path("/state/accounts.sam"),
    ]


def test_common_accounts_are_common_and_others_are_one_consoles() -> None:
    made = book()
    assert made.in_force(Vm("a")) == made.in_force(Vm("b", 2)) == made.common
    assert made.in_force(Vm("own")) == made.in_force(Vm("own"))
    assert made.in_force(Vm("own")) != made.in_force(Vm("own", 2)), "another console of that name"
    for name in ("x", "y"):
        made.set_own(name, Path("/same.sam"), 1000)
    assert made.in_force(Vm("x")) != made.in_force(Vm("y"))


def test_what_was_something_else_in_between_is_something_else() -> None:
    made = book()
    seen = []
    for path, uid in ((Path("/a"), 1), (Path("/b"), 1), (Path("/a"), 1), (Path("/a"), 2), (None, None)):
        made.set_own("vm", path, uid)
        seen.append(made.in_force(Vm("vm")))
    made.set_own("vm", Path("/a"), 1)
    seen.append(made.in_force(Vm("vm")))
    assert len(set(seen)) == len(seen)
    assert not made.set_own("vm", Path("/a"), 1), "no news"
    assert made.in_force(Vm("vm")) == seen[-1]


def test_a_reload_changes_what_it_changes() -> None:
    made = book()
    common, own = made.common, made.in_force(Vm("own"))
    made.reload(replace(CONFIG, port=4000))
    assert (made.common, made.in_force(Vm("own"))) == (common, own)
    made.reload(replace(CONFIG, accounts=Path("/other.sam")))
    assert made.common != common
    assert made.in_force(Vm("own")) == own
    made.reload(CONFIG)
    assert made.common != common, "the same file, but there was another in between"
    made.reload(replace(CONFIG, vms={}))
    assert made.in_force(Vm("own")) == made.common
    made.reload(CONFIG)
    assert made.in_force(Vm("own")) != own


def with_accounts(vms: dict[str, str], patterns: dict[str, str]) -> Config:
    return replace(
        CONFIG,
        vms={name: VmSettings(accounts=Path(path)) for name, path in vms.items()},
        patterns={name: VmSettings(accounts=Path(path)) for name, path in patterns.items()},
    )


def test_accounts_by_a_pattern_are_each_consoles_own() -> None:
    made = book(with_accounts({"web-1": "/one.sam"}, {"web-*": "/web.sam"}))
    made.set_own("web-2", Path("/brought.sam"), 1000)
    assert [path_of(made, name) for name in ("web-1", "web-2", "mail")] == [
        Path("/one.sam"),
        Path("/web.sam"),
        Path("/state/accounts.sam"),
    ]
    in_force = [made.in_force(Vm(f"web-{number}", number)) for number in (1, 2, 3)]
    assert len(set(in_force)) == 3
    assert made.in_force(Vm("mail")) == made.common


def test_a_reload_of_patterns_begins_anew_what_it_changes_and_nothing_else() -> None:
    web, own = {"web-*": "/web.sam"}, {"web-1": "/own.sam"}
    made = book(with_accounts({}, web))
    one, two = Vm("web-1", 1), Vm("web-2", 2)
    first, untouched = made.in_force(one), made.in_force(two)
    seen = [first]
    for vms, patterns in (
        (own, web),
        ({}, web),
        ({}, {"web-?": "/other.sam", **web}),
        ({}, web),
    ):
        made.reload(with_accounts(vms, patterns))
        seen.append(made.in_force(one))
        if "web-?" in patterns:
            break
        assert made.in_force(two) == untouched
    assert len(set(seen)) == len(seen), "also what comes back is something else"
    made.reload(with_accounts({}, web))
    assert made.in_force(two) != untouched, "it had others for a while"


def test_what_is_remembered_of_configurations_is_bounded() -> None:
    made = book(with_accounts({"own": "/own.sam"}, {}))
    for number in range(MAX_GENERATIONS + 10):
        made.reload(with_accounts({"own": "/own.sam", "other": f"/{number}.sam"}, {}))
    assert made.in_force(Vm("own")) != made.in_force(Vm("other"))
    assert len(made._generations) == MAX_GENERATIONS


def test_given_accounts_are_everybodys() -> None:
    given = GivenAccounts(Accounts())
    made = AccountsBook(CONFIG, VmOverrides(), BlockingPool(), given)
    made.set_own("vm", Path("/a"), 1)
    common = made.common
    assert made.in_force(Vm("vm")) == made.in_force(Vm("own")) == common
    assert made.source("own") is given
    made.reload(replace(CONFIG, accounts=Path("/other.sam")))
    assert made.common == common


def test_files_that_are_remembered_are_bounded() -> None:
    made = book()
    for number in range(MAX_FILES + 10):
        made.set_own("vm", Path(f"/{number}"), 1000)
        made.source("vm")
    assert len(made._files) == MAX_FILES


def sam(path: Path, user: str) -> Path:
    set_password(path, user, "", "secret")
    return path


def test_files_of_another_configuration_are_read_before_it_is_taken_on(tmp_path: Path) -> None:
    common, own = sam(tmp_path / "accounts.sam", "alice"), sam(tmp_path / "own.sam", "bob")
    config = Config(state_dir=tmp_path)
    made = book(config)
    made.check_at_start()
    other = replace(config, vms={"vm": VmSettings(accounts=own)})
    own.write_text("bob\n")
    with pytest.raises(ConfigError, match=f"{own}:1: "):
        asyncio.run(made.prepare(other))
    own.unlink()
    asyncio.run(made.prepare(other))
    sam(own, "bob")
    asyncio.run(made.prepare(other))
    made.reload(other)
    for path in (common, own):
        path.write_text("broken\n")
    assert users(made, None, "alice") == ["alice"]
    assert users(made, "vm", "bob") == ["bob"], "as it was when it was read for the reload"


def test_what_a_file_said_before_it_was_out_of_use_is_forgotten(tmp_path: Path) -> None:
    """Alice could have been removed meanwhile, unseen."""
    common, other = sam(tmp_path / "accounts.sam", "alice"), sam(tmp_path / "other.sam", "bob")
    config = Config(state_dir=tmp_path)
    made = book(config)
    made.check_at_start()
    made.reload(replace(config, accounts=other))
    common.write_text("broken\n")
    made.reload(config)
    assert users(made, None, "alice") == []


def test_without_nla_files_may_be_as_they_like(tmp_path: Path) -> None:
    sam(tmp_path / "accounts.sam", "alice").write_text("broken\n")
    config = Config(state_dir=tmp_path, security=SecuritySettings(nla=False, tls=True))
    made = book(config)
    made.check_at_start()
    asyncio.run(made.prepare(config))
    with pytest.raises(ConfigError):
        book(Config(state_dir=tmp_path)).check_at_start()


def users(made: AccountsBook, vm: str | None, *names: str) -> list[str]:
    async def read() -> list[str]:
        table = await made.source(vm).read()
        return [name for name in names if table.find(name, "") is not None]

    return asyncio.run(read())


def test_an_account_that_was_removed_is_known_to_be_gone(tmp_path: Path) -> None:
    """As soon as the file has been read again; also if another of that name is there, with no domain."""
    common, own = sam(tmp_path / "accounts.sam", "alice"), sam(tmp_path / "own.sam", "bob")
    set_password(common, "alice", "CORP", "x")
    made = book(Config(state_dir=tmp_path, vms={"own": VmSettings(accounts=own)}))
    alice, in_corp, bob = Proved("alice"), Proved("Alice", "corp"), Proved("bob")
    assert all(made.may_have(Vm("mail"), who) for who in (alice, in_corp, bob)), "nobody has looked yet"
    made.check_at_start()
    assert [made.may_have(Vm("mail"), who) for who in (alice, in_corp, bob)] == [True, True, False]
    assert [made.may_have(Vm("own"), who) for who in (alice, in_corp, bob)] == [False, False, True]
    remove_account(common, "alice", "CORP")
    asyncio.run(made.refresh())
    assert [made.may_have(Vm("mail"), who) for who in (alice, in_corp)] == [True, False]
    made.set_own("brings", tmp_path / "brought.sam", 1000)
    assert made.may_have(Vm("brings"), bob)
    common.write_text("broken\n")
    asyncio.run(made.refresh())
    assert [made.may_have(Vm("mail"), who) for who in (alice, in_corp)] == [True, False]
