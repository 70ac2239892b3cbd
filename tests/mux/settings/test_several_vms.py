"""Settings of several VMs: what holds for one that no table names by itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.settings.access import Access, AccessRules, Proved
from pyrdpmux.mux.settings.config import Config, VmSettings
from pyrdpmux.mux.settings.config_file import load_config

NOBODY = AccessRules(is_restricted=True)


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return load_config(path)


def test_a_vm_that_is_found_may_be_for_nobody(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [defaults]
        allow = "nobody"
        typists = "one-at-a-time"
        [vms.mail]
        users = ["alice"]
        [vms.open]
        allow = "everybody"
        [vms.port-only]
        port = 3950
        """,
    )
    assert config.rules("found") == config.rules("port-only") == NOBODY
    assert config.rules("found").access_of(Proved("alice")) is Access.NONE
    assert config.rules("mail").access_of(Proved("alice")) is Access.CONTROL
    assert config.rules("mail").access_of(Proved("bob")) is Access.NONE
    assert config.rules("open") == AccessRules()
    assert config.typists("mail") == config.typists("found") == "one-at-a-time"


SEVERAL = """
[groups]
web = ["carol"]
[defaults]
users = ["root"]
view-only = true
[vms."*"]
keyboard = "de"
[vms."web-*"]
groups = ["web"]
accounts = "web.sam"
certificate-dir = "web"
uid = 1000
viewers = 3
[vms."web-1?"]
viewers = 2
[vms."web-12"]
view-only = false
view-only-users = ["dave"]
"""


def test_each_setting_is_that_of_the_most_specific_table_that_has_it(tmp_path: Path) -> None:
    config = load(tmp_path, SEVERAL)
    assert list(config.patterns) == ["web-1?", "web-*", "*"]
    assert [config.viewers(name) for name in ("web-12", "web-1", "web-10", "mail")] == [2, 3, 2, 16]
    assert config.vm("web-12").keyboard == config.vm("mail").keyboard == "de"
    assert config.vm("web-12").uid == 1000
    for name in ("web-", "web-12", "web-\nx"):
        assert config.accounts_path(name) == tmp_path / "web.sam"
        assert config.certificate_path(name) == tmp_path / "web"
    assert config.accounts_path("mail") == config.accounts_path()
    assert {tmp_path / "web.sam", config.accounts_path()} == config.accounts_paths
    assert tmp_path / "web" in config.certificate_paths


def test_a_name_in_other_letters_is_not_free_of_the_rules(tmp_path: Path) -> None:
    """Whoever asks for a VM may write its name in any case, and a VM that is found spells it as it likes."""
    config = load(tmp_path, SEVERAL + '[vms.Mail]\nallow = "nobody"\n')
    for name in ("web-12", "web-1x", "web-", "mail"):
        assert config.vm(name.upper()) == config.vm(name)
    assert config.rules("mail").access_of(Proved("root")) is Access.NONE
    assert config.vm("WEB-1").uid == 1000


def test_settings_are_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for of every VM whenever somebody looks at the list, and VMs invent names."""
    monkeypatch.setattr("pyrdpmux.mux.settings.config.MAX_KNOWN", 3)
    config = load(tmp_path, SEVERAL)
    first = config.vm("web-1")
    assert config.vm("web-1") is first
    for number in range(10):
        assert config.vm(f"web-{number}").uid == 1000
        assert len(config._known) <= 3
    changed = replace(config, defaults=VmSettings(typists="everybody"))
    assert changed.vm("web-1").typists == "everybody"
    assert config.vm("web-1") == first


def test_who_may_see_a_vm_is_said_by_one_table(tmp_path: Path) -> None:
    """Lists of two tables together would let in who is on neither's mind."""
    config = load(tmp_path, SEVERAL)
    assert config.rules("mail") == AccessRules(users=("root",), is_view_only=True, is_restricted=True)
    assert config.rules("web-1") == AccessRules(users=("carol",), is_view_only=True, is_restricted=True)
    assert config.rules("web-12") == AccessRules(view_only_users=("dave",), is_restricted=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[vms."web-*"]\nport = 1', r"line 2: vms.web-\*.port: is for one VM, this table is for several"),
        ('[vms."*"]\nsource = "vnc:a:5900"', r"line 2: vms.\*.source: is for one VM"),
        ('[defaults]\naccounts = "x"', "line 2: defaults.accounts: is for one VM"),
        ("[defaults]\nuid = 1", "line 2: defaults.uid: is for one VM"),
        ('[defaults]\nallow = "root"', "line 2: defaults.allow: 'root', expected everybody or nobody"),
        ('[vms.a]\nallow = "nobody"\nusers = ["x"]', "line 2: vms.a.allow: and users both say"),
        ('[defaults]\ngroups = ["x"]', "line 2: defaults.groups: there is no group 'x'"),
        ('[vms."a*"]\ngroups = ["x"]', r"line 2: vms.a\*.groups: there is no group 'x'"),
        ("[vms.db]\n[vms.DB]", "line 2: vms.DB: is the same VM as another table's, in other letters"),
        ('[vms."a*"]\n[vms."A*"]', r"line 2: vms.A\*: is the same VM as another table's"),
        ('[defaults]\nuser = ["x"]', "line 2: defaults.user: unknown key, did you mean 'users'"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path, text)
