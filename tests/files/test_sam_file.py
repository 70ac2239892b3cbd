"""The SAM file."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import write_private
from pyrdpmux.files.sam_file import load_accounts, remove_account, set_password
from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla.accounts import Account, Accounts

ALICE = "8846f7eaee8fb117ad06bdd830b7586c"  # "password"
SAM = f"""# made by hand

alice:::{ALICE}:::
bob:LAB:{"0" * 32}:{"b" * 32}:::
bob::aad3b435b51404eeaad3b435b51404ee:{"C" * 32}
"""


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    path = tmp_path / "sam"
    write_private(path, SAM.encode())
    return path


def test_lookup_takes_the_domain_first_and_an_account_without_domain_for_any(sam: Path) -> None:
    accounts = load_accounts(sam)
    assert accounts.nt_hash("alice", "") == bytes.fromhex(ALICE) == nt_hash("password")
    assert accounts.nt_hash("ALICE", ".") == accounts.nt_hash("Alice", "SERVER") == bytes.fromhex(ALICE)
    assert accounts.nt_hash("bob", "lab") == b"\xbb" * 16
    assert accounts.nt_hash("BOB", "elsewhere") == b"\xcc" * 16
    assert accounts.nt_hash("carol", "") is None
    assert Accounts().nt_hash("", "") is None


def test_an_account_of_a_domain_is_not_for_another(tmp_path: Path) -> None:
    path = tmp_path / "sam"
    write_private(path, f"bob:LAB::{'b' * 32}:::\n".encode())
    accounts = load_accounts(path)
    assert accounts.nt_hash("bob", "OTHER") is None
    assert accounts.nt_hash("bob", "") is None


def test_the_first_of_two_accounts_counts(tmp_path: Path) -> None:
    path = tmp_path / "sam"
    write_private(path, f"bob:::{'b' * 32}:::\nBOB:::{'c' * 32}:::\n".encode())
    assert load_accounts(path).nt_hash("bob", "") == b"\xbb" * 16


def test_how_many_accounts_there_are_costs_nothing() -> None:
    """Nor whether a name is among them: nothing is compared with all of them."""
    folded = 0

    class Name(str):
        __slots__ = ()

        def upper(self) -> str:
            nonlocal folded
            folded += 1
            return super().upper()

    accounts = Accounts(tuple([Account(Name(f"user{number}"), Name(), bytes(16)) for number in range(100)]))
    folded = 0
    assert accounts.find("USER99", "X") is not None
    assert accounts.find("nobody", "X") is None
    assert folded == 0


def test_hashes_do_not_show(sam: Path) -> None:
    assert ALICE not in repr(load_accounts(sam))
    assert repr(nt_hash("password")) not in repr(load_accounts(sam))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alice", "expected user:domain"),
        ("alice:::", "NT hash"),
        (f"alice:::{ALICE}:::extra:", "expected user:domain"),
        (f":::{ALICE}:::", "user name is empty"),
        ("alice:::xyz:::", "NT hash"),
        (f"alice:::{ALICE[:-2]}:::", "NT hash"),
        (f"alice::12:{ALICE}:::", "LM hash"),
    ],
)
def test_a_bad_line_is_named(sam: Path, line: str, reason: str) -> None:
    sam.write_text(f"# first\n{line}\n")
    with pytest.raises(ConfigError, match=f"sam:2: .*{reason}"):
        load_accounts(sam)


def test_files_that_are_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: cannot read"):
        load_accounts(tmp_path / "none")
    write_private(tmp_path / "bin", b"alice\xff")
    with pytest.raises(ConfigError, match=r"bin: not UTF-8 text \(byte 5\)"):
        load_accounts(tmp_path / "bin")


def test_a_password_is_added_and_replaced_in_place(sam: Path) -> None:
    assert set_password(sam, "Alice", "", "new") is False
    assert set_password(sam, "dora", "LAB", "hidden") is True
    accounts = load_accounts(sam)
    assert accounts.nt_hash("alice", "") == nt_hash("new")
    assert accounts.nt_hash("dora", "LAB") == nt_hash("hidden")
    lines = sam.read_text().splitlines()
    assert lines[:2] == ["# made by hand", ""]
    assert lines[2] == f"Alice:::{nt_hash('new').hex()}:::"
    assert lines[3:5] == SAM.splitlines()[3:5]
    assert len(lines) == 6


def test_the_file_is_for_its_owner_only(sam: Path, tmp_path: Path) -> None:
    sam.chmod(0o644)
    with pytest.raises(ConfigError, match="sam: mode 0644, everybody may read it: run `chmod o-rw,g-w "):
        load_accounts(sam)
    with pytest.raises(ConfigError, match="sam: mode 0644, everybody may read it"):
        set_password(sam, "alice", "", "x")
    assert sam.read_text() == SAM
    assert set_password(tmp_path / "new", "alice", "", "x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "sam"]


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o660])
def test_a_file_that_others_may_have_written_is_not_made_to_look_private(sam: Path, mode: int) -> None:
    sam.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}"):
        set_password(sam, "alice", "", "x")
    with pytest.raises(ConfigError, match=f"mode {mode:04o}"):
        remove_account(sam, "alice", "")
    assert sam.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_a_file_keeps_its_mode_and_a_link_to_it_stays_one(sam: Path, tmp_path: Path, mode: int) -> None:
    sam.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(sam)
    set_password(link, "alice", "", "x")
    assert remove_account(link, "alice", "")
    assert link.is_symlink()
    assert sam.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for somebody else")
def test_a_file_that_root_changes_stays_whose_it_is(sam: Path) -> None:
    os.chown(sam, 12345, 54321)
    set_password(sam, "alice", "", "x")
    assert (sam.stat().st_uid, sam.stat().st_gid) == (12345, 54321)
    remove_account(sam, "alice", "")
    assert (sam.stat().st_uid, sam.stat().st_gid) == (12345, 54321)


def test_an_account_is_removed_with_all_its_lines(sam: Path) -> None:
    """A second line of the same name would come into force with the first one's end."""
    sam.write_text(f"# kept\nalice:::{ALICE}:::\nalice:LAB::{ALICE}:::\nALICE:::{ALICE}:::\n")
    assert remove_account(sam, "Alice", "")
    assert sam.read_text() == f"# kept\nalice:LAB::{ALICE}:::\n"
    assert not remove_account(sam, "alice", "")


def test_a_broken_file_is_not_overwritten(sam: Path) -> None:
    sam.write_text("nonsense\n")
    with pytest.raises(ConfigError, match="sam:1"):
        set_password(sam, "alice", "", "x")
    assert sam.read_text() == "nonsense\n"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone/sam: cannot write"):
        set_password(tmp_path / "gone" / "sam", "alice", "", "x")


@pytest.mark.parametrize("user", ["", "a:b", "#a", "a\nb", " a", "a\x85b"])
def test_names_that_would_break_the_file_are_refused(sam: Path, user: str) -> None:
    with pytest.raises(ConfigError, match=r"user name"):
        set_password(sam, user, "", "x")
    assert sam.read_text() == SAM


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(user=st.text(min_size=1, max_size=12), domain=st.text(max_size=8), password=st.text(max_size=8))
def test_what_is_written_is_found(tmp_path: Path, user: str, domain: str, password: str) -> None:
    path = tmp_path / "sam"
    path.unlink(missing_ok=True)
    try:
        set_password(path, user, domain, password)
    except ConfigError:
        assert not path.exists()
        return
    assert load_accounts(path).nt_hash(user, domain) == nt_hash(password)


def test_accounts_in_memory() -> None:
    accounts = Accounts().with_password("demo", "", "secret")
    assert accounts.nt_hash("demo", "WORKGROUP") == nt_hash("secret")
    assert accounts.accounts == (Account("demo", "", nt_hash("secret")),)


def test_what_was_read_already_is_parsed_like_a_file(sam: Path) -> None:
    assert Accounts.parse(sam.read_bytes(), sam) == load_accounts(sam)
    with pytest.raises(ConfigError, match=r"other\.sam:2: "):
        Accounts.parse(b"\xef\xbb\xbf# comment\nnonsense\n", Path("/other.sam"))
    with pytest.raises(ConfigError, match=r"other\.sam: not UTF-8 text \(byte 1\)"):
        Accounts.parse(b"a\xff", Path("/other.sam"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("there", ["link", "folder/sam", "link to a link"])
def test_root_follows_nobodys_link_to_somebody_elses_file(sam: Path, tmp_path: Path, there: str) -> None:
    """Whoever owns the directory could have an account of his own in the daemon's file."""
    path = tmp_path / there
    link, to = (path, sam) if there != "folder/sam" else (path.parent, tmp_path)
    if there == "link to a link":
        link = tmp_path / "between"
        path.symlink_to(link)
    link.symlink_to(to)
    os.lchown(link, 65534, -1)
    before = sam.read_bytes()
    with pytest.raises(ConfigError, match=f"{link.name}: uid 65534's link to {sam}, which is uid 0's"):
        set_password(path, "mallory", "", "x")
    with pytest.raises(ConfigError, match="uid 65534's link"):
        remove_account(path, "alice", "")
    assert sam.read_bytes() == before
    os.chown(sam, 65534, -1)
    assert set_password(path, "mallory", "", "x"), "his own link to his own file"


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ConfigError, match="a: cannot read"):
        set_password(tmp_path / "a", "alice", "", "x")
