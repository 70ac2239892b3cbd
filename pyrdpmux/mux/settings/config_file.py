"""Reads the configuration file; every complaint names file, line and key."""

import ipaddress
import pwd
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.keyboard.layouts import LAYOUTS
from pyrdpmux.mux.settings.config import (
    ALLOWED,
    EVERYBODY,
    POINTERS,
    TYPISTS,
    Config,
    GatewaySettings,
    InputSettings,
    LibrdpmuxSettings,
    LimitSettings,
    SecuritySettings,
    VmSettings,
    is_bus,
)
from pyrdpmux.mux.settings.ports import check_ports
from pyrdpmux.mux.settings.table import SettingsTable
from pyrdpmux.mux.settings.vm_names import is_pattern, specificity, vm_name

MAX_UID: Final = 0xFFFFFFFE
MAX_CONFIG_SIZE: Final = 1 << 20


def find_complaints(path: Path) -> list[ConfigError]:
    """All that is wrong with a file. What depends on several settings at once may wait for the others."""
    complaints: list[ConfigError] = []
    try:
        load_config(path, complaints)
    except ConfigError as error:
        complaints.append(error)
    return complaints


def load_config(path: Path, complaints: list[ConfigError] | None = None) -> Config:
    """Read a file; ConfigError for anything in it that is not understood.

    ``complaints``: gets, instead, what is wrong with single values; defaults take their places.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    if len(data) > MAX_CONFIG_SIZE:
        raise ConfigError(f"{path}: larger than {MAX_CONFIG_SIZE} bytes")
    try:
        text = data.decode()
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return read_config(SettingsTable(values, path, text, complaints=complaints))


def read_config(table: SettingsTable) -> Config:
    """Everything, from the top table. ConfigError."""
    defaults = Config()
    vms, patterns = _read_vms(table.table("vms"))
    config = Config(
        bind=table.string("bind", defaults.bind),
        port=table.integer("port", defaults.port, low=1, high=65535),
        bus=_read_bus(table),
        state_dir=table.path("state-dir", None) or defaults.state_dir,
        certificate_dir=table.path("certificate-dir", None),
        accounts=table.path("accounts", None),
        security=_read_security(table.table("security")),
        limits=_read_limits(table.table("limits")),
        input=_read_input(table.table("input")),
        gateway=_read_gateway(table.table("gateway")),
        librdpmux=_read_librdpmux(table.table("librdpmux")),
        qmp_sockets=table.strings("qmp-sockets") or (),
        public_address=table.optional_string("public-address"),
        groups=_read_groups(table.table("groups")),
        vms=vms,
        patterns=patterns,
        defaults=_read_defaults(table.table("defaults")),
        origin=table.origin,
    )
    table.finish()
    tables: list[tuple[tuple[str, ...], VmSettings]] = [(("defaults",), config.defaults)]
    tables += [(("vms", name), vm) for name, vm in {**vms, **patterns}.items()]
    for path, vm in tables:
        for group in vm.groups or ():
            if group not in config.groups:
                raise table.origin.error((*path, "groups"), f"there is no group {group!r} in [groups]")
    check_ports(config)
    return config


def _read_bus(table: SettingsTable) -> str | None:
    bus = table.optional_string("bus")
    if bus is not None and not is_bus(bus):
        table.fail("bus", f"{bus!r}, expected system, session, none or an address such as unix:path=/run/bus")
    return bus


def _read_security(table: SettingsTable) -> SecuritySettings:
    defaults = SecuritySettings()
    security = SecuritySettings(
        nla=table.boolean("nla", defaults.nla),
        tls=table.boolean("tls", defaults.tls),
        rdp=table.boolean("rdp", defaults.rdp),
        credssp_min_version=table.integer("credssp-min-version", defaults.credssp_min_version, low=2, high=6),
    )
    table.finish()
    if not (security.nla or security.tls or security.rdp):
        table.fail(None, "nla, tls and rdp are all false: nobody could connect")
    return security


def _read_limits(table: SettingsTable) -> LimitSettings:
    defaults = LimitSettings()
    for gone in ("pending-per-vm", "pending-per-address"):
        if table.has(gone):
            table.fail(gone, "is no more: `pending` is the limit for all ports together")
    limits = LimitSettings(
        viewers_per_vm=table.integer("viewers-per-vm", defaults.viewers_per_vm, low=1, high=1000),
        pending=table.integer("pending", defaults.pending, low=8, high=10_000),
        attempts_per_second=table.integer(
            "attempts-per-second", defaults.attempts_per_second, low=0, high=10_000
        ),
        failed_logons_per_minute=table.integer(
            "failed-logons-per-minute", defaults.failed_logons_per_minute, low=0, high=1000
        ),
        exempt_networks=_read_networks(table),
        frames_per_second=table.integer("frames-per-second", defaults.frames_per_second, low=1, high=120),
        take_over=table.boolean("take-over", defaults.take_over),
    )
    table.finish()
    return limits


def _read_networks(table: SettingsTable) -> tuple[str, ...]:
    networks = table.strings("exempt-networks") or ()
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            table.fail("exempt-networks", f"{network!r}, expected a network such as 192.0.2.0/24")
    return networks


def _read_input(table: SettingsTable) -> InputSettings:
    defaults = InputSettings()
    settings = InputSettings(
        typists=table.choice("typists", defaults.typists, TYPISTS),
        pointer=table.choice("pointer", defaults.pointer, POINTERS),
        keyboard=table.choice("keyboard", defaults.keyboard, LAYOUTS),
        idle_seconds=table.integer("idle-seconds", defaults.idle_seconds, low=0, high=3600),
    )
    table.finish()
    return settings


def _read_gateway(table: SettingsTable) -> GatewaySettings:
    port = table.integer("port", 0, low=0, high=65535)
    settings = GatewaySettings(port=port or None, bind=table.optional_string("bind"))
    table.finish()
    return settings


def _read_librdpmux(table: SettingsTable) -> LibrdpmuxSettings:
    defaults = LibrdpmuxSettings()
    settings = LibrdpmuxSettings(
        default_protocol=table.integer("default-protocol", defaults.default_protocol, low=1, high=5),
        shared_socket=table.boolean("shared-socket", defaults.shared_socket),
        guests_per_uid=table.integer("guests-per-uid", defaults.guests_per_uid, low=1, high=1000),
        security_labels=table.boolean("security-labels", defaults.security_labels),
    )
    table.finish()
    return settings


def _read_groups(table: SettingsTable) -> Mapping[str, tuple[str, ...]]:
    groups = {name: table.strings(name) or () for name in table.names()}
    table.finish()
    return groups


def _read_vms(table: SettingsTable) -> tuple[dict[str, VmSettings], dict[str, VmSettings]]:
    """Tables of one VM, and those of all VMs of such a name, the most specific first."""
    vms: dict[str, VmSettings] = {}
    patterns: dict[str, VmSettings] = {}
    folded: set[str] = set()
    for name, vm in table.tables():
        if name.casefold() in folded:
            table.fail(name, "is the same VM as another table's, in other letters")
        folded.add(name.casefold())
        if is_pattern(name):
            patterns[name] = _read_several(vm, not_here=("port", "source"))
        else:
            vms[vm_name(name)] = _read_vm(vm)
    return vms, dict(sorted(patterns.items(), key=lambda item: -specificity(item[0])))


def _read_defaults(table: SettingsTable) -> VmSettings:
    not_here = ("port", "source", "accounts", "certificate-dir", "uid", "owner")
    return _read_several(table, not_here=not_here)


def _read_several(table: SettingsTable, not_here: Collection[str]) -> VmSettings:
    for key in not_here:
        if table.has(key):
            table.fail(key, "is for one VM, this table is for several")
    return _read_vm(table)


def _read_vm(table: SettingsTable) -> VmSettings:
    port = table.integer("port", 0, low=0, high=65535)
    settings = VmSettings(
        port=port or None,
        accounts=table.path("accounts", None),
        view_only=table.boolean("view-only", False) if table.has("view-only") else None,
        allow=table.choice("allow", EVERYBODY, ALLOWED) if table.has("allow") else None,
        users=table.strings("users"),
        groups=table.strings("groups"),
        view_only_users=table.strings("view-only-users"),
        typists=table.choice("typists", EVERYBODY, TYPISTS) if table.has("typists") else None,
        keyboard=table.choice("keyboard", "us", LAYOUTS) if table.has("keyboard") else None,
        viewers=table.integer("viewers", 0, low=0, high=1000) or None,
        certificate_dir=table.path("certificate-dir", None),
        uid=_read_owner(table),
        source=_read_source(table),
    )
    table.finish()
    for key in ("users", "groups", "view-only-users"):
        if settings.allow is not None and table.has(key):
            table.fail("allow", f"and {key} both say who may see it, one of them is enough")
    return settings


def _read_owner(table: SettingsTable) -> int | None:
    """By number, or by name: one of this machine's users."""
    if not table.has("owner"):
        return table.integer("uid", 0, low=0, high=MAX_UID) if table.has("uid") else None
    name = table.string("owner", "")
    if table.has("uid"):
        table.fail("owner", "and uid say the same, one of them is enough")
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        table.fail("owner", f"{name!r} is not a user of this machine")


def _read_source(table: SettingsTable) -> str | None:
    source = table.optional_string("source")
    if source is not None and not all(source.partition(":")[:2]):  # the address is the kind's to judge
        table.fail("source", f"{source!r}, expected KIND:ADDRESS, such as vnc:127.0.0.1:5900")
    return source
