"""Ports that the configuration gives away: each to one, and to nobody else."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from pyrdpmux.mux.settings.config import Config

ANY: Final = ("0.0.0.0", "::", "")
"""Addresses that stand for all of a machine's."""

Setting: TypeAlias = tuple[str, ...]
"""Where a port stands in the configuration."""


def check_ports(config: Config) -> None:
    """Raises ConfigError for a port that two are given, naming both."""
    given: dict[int, tuple[Setting, str]] = {}
    for setting, bind, port in _given(config):
        other = given.setdefault(port, (setting, bind))
        if other[0] != setting and _overlap(bind, other[1]):
            raise config.origin.error(setting, f"{port} is the port of {'.'.join(other[0][:-1])}, too")


def reserved_ports(config: Config, name: str) -> frozenset[int]:
    """What this VM must not take by itself: it is meant for another, which may be still to come."""
    own = ("vms", name, "port")
    return frozenset(port for setting, _, port in _given(config) if setting != own)


def _given(config: Config) -> Iterator[tuple[Setting, str, int]]:
    if config.gateway.port is not None:
        yield ("gateway", "port"), config.gateway_bind, config.gateway.port
    for name, vm in config.vms.items():
        if vm.port is not None:
            yield ("vms", name, "port"), config.bind, vm.port


def _overlap(one: str, other: str) -> bool:
    return one == other or one in ANY or other in ANY
