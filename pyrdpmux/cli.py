"""The `pyrdpmux` command: serve, demo, passwd, vms, reload, diagnose, rdp-file.

Exit codes: 0 done, 1 it failed while running, 2 it was asked for something that makes no sense. Every error
is one line.
"""

import argparse
import asyncio
import getpass
import json
import logging
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from pyrdpmux import __version__
from pyrdpmux.errors import ConfigError, MuxError
from pyrdpmux.mux import control
from pyrdpmux.mux.backend import Backend
from pyrdpmux.mux.config import Config, SecuritySettings, is_bus, load_config
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.demo.backend import DemoBackend
from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.mux.journal import JournalHandler, is_journal
from pyrdpmux.mux.keyboard.type_command import set_up_type_command
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.router_door import SHARED_ADDRESS
from pyrdpmux.mux.qemu.backend import QemuBackend
from pyrdpmux.mux.rdp_file import RdpFile, reachable
from pyrdpmux.mux.service_manager import ServiceManager
from pyrdpmux.rdp.tls.accounts import Accounts, set_password

logger = logging.getLogger("pyrdpmux.cli")

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

STDERR: Final = 2

DEMO_USER: Final = "demo"
DEMO_PASSWORD_SIZE: Final = 9

LIBRARIES: Final = ("asyncio", "pynng", "dbus_fast")
"""Their debug messages are shown with -vv only."""

SECURITY_MODES: Final = {
    "nla": SecuritySettings(nla=True),
    "tls": SecuritySettings(nla=False, tls=True),
    "rdp": SecuritySettings(nla=False, rdp=True),
}


class _Parser(argparse.ArgumentParser):
    """One line instead of the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script."""
    options = _make_parser().parse_args(arguments)
    _set_up_logging(options.verbose)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        print(f"pyrdpmux: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (MuxError, OSError) as error:
        print(f"pyrdpmux: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


# -- options -----------------------------------------------------------------------------------------


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pyrdpmux", description="RDP consoles for virtual machines.")
    parser.add_argument("--version", action="version", version=f"pyrdpmux {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    serve = commands.add_parser("serve", help="run the daemon: hypervisors register over D-Bus")
    serve.set_defaults(command=run_serve)
    serve.add_argument("--config", type=Path, metavar="FILE.toml", help="configuration file")
    serve.add_argument(
        "--source",
        type=_source,
        action="append",
        default=[],
        metavar="NAME=KIND:ADDRESS",
        help="a VM and where it comes from, e.g. build7=vnc:127.0.0.1:5900 (repeatable)",
    )
    for kind in ("vnc", "qemu"):
        serve.add_argument(
            f"--{kind}",
            type=partial(_source, kind=kind),
            action="append",
            dest="source",
            metavar="NAME=ADDRESS",
            help=f"the same as --source NAME={kind}:ADDRESS",
        )
    serve.add_argument(
        "--qmp-sockets",
        action="append",
        metavar="DIR",
        help="every QEMU with a QMP socket in this directory, or at paths like this pattern (repeatable)",
    )
    serve.add_argument("--bus", metavar="BUS", help="system, session, none, or a D-Bus address")
    serve.add_argument("--gateway-port", type=_port, metavar="N", help="one port for all VMs as well")
    _add_listening(serve)
    serve.add_argument(
        "--certificate-dir", type=Path, metavar="DIR", help="where server.crt and server.key are"
    )

    demo = commands.add_parser("demo", help="run the daemon with a built-in VM to try it out")
    demo.set_defaults(command=run_demo)
    demo.add_argument("--security", choices=sorted(SECURITY_MODES), help="how clients connect (default: nla)")
    _add_listening(demo)

    passwd = commands.add_parser("passwd", help="add a user, or change a user's password")
    passwd.set_defaults(command=run_passwd)
    passwd.add_argument("user", metavar="[DOMAIN\\]USER")
    passwd.add_argument(
        "--stdin", action="store_true", help="read the password from one line of standard input"
    )
    passwd.add_argument("--vm", metavar="NAME", help="the SAM file that the configuration gives this VM")
    passwd.add_argument(
        "--file", type=Path, metavar="FILE", help="SAM file (default: that of the configuration)"
    )
    _add_common(passwd, has_config=True)

    vms = commands.add_parser("vms", help="list the VMs of the running daemon")
    vms.set_defaults(command=run_vms)
    _add_common(vms, has_config=True)
    typing = commands.add_parser("type", help="type a text into a VM, as if somebody sat at its keyboard")
    set_up_type_command(typing, make_config)
    _add_common(typing, has_config=True)

    rdp_file = commands.add_parser("rdp-file", help="write a .rdp file that opens a VM's console")
    rdp_file.set_defaults(command=run_rdp_file)
    rdp_file.add_argument("vm", metavar="VM")
    rdp_file.add_argument("--user", default="", help="the user name to begin with")
    rdp_file.add_argument("--output", type=Path, metavar="FILE.rdp", help="default: standard output")
    rdp_file.add_argument("--direct", action="store_true", help="the VM's own port, not the gateway")
    _add_common(rdp_file, has_config=True)

    diagnosis = commands.add_parser(
        "diagnose", help="what the running daemon holds: tasks, files, memory (JSON)"
    )
    diagnosis.set_defaults(command=run_diagnose)
    _add_common(diagnosis, has_config=True)

    reload = commands.add_parser("reload", help="have the running daemon read its configuration again")
    reload.set_defaults(command=run_reload)
    _add_common(reload, has_config=True)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, has_config: bool = False) -> None:
    if has_config:
        parser.add_argument("--config", type=Path, metavar="FILE.toml", help="configuration file")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="the daemon's own directory")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log more (-vv: libraries too)")


def _add_listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, metavar="N", help="port of the first VM (default: 3901)")
    parser.add_argument("--bind", metavar="ADDRESS", help="address to listen at (default: 127.0.0.1)")
    parser.add_argument("--no-auth", action="store_true", help="TLS without NLA: everybody may connect")
    _add_common(parser)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r}, 1 to 65535 allowed")
    return int(text)


def _source(text: str, kind: str = "") -> tuple[str, str]:
    name, _, address = text.partition("=")
    source = f"{kind}:{address}" if kind else address
    if not (name and all(source.partition(":"))):
        raise argparse.ArgumentTypeError(f"{text!r}, expected NAME={'' if kind else 'KIND:'}ADDRESS")
    return name, source


def make_config(options: argparse.Namespace) -> Config:
    """The configuration file, or the defaults, with the options on top."""
    path: Path | None = getattr(options, "config", None)
    config = load_config(path) if path is not None else Config()
    given = {
        name: value
        for name in ("port", "bind", "bus", "certificate_dir", "state_dir")
        if (value := getattr(options, name, None)) is not None
    }
    vms = dict(config.vms)
    for name, source in getattr(options, "source", ()):
        vms[name] = replace(config.vm(name), source=source)
    config = replace(config, **given, vms=vms)
    if (port := getattr(options, "gateway_port", None)) is not None:
        config = replace(config, gateway=replace(config.gateway, port=port))
    if (sockets := getattr(options, "qmp_sockets", None)) is not None:
        config = replace(config, qmp_sockets=tuple(sockets))
    if not is_bus(config.bus):
        raise ConfigError(f"--bus: {config.bus!r}, expected system, session, none or a D-Bus address")
    if getattr(options, "no_auth", False):
        config = replace(config, security=replace(config.security, nla=False, tls=True))
    return config


def _set_up_logging(verbosity: int) -> None:
    level = logging.DEBUG if verbosity else logging.INFO
    if is_journal(STDERR):
        logging.basicConfig(level=level, format="%(message)s", handlers=[JournalHandler()])
    else:
        line = "%(asctime)s %(levelname)-7s %(message)s"
        logging.basicConfig(level=level, format=line, stream=sys.stderr)
    if verbosity < 2:
        for library in LIBRARIES:
            logging.getLogger(library).setLevel(logging.WARNING)


# -- serve and demo ----------------------------------------------------------------------------------


def run_serve(options: argparse.Namespace) -> int:
    """`pyrdpmux serve`."""
    config = make_config(options)
    doorkeeper = Doorkeeper(config)
    _warn_about_access(config)
    backends: list[Backend] = []
    if config.bus != "none":
        backends.append(_librdpmux_backend(config, doorkeeper))
    if config.qmp_sockets:
        backends.append(QemuBackend(sockets=config.qmp_sockets))
    daemon = Daemon(
        config,
        doorkeeper,
        backends,
        load_config=lambda: make_config(options),
        manager=ServiceManager.of_environment(),
    )
    asyncio.run(_run_until_signal(daemon, lambda: logger.info("Ready, VMs register at bus %s", config.bus)))
    return EXIT_OK


def _librdpmux_backend(config: Config, doorkeeper: Doorkeeper) -> LibrdpmuxBackend:
    return LibrdpmuxBackend(
        config.bus,
        default_version=config.librdpmux.default_protocol,
        state_dir=config.state_dir,
        shared_address=SHARED_ADDRESS if config.librdpmux.shared_socket else None,
        access=doorkeeper,
    )


def run_demo(options: argparse.Namespace) -> int:
    """`pyrdpmux demo`."""
    mode = options.security or ("tls" if options.no_auth else "nla")
    if options.no_auth and mode == "nla":
        raise ConfigError("--no-auth: not possible with --security nla")
    config = replace(make_config(options), security=SECURITY_MODES[mode])
    password = secrets.token_urlsafe(DEMO_PASSWORD_SIZE)
    doorkeeper = Doorkeeper(config, accounts=Accounts().with_password(DEMO_USER, "", password))
    daemon = Daemon(config, doorkeeper, [DemoBackend()], needs_control=False)

    def announce() -> None:
        [console] = daemon.registry.consoles
        print(demo_announcement(config.bind, console.port, mode, password), flush=True)

    asyncio.run(_run_until_signal(daemon, announce))
    return EXIT_OK


def demo_announcement(bind: str, port: int, mode: str, password: str) -> str:
    """What a person needs to see the demo VM."""
    address = reachable(bind, port)
    lines = [f"address   {address}"]
    client = f"xfreerdp /v:{address} /cert:ignore"
    if mode == "nla":
        lines += [f"user      {DEMO_USER}", f"password  {password}"]
        client += f" /u:{DEMO_USER} /p:{password}"
    else:
        lines += ["user      anybody", "password  none"]
        client += f" /sec:{mode} /u:{DEMO_USER} /p:"
    lines += [f"connect   {client}", "stop      Ctrl+C"]
    return "\n".join(lines)


async def _run_until_signal(daemon: Daemon, on_ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)
    await daemon.run(stop, on_ready)


def _warn_about_access(config: Config) -> None:
    """Say so when nobody can get in, or everybody can."""
    if not config.security.nla:
        logger.warning("NLA is off: everybody who reaches a console's port gets in")
        for name in config.vms:
            if config.rules(name).is_restricted:
                logger.warning("VM %s is for certain users, whom only NLA can tell: nobody gets in", name)
    elif not config.accounts_path().exists() and not any(vm.accounts for vm in config.vms.values()):
        logger.warning("%s: no accounts yet: add one with `pyrdpmux passwd NAME`", config.accounts_path())


# -- commands that ask or change, and end ------------------------------------------------------------


def run_passwd(options: argparse.Namespace) -> int:
    """`pyrdpmux passwd`."""
    path: Path = options.file or make_config(options).accounts_path(options.vm)
    domain, _, user = options.user.rpartition("\\")
    password = _read_password(options.stdin)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = set_password(path, user, domain, password)
    print(f"{path}: {'added' if is_new else 'changed'} {options.user}")
    return EXIT_OK


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise MuxError("the two passwords differ, nothing was changed")
    if not password:
        raise MuxError("an empty password is not allowed, nothing was changed")
    return password


def run_vms(options: argparse.Namespace) -> int:
    """`pyrdpmux vms`."""
    answer = control.ask(make_config(options).control_path, "vms")
    rows = [("NAME", "PORT", "STATE", "SIZE", "VIEWERS")]
    for vm in answer["vms"]:
        viewers = ", ".join([f"{viewer['user'] or '-'} ({viewer['address']})" for viewer in vm["viewers"]])
        rows.append(
            (vm["name"], str(vm["port"]), vm["status"], f"{vm['width']}x{vm['height']}", viewers or "-")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip())
    return EXIT_OK


def run_rdp_file(options: argparse.Namespace) -> int:
    """`pyrdpmux rdp-file`: of a VM that the daemon knows; its gateway, where there is one."""
    config = make_config(options)
    answer = control.ask(config.control_path, "vms")
    vm = next((vm for vm in answer["vms"] if vm["name"] == options.vm), None)
    if vm is None:
        raise MuxError(f"{options.vm}: the daemon has no such VM, see `pyrdpmux vms`")
    gateway = None if options.direct else answer["gateway"]
    host = config.public_address or (gateway or answer)["bind"]
    file = RdpFile(
        address=reachable(host, (gateway or vm)["port"]),
        size=(vm["width"], vm["height"]),
        user=options.user,
        has_nla=answer["nla"],
        route=_route(vm) if gateway else "",
    )
    if options.output is not None:
        options.output.write_bytes(file.data())
    else:
        sys.stdout.write(file.text())
    return EXIT_OK


def _route(vm: dict[str, Any]) -> str:
    """By name; by port where the name cannot travel in a routing token."""
    name: str = vm["name"]
    return name if name.isascii() and ";" not in name else str(vm["port"])


def run_diagnose(options: argparse.Namespace) -> int:
    """`pyrdpmux diagnose`."""
    print(json.dumps(control.ask(make_config(options).control_path, "diagnose"), indent=2))
    return EXIT_OK


def run_reload(options: argparse.Namespace) -> int:
    """`pyrdpmux reload`."""
    control.ask(make_config(options).control_path, "reload")
    print("reloaded")
    return EXIT_OK
