"""A configured port is for one VM, or for the gateway, and for nobody else."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.cli.app import make_parser
from pyrdpmux.cli.options import make_config
from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.settings.config import Config, GatewaySettings, VmSettings
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.mux.settings.ports import check_ports, reserved_ports


def test_two_vms_at_one_port(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[vms.build7]\nport = 3950\n[vms.mail]\nport = 3950\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}, line 4: vms.mail.port: 3950 is the port of vms.build7, too"


@pytest.mark.parametrize(
    ("bind", "gateway_bind", "is_doubled"),
    [
        ("127.0.0.1", None, True),
        ("127.0.0.1", "0.0.0.0", True),
        ("::", "192.0.2.1", True),
        ("127.0.0.1", "192.0.2.1", False),
    ],
)
def test_a_vm_at_the_gateways_port(bind: str, gateway_bind: str | None, is_doubled: bool) -> None:
    config = Config(
        bind=bind,
        gateway=GatewaySettings(port=3389, bind=gateway_bind),
        vms={"build7": VmSettings(port=3389), "other": VmSettings(port=3390)},
    )
    if is_doubled:
        with pytest.raises(ConfigError, match=r"vms\.build7\.port: 3389 is the port of gateway, too"):
            check_ports(config)
    else:
        check_ports(config)


def test_a_gateway_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[vms.build7]\nport = 3950\n")
    options = make_parser().parse_args(["serve", "--config", str(path), "--gateway-port", "3950"])
    with pytest.raises(ConfigError, match="3950 is the port of gateway, too"):
        make_config(options)


def test_what_others_are_given_is_reserved() -> None:
    config = Config(gateway=GatewaySettings(port=1), vms={"a": VmSettings(port=2), "b": VmSettings(port=3)})
    assert reserved_ports(config, "a") == {1, 3}
    assert reserved_ports(replace(config, gateway=GatewaySettings()), "c") == {2, 3}
