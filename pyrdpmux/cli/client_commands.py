"""The commands that ask the running daemon and end."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyrdpmux.cli.options import EXIT_OK, add_common, make_config
from pyrdpmux.cli.rdp_file import RdpFile, reachable
from pyrdpmux.cli.type_command import set_up_type_command
from pyrdpmux.errors import MuxError
from pyrdpmux.mux.control import client
from pyrdpmux.mux.log.door import escaped

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands

MAX_CELL: Final = 256
"""Characters in one place of a table."""


def add_vms(commands: "Commands") -> None:
    vms = commands.add_parser("vms", help="list the VMs of the running daemon")
    vms.set_defaults(command=run_vms)
    vms.add_argument("--json", action="store_true", help="as JSON, with what each has cost the daemon")
    add_common(vms, has_config=True)


def add_type(commands: "Commands") -> None:
    typing = commands.add_parser("type", help="type a text into a VM, as if somebody sat at its keyboard")
    set_up_type_command(typing, make_config)
    add_common(typing, has_config=True)


def add_rdp_file(commands: "Commands") -> None:
    rdp_file = commands.add_parser("rdp-file", help="write a .rdp file that opens a VM's console")
    rdp_file.set_defaults(command=run_rdp_file)
    rdp_file.add_argument("vm", metavar="VM")
    rdp_file.add_argument("--user", default="", help="the user name to begin with")
    rdp_file.add_argument("--output", type=Path, metavar="FILE.rdp", help="default: standard output")
    rdp_file.add_argument("--direct", action="store_true", help="the VM's own port, not the gateway")
    add_common(rdp_file, has_config=True)


def add_diagnose(commands: "Commands") -> None:
    diagnosis = commands.add_parser(
        "diagnose", help="what the running daemon holds: tasks, files, memory (JSON)"
    )
    diagnosis.set_defaults(command=run_diagnose)
    add_common(diagnosis, has_config=True)


def add_reload(commands: "Commands") -> None:
    reload = commands.add_parser("reload", help="have the running daemon read its configuration again")
    reload.set_defaults(command=run_reload)
    add_common(reload, has_config=True)


def run_vms(options: argparse.Namespace) -> int:
    """`pyrdpmux vms`. What a guest calls itself, or a viewer says, is shown without control characters."""
    path = make_config(options).control_path
    if options.json:
        print(json.dumps(client.ask(path, "snapshot"), indent=2))
        return EXIT_OK
    answer = client.ask(path, "vms")
    rows = [("NAME", "PORT", "STATE", "SIZE", "VIEWERS")]
    for vm in answer["vms"]:
        viewers = ", ".join([f"{viewer['user'] or '-'} ({viewer['address']})" for viewer in vm["viewers"]])
        port = str(vm["port"]) if vm.get("is_listening", True) else f"{vm['port']} (in use)"
        rows.append((vm["name"], port, vm["status"], _size_of(vm), viewers or "-"))
    cells = [[escaped(cell, MAX_CELL) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(rows[0]))]
    for row in cells:
        print("  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip())
    return EXIT_OK


def _size_of(vm: Mapping[str, Any]) -> str:
    """Also of how many displays it consists, where there are several."""
    heads = len(vm.get("heads", ()))
    return f"{vm['width']}x{vm['height']}" + (f", {heads} heads" if heads > 1 else "")


def run_rdp_file(options: argparse.Namespace) -> int:
    """`pyrdpmux rdp-file`: of a VM that the daemon knows; its gateway, where there is one."""
    config = make_config(options)
    answer = client.ask(config.control_path, "vms")
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
    print(json.dumps(client.ask(make_config(options).control_path, "diagnose"), indent=2))
    return EXIT_OK


def run_reload(options: argparse.Namespace) -> int:
    """`pyrdpmux reload`."""
    client.ask(make_config(options).control_path, "reload")
    print("reloaded")
    return EXIT_OK
