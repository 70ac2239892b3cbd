from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.config import EXAMPLE, MAX_CONFIG_SIZE, Config, VmSettings, default_state_dir, load_config


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
    own = VmSettings(port=3950, accounts=EXAMPLE.with_name("build7.sam"))
    assert config == Config(vms={"build7": own})


def test_every_line_of_the_example_that_is_commented_out_is_valid(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    config = load(tmp_path, "\n".join(lines))
    assert config.certificate_dir == Path("/etc/pyrdpmux/tls")
    assert config.state_dir == Path("/var/lib/pyrdpmux")
    assert config.accounts == Path("/etc/pyrdpmux/accounts.sam")


def test_accounts_are_those_of_the_vm_or_the_common_ones(tmp_path: Path) -> None:
    config = load(tmp_path, 'accounts = "all.sam"\n[vms.a]\naccounts = "/a.sam"\n[vms.b]\nview-only = true')
    assert config.accounts_path("a") == Path("/a.sam")
    assert config.accounts_path("b") == config.accounts_path() == tmp_path / "all.sam"
    assert config.vm("b").view_only
    assert not config.vm("unheard of").view_only


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
        ("[vms.x]\nprot = 3", ", line 2: vms.x.prot: unknown key, did you mean 'port'?"),
        ("[security]\nnla = 1", ", line 2: security.nla: 1 is neither true nor false"),
        (
            "[security]\nnla = false",
            ", line 1: security: nla, tls and rdp are all false: nobody could connect",
        ),
        ("[limits]\nframes-per-second = 0", ", line 2: limits.frames-per-second: 0, 1 to 120 allowed"),
        ("port = ", ": not TOML: "),
        ("port = 1\nport = 2", ": not TOML: "),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    assert complaint(tmp_path, text).startswith(expected)


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
