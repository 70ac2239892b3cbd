"""`pyrdpmux serve --check`: everything that can be known to be wrong before the daemon starts.

It changes nothing and makes nothing. Each finding is a line that names file and line where it stands in one.
"""

import argparse
import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from pyrdpmux.cli.options import EXIT_FAILED, EXIT_OK, config_path, make_config
from pyrdpmux.errors import BackendError, ConfigError, PyRdpMuxError
from pyrdpmux.files.sam_file import load_accounts
from pyrdpmux.mux.control.client import is_answering
from pyrdpmux.mux.log.door import escaped
from pyrdpmux.mux.settings.config_file import find_complaints

if TYPE_CHECKING:
    from pyrdpmux.mux.settings.config import Config

ERROR: Final = "error"
WARNING: Final = "warning"

Setting: TypeAlias = tuple[str, ...]
"""Where something stands in the configuration."""

_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """An error keeps the daemon, or a VM, from working; a warning says that somebody should know."""

    severity: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {escaped(self.text)}"


def run_check(options: argparse.Namespace) -> int:
    """Print what is wrong; EXIT_FAILED if there is an error among it."""
    path = config_path(options)
    findings = _find(options, path)
    for finding in findings:
        print(finding)
    errors = sum(finding.severity == ERROR for finding in findings)
    print(f"{path or 'options and defaults'}: {errors} errors, {len(findings) - errors} warnings")
    return EXIT_FAILED if errors else EXIT_OK


def _find(options: argparse.Namespace, path: Path | None) -> list[Finding]:
    complaints = find_complaints(path) if path is not None else []
    try:
        config = make_config(options) if not complaints else None
    except ConfigError as error:  # of the options
        complaints.append(error)
    if complaints:
        return [Finding(ERROR, str(error)) for error in complaints]
    assert config is not None
    with _as_owner(config.state_dir):
        return list(check(config))


@contextmanager
def _as_owner(directory: Path) -> Iterator[None]:
    """Root looks as the daemon's user, whose the state directory is: that one has to be able to read."""
    try:
        status = directory.stat()
    except OSError:
        status = None
    if status is None or os.geteuid() != _ROOT or status.st_uid == _ROOT:
        yield
        return
    group = os.getegid()
    os.setegid(status.st_gid)
    os.seteuid(status.st_uid)
    try:
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(group)


def check(config: "Config") -> Iterator[Finding]:
    """All that is wrong, in the order in which the daemon would meet it."""
    yield from _check_accounts(config)
    yield from _check_certificates(config)
    yield from _check_bus(config)
    yield from _check_sources(config)
    yield from _check_ports(config)


def _attempt(config: "Config", setting: Setting, action: Callable[[], object]) -> Iterator[Finding]:
    """What goes wrong, and where the configuration says so."""
    try:
        action()
    except (PyRdpMuxError, OSError) as error:
        yield Finding(ERROR, str(config.origin.error(setting, str(error))))


# -- accounts -----------------------------------------------------------------------------------------


def _check_accounts(config: "Config") -> Iterator[Finding]:
    if not config.security.nla:
        yield Finding(WARNING, "NLA is off: everybody who reaches a console's port gets in")
        return
    tables = {**config.vms, **config.patterns}
    own: dict[Setting, Path] = {
        ("vms", name, "accounts"): vm.accounts for name, vm in tables.items() if vm.accounts
    }
    common = config.accounts_path()
    if common.exists() or config.accounts is not None:
        own = {("accounts",): common, **own}
    elif not own:
        yield Finding(WARNING, f"{common}: no accounts yet: add one with `pyrdpmux passwd NAME`")
    for setting, path in own.items():
        yield from _attempt(config, setting, lambda path=path: load_accounts(path))  # type: ignore[misc]


# -- certificates -------------------------------------------------------------------------------------


def _check_certificates(config: "Config") -> Iterator[Finding]:
    directories: dict[Path, Setting] = {config.certificate_path(): ("certificate-dir",)}
    for name, vm in {**config.vms, **config.patterns}.items():
        if vm.certificate_dir is not None:
            directories.setdefault(vm.certificate_dir, ("vms", name, "certificate-dir"))
    for directory, setting in directories.items():
        yield from _check_certificate(config, setting, directory)


def _check_certificate(config: "Config", setting: Setting, directory: Path) -> Iterator[Finding]:
    """What is not there yet is made at the start."""
    from pyrdpmux.mux.admission.identities import find_certificate, validity_complaint

    try:
        found = find_certificate(directory)
    except ConfigError as error:
        yield Finding(ERROR, str(config.origin.error(setting, str(error))))
        return
    if found is not None and (complaint := validity_complaint(found, datetime.now(UTC))) is not None:
        yield Finding(WARNING, str(config.origin.error(setting, complaint)))


# -- where VMs come from ------------------------------------------------------------------------------


def _check_bus(config: "Config") -> Iterator[Finding]:
    from pyrdpmux.mux.librdpmux.requirements import require_packages

    if config.bus == "none":
        return
    try:
        require_packages()
    except BackendError as error:
        is_optional = config.bus is None and config.has_sources
        yield Finding(WARNING if is_optional else ERROR, str(error))


def _check_sources(config: "Config") -> Iterator[Finding]:
    from pyrdpmux.mux.sources import Sources

    sources = Sources(_no_host)
    for name, vm in config.vms.items():
        try:
            sources.check(replace(config, vms={name: vm}))
        except ConfigError as error:
            yield Finding(ERROR, str(error))


def _no_host(name: str) -> NoReturn:
    raise AssertionError(f"{name}: nothing is started here")


# -- ports --------------------------------------------------------------------------------------------


def _check_ports(config: "Config") -> Iterator[Finding]:
    if is_answering(config.control_path):
        yield Finding(WARNING, f"{config.control_path}: a daemon runs, ports were not tried")
        return
    error = _try_to_listen(config.bind, 0)
    if error is not None:
        yield Finding(ERROR, str(config.origin.error(("bind",), f"{config.bind}: {os.strerror(error)}")))
        return
    ports: list[tuple[Setting, str, int]] = [
        (("vms", name, "port"), config.bind, vm.port) for name, vm in config.vms.items() if vm.port
    ]
    if config.gateway.port is not None:
        ports.append((("gateway", "port"), config.gateway_bind, config.gateway.port))
    for setting, bind, port in ports:
        error = _try_to_listen(bind, port)
        if error is not None:
            complaint = f"{port}: cannot listen there: {os.strerror(error)}"
            yield Finding(ERROR, str(config.origin.error(setting, complaint)))


def _try_to_listen(bind: str, port: int) -> int | None:
    """Why that is not possible now, as an errno."""
    try:
        found = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return errno.EADDRNOTAVAIL
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listening.bind(address)
                listening.listen(1)
            except OSError as error:
                return error.errno
    return None
