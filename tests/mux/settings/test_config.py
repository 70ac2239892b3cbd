from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.settings.access import AccessRules
from pyrdpmux.mux.settings.config import (
    EXAMPLE,
    Config,
    VmSettings,
    default_state_dir,
)
from pyrdpmux.mux.settings.config_file import MAX_CONFIG_SIZE, load_config


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return load_config(path)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value).removeprefix(str(tmp_path / "c.toml"))


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Config()


def test_the_default_is_nla_on_this_machine_only() -> None:
    config = Config()
    assert config.bind == "127.0.0.1"
    assert config.port == 3901
    assert (config.security.nla, config.security.tls, config.security.rdp) == (True, False, False)


def test_the_example_shows_the_defaults_and_one_vm() -> None:
    config = load_config(EXAMPLE)
    own = VmSettings(port=3950, accounts=EXAMPLE.with_name("build7.sam"), view_only=False)
    assert config == Config(
        vms={"build7": own},
        patterns={"web-*": VmSettings(groups=("operators",))},
        defaults=VmSettings(allow="everybody"),
        groups={"operators": ("alice", "CORP\\bob")},
    )
    assert config.rules("found") == Config().rules("found")


def test_every_line_of_the_example_that_is_commented_out_is_valid(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    config = load(tmp_path, "\n".join(lines))
    assert config.certificate_dir == Path("/etc/pyrdpmux/tls")
    assert config.state_dir == Path("/var/lib/pyrdpmux")
    assert config.accounts == Path("/etc/pyrdpmux/accounts.sam")
    assert config.gateway.port == 3389
    assert config.rules("build7").users == ("carol", "alice", "CORP\\bob")


def test_accounts_are_those_of_the_vm_or_the_common_ones(tmp_path: Path) -> None:
    config = load(tmp_path, 'accounts = "all.sam"\n[vms.a]\naccounts = "/a.sam"\n[vms.b]\nview-only = true')
    assert config.accounts_path("a") == Path("/a.sam")
    assert config.accounts_path("b") == config.accounts_path() == tmp_path / "all.sam"
    assert config.vm("b").view_only
    assert not config.vm("unheard of").view_only


def test_who_may_what(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [groups]
        ops = ["carol", 'CORP\\dave']
        [vms.a]
        users = ["alice"]
        groups = ["ops"]
        view-only-users = ["bob"]
        [vms.b]
        view-only = true
        [vms.c]
        users = []
        """,
    )
    assert config.rules("a") == AccessRules(
        users=("alice", "carol", "CORP\\dave"), view_only_users=("bob",), is_restricted=True
    )
    assert config.rules("b") == AccessRules(is_view_only=True)
    assert config.rules("c") == AccessRules(is_restricted=True)
    assert config.rules("unheard of") == AccessRules()


def test_a_name_is_one_name_in_whatever_case(tmp_path: Path) -> None:
    """As for who asks for a VM: rules that are written in capitals are for it all the same."""
    uuid = "BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB"
    config = load(tmp_path, f'[vms.{uuid}]\nusers = ["alice"]\n[vms.Mail]\nview-only = true\n')
    assert config.rules(uuid.lower()).is_restricted
    assert config.rules("Mail").is_view_only
    assert config.rules("mail").is_view_only
    with pytest.raises(ConfigError, match=f"line 2: vms.{uuid.lower()}: is the same VM"):
        load(tmp_path, f"[vms.{uuid}]\n[vms.{uuid.lower()}]\n")


def test_what_a_vm_does_not_say_is_common(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        certificate-dir = "common"
        [limits]
        viewers-per-vm = 3
        [input]
        typists = "one-at-a-time"
        [gateway]
        port = 3389
        [vms.a]
        viewers = 7
        typists = "everybody"
        certificate-dir = "own"
        source = "vnc:127.0.0.1:5900"
        """,
    )
    assert (config.viewers("a"), config.viewers("b")) == (7, 3)
    assert (config.typists("a"), config.typists("b")) == ("everybody", "one-at-a-time")
    assert config.certificate_path("a") == tmp_path / "own"
    assert config.certificate_path("b") == config.certificate_path() == tmp_path / "common"
    assert config.vm("a").source == "vnc:127.0.0.1:5900"
    assert (config.gateway.port, config.gateway_bind) == (3389, "127.0.0.1")


def test_a_later_complaint_names_the_place_too(tmp_path: Path) -> None:
    config = load(tmp_path, "[vms.a]\nport = 5\n")
    error = config.origin.error(("vms", "a", "port"), "not free")
    assert str(error) == f"{tmp_path}/c.toml, line 2: vms.a.port: not free"
    assert str(Config().origin.error(("port",), "not free")) == "port: not free"


def test_files_of_ours_are_in_the_state_directory() -> None:
    config = Config(state_dir=Path("/s"))
    assert config.accounts_path() == Path("/s/accounts.sam")
    assert config.control_path == Path("/s/control.sock")
    assert config.certificate_path() == Path("/s")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port = 0", ", line 1: port: 0, 1 to 65535 allowed"),
        ("\nbus = 'sysstem'", ", line 2: bus: 'sysstem', expected system, session, none or an address"),
        ("[vms]\nx = 3", ", line 2: vms.x: 3 is not a table: write [vms.x]"),
        ("[limits]\npending-per-vm = 16", ", line 2: limits.pending-per-vm: is no more: `pending` is"),
        (
            '[limits]\nexempt-networks = ["home"]',
            ", line 2: limits.exempt-networks: 'home', expected a network",
        ),
        ("[limits]\npending = 3", ", line 2: limits.pending: 3, 8 to 10000 allowed"),
        ("[security]\ncredssp-min-version = 7", ", line 2: security.credssp-min-version: 7, 2 to 6 allowed"),
        ("[vms.x]\nprot = 3", ", line 2: vms.x.prot: unknown key, did you mean 'port'?"),
        ("[security]\nnla = 1", ", line 2: security.nla: 1 is neither true nor false"),
        (
            "[security]\nnla = false",
            ", line 1: security: nla, tls and rdp are all false: nobody could connect",
        ),
        ("[limits]\nframes-per-second = 0", ", line 2: limits.frames-per-second: 0, 1 to 120 allowed"),
        ("[vms.x]\nusers = 'bob'", ", line 2: vms.x.users: 'bob' is not a list of texts"),
        ("[vms.x]\ngroups = ['ops']", ", line 2: vms.x.groups: there is no group 'ops' in [groups]"),
        ("[groups]\nops = [1]", ", line 2: groups.ops: [1] is not a list of texts"),
        ("[vms.x]\nsource = 'vnc'", ", line 2: vms.x.source: 'vnc', expected KIND:ADDRESS"),
        ("[input]\ntypists = 'all'", ", line 2: input.typists: 'all', expected everybody or one-at-a-time"),
        ("[gateway]\nport = -1", ", line 2: gateway.port: -1, 0 to 65535 allowed"),
        ("port = ", ": not TOML: "),
        ("port = 1\nport = 2", ": not TOML: "),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    assert complaint(tmp_path, text).startswith(expected)


def test_whose_vm_it_is(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[vms.a]\nuid = 107\n[vms.b]\nowner = "root"\n[vms.c]\n[librdpmux]\nguests-per-uid = 7\n')
    config = load_config(path)
    assert [config.vm(name).uid for name in ("a", "b", "c", "d")] == [107, 0, None, None]
    assert config.librdpmux.guests_per_uid == 7
    for text, complaint in (
        ('[vms.a]\nowner = "nobody-at-all"\n', "line 2: vms.a.owner: 'nobody-at-all' is not a user"),
        ('[vms.a]\nowner = "root"\nuid = 0\n', "line 2: vms.a.owner: and uid say the same"),
        ("[vms.a]\nuid = -1\n", "line 2: vms.a.uid: -1, 0 to"),
        ("[librdpmux]\nguests-per-uid = 0\n", "line 2: librdpmux.guests-per-uid: 0, 1 to 1000"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=complaint):
            load_config(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"port = 1\n\xff\n")
    with pytest.raises(ConfigError, match="line 2: not UTF-8"):
        load_config(path)


def test_a_file_without_end(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"#" * (MAX_CONFIG_SIZE + 1))
    with pytest.raises(ConfigError, match="larger"):
        load_config(path)


def test_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/x:/var/lib/y")
    assert default_state_dir() == Path("/var/lib/x")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state_dir() == Path("/var/lib/pyrdpmux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/u/state")
    assert default_state_dir() == Path("/home/u/state/pyrdpmux")
