"""The commands that run a daemon: serve and demo.

The daemon, and numpy, asyncio and cryptography with it, is imported by the functions that run it: options,
help and every other command do without.
"""

import argparse
import logging
import secrets
import shlex
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrdpmux.cli.options import (
    CONFIG_HELP,
    EXIT_OK,
    add_listening,
    demo_source,
    make_config,
    port,
    source_of,
)
from pyrdpmux.cli.rdp_file import reachable
from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.settings.config import DEFAULT_BUS, Config, SecuritySettings

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands
    from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
    from pyrdpmux.mux.backend import Backend
    from pyrdpmux.mux.daemon import Daemon
    from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend

logger = logging.getLogger("pyrdpmux.cli")

DEMO_USER: Final = "demo"
DEMO_PASSWORD_SIZE: Final = 9

SECURITY_MODES: Final = {
    "nla": SecuritySettings(nla=True),
    "tls": SecuritySettings(nla=False, tls=True),
    "rdp": SecuritySettings(nla=False, rdp=True),
}


def add_serve(commands: "Commands") -> None:
    serve = commands.add_parser("serve", help="run the daemon: hypervisors register over D-Bus")
    serve.set_defaults(command=run_serve)
    serve.add_argument("--config", type=Path, metavar="FILE.toml", help=CONFIG_HELP)
    serve.add_argument(
        "--check",
        action="store_true",
        help="start nothing: say what is wrong with configuration, accounts, certificates, sources and ports",
    )
    serve.add_argument(
        "--source",
        type=source_of,
        action="append",
        default=[],
        metavar="NAME=KIND:ADDRESS",
        help="a VM and where it comes from, e.g. build7=vnc:127.0.0.1:5900 (repeatable)",
    )
    for kind in ("vnc", "qemu"):
        serve.add_argument(
            f"--{kind}",
            type=partial(source_of, kind=kind),
            action="append",
            dest="source",
            metavar="NAME=ADDRESS",
            help=f"the same as --source NAME={kind}:ADDRESS",
        )
    serve.add_argument(
        "--demo",
        type=demo_source,
        action="append",
        dest="source",
        metavar="NAME",
        help="a built-in VM to try things out, the same as --source NAME=demo:",
    )
    serve.add_argument(
        "--qmp-sockets",
        action="append",
        metavar="DIR",
        help="every QEMU with a QMP socket in this directory, or at paths like this pattern (repeatable)",
    )
    serve.add_argument(
        "--bus", metavar="BUS", help="system (default, if it can be had), session, none, or a D-Bus address"
    )
    serve.add_argument("--gateway-port", type=port, metavar="N", help="one port for all VMs as well")
    add_listening(serve)
    serve.add_argument(
        "--certificate-dir", type=Path, metavar="DIR", help="where server.crt and server.key are"
    )


def add_demo(commands: "Commands") -> None:
    demo = commands.add_parser("demo", help="run the daemon with a built-in VM to try it out")
    demo.set_defaults(command=run_demo)
    demo.add_argument("--security", choices=sorted(SECURITY_MODES), help="how clients connect (default: nla)")
    add_listening(demo)


def run_serve(options: argparse.Namespace) -> int:
    """`pyrdpmux serve`."""
    if options.check:
        from pyrdpmux.cli.check_command import run_check

        return run_check(options)

    import asyncio

    from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
    from pyrdpmux.mux.daemon import Daemon
    from pyrdpmux.mux.qemu.backend import QemuBackend
    from pyrdpmux.mux.systemd.service_manager import ServiceManager

    config = make_config(options)
    factory = ConnectionFactory(config)
    _warn_about_access(config, passwd_command(options))
    backends: list[Backend] = []
    librdpmux: LibrdpmuxBackend | None = None
    if config.bus != "none":
        librdpmux = _librdpmux_backend(config, factory, lambda: daemon.reload())
    if librdpmux is not None:
        backends.append(librdpmux)
    if config.qmp_sockets:
        backends.append(QemuBackend(sockets=config.qmp_sockets))
    daemon = Daemon(
        config,
        factory,
        backends,
        load_config=lambda: make_config(options),
        manager=ServiceManager.of_environment(),
    )

    def announce() -> None:
        if librdpmux is not None and librdpmux.is_running:
            logger.info("Ready, VMs register at bus %s", librdpmux.bus)
        else:
            logger.info("Ready")

    asyncio.run(_run_until_signal(daemon, announce))
    return EXIT_OK


def _librdpmux_backend(
    config: Config, factory: "ConnectionFactory", reload: Callable[[], Awaitable[None]]
) -> "LibrdpmuxBackend | None":
    """None where its packages are missing and nobody has asked for it; BackendError if somebody has."""
    from pyrdpmux.mux.librdpmux.requirements import require_packages

    is_optional = config.bus is None and config.has_sources
    try:
        require_packages()
    except BackendError as error:
        if not is_optional:
            raise
        logger.warning("No VMs can register: %s", error)
        return None

    from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
    from pyrdpmux.mux.librdpmux.router_door import SHARED_ADDRESS

    return LibrdpmuxBackend(
        config.bus or DEFAULT_BUS,
        is_optional=is_optional,
        default_version=config.librdpmux.default_protocol,
        state_dir=config.state_dir,
        shared_address=SHARED_ADDRESS if config.librdpmux.shared_socket else None,
        access=factory,
        reload=reload,
        guests_per_uid=config.librdpmux.guests_per_uid,
        security_labels=config.librdpmux.security_labels,
        vms=lambda: factory.config.named,
        schedule=factory.schedule,
        files=factory.files,
    )


def run_demo(options: argparse.Namespace) -> int:
    """`pyrdpmux demo`."""
    import asyncio

    from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
    from pyrdpmux.mux.daemon import Daemon
    from pyrdpmux.mux.librdpmux.requirements import require_packages
    from pyrdpmux.rdp.nla.accounts import Accounts

    require_packages()

    from pyrdpmux.mux.demo.backend import DemoBackend

    mode = options.security or ("tls" if options.no_auth else "nla")
    if options.no_auth and mode == "nla":
        raise ConfigError("--no-auth: not possible with --security nla")
    config = make_config(options)
    # its machine draws a trail only
    pointer = replace(config.input, pointer="arrow")
    config = replace(config, security=SECURITY_MODES[mode], input=pointer)
    password = secrets.token_urlsafe(DEMO_PASSWORD_SIZE)
    factory = ConnectionFactory(config, accounts=Accounts().with_password(DEMO_USER, "", password))
    daemon = Daemon(config, factory, [DemoBackend()], needs_control=False)

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


async def _run_until_signal(daemon: "Daemon", on_ready: Callable[[], None]) -> None:
    """SIGINT is a person who ends it; after SIGTERM there may be another daemon, which nobody tells us."""
    import asyncio

    from pyrdpmux.mux import collector
    from pyrdpmux.mux.log.rate_limited import RateLimitedLog, quiet_accept_errors
    from pyrdpmux.net.descriptors import raise_limit

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    raise_limit()
    quiet_accept_errors(loop, RateLimitedLog(logger))

    def end() -> None:
        daemon.says_goodbye = True
        stop.set()

    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)

    def ready() -> None:
        collector.set_aside()
        on_ready()

    await daemon.run(stop, ready)


def passwd_command(options: argparse.Namespace) -> str:
    """What adds a user that this daemon knows."""
    command = ["pyrdpmux", "passwd"]
    for name, value in (("--config", options.config), ("--state-dir", options.state_dir)):
        if value is not None:
            command += [name, str(value)]
    return shlex.join([*command, "NAME"])


def _warn_about_access(config: Config, passwd: str) -> None:
    """Say so when nobody can get in, or everybody can."""
    if not config.security.nla:
        logger.warning("NLA is off: everybody who reaches a console's port gets in")
        for name in (*config.vms, *config.patterns):
            if config.rules(name).is_restricted:
                logger.warning("VM %s is for certain users, whom only NLA can tell: nobody gets in", name)
        return
    missing = [path for path in sorted(config.accounts_paths) if not path.exists()]
    for path in missing:
        if path != config.accounts_path():
            command = shlex.join(["pyrdpmux", "passwd", "--file", str(path), "NAME"])
            logger.warning("%s: no accounts yet, its VMs let nobody in: add one with `%s`", path, command)
        elif len(missing) == len(config.accounts_paths):  # otherwise there may be none for the common file
            logger.warning("%s: no accounts yet: add one with `%s`", path, passwd)
