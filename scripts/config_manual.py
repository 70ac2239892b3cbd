"""pyrdpmux.toml(5): every setting that the reader asks for, and every kind of source."""

from collections.abc import Iterator
from typing import Final

from pyrdpmux.cli.options import CONFIG_VARIABLE, SYSTEM_CONFIG
from pyrdpmux.mux.vnc.target import ENCODINGS
from scripts.roff import bold, entry, escape, heading, italic
from scripts.settings import ask

NAME: Final = "pyrdpmux.toml"
SECTION: Final = 5

TABLES: Final = {
    "": "At the top, before the first table.",
    "security": "How viewers prove who they are. At least one of the first three is true.",
    "limits": "What one VM, one address and one viewer may cost.",
    "input": "Whose keys and clicks reach a VM.",
    "gateway": (
        "One port for all VMs: clients say which by user name (VM\\USER or USER@VM), routing token "
        "or preconnection blob, or choose from a list."
    ),
    "librdpmux": "VMs that register themselves at the bus.",
    "groups": "Names for several users, for groups of VMs.",
    "defaults": (
        "Of all VMs that no table of their own says otherwise. Takes allow, users, groups, "
        "view-only-users, view-only, typists, keyboard and viewers, as in [vms.NAME]."
    ),
    "vms.NAME": (
        "Of one VM, by the name under which it registers or is to be served. With * and ? in the "
        "name, of all VMs of such names, which have no port and no source in common. Each setting "
        "is that of the most specific table that has it."
    ),
}
"""By name, in the manual's order."""

REPEATED: Final = "defaults."
"""Settings of this table are described in another one."""

SETTINGS: Final = {
    "bind": (
        "Address at which consoles listen. 127.0.0.1 is this machine only, 0.0.0.0 and :: are everybody."
    ),
    "port": "Port of the first VM; each further one gets the lowest free port above it.",
    "bus": (
        'Where VMs register: "system", "session", "none" or a D-Bus address such as '
        '"unix:path=/run/bus". One that is named has to be there; by default it is "system", if '
        "that can be had or nothing else brings VMs."
    ),
    "state-dir": (
        "The daemon's own directory, for its certificate, accounts and control socket. Default: "
        "$STATE_DIRECTORY, /var/lib/pyrdpmux for root, else ~/.local/state/pyrdpmux."
    ),
    "certificate-dir": (
        "Where server.crt and server.key are (PEM; others may not read the key). Without them "
        "pyrdpmux.crt and pyrdpmux.key are made there once. Default: state-dir."
    ),
    "accounts": "SAM file of who may log on, see pyrdpmux-passwd(1). Default: accounts.sam in state-dir.",
    "qmp-sockets": (
        "Directories of QMP sockets, or patterns of their paths: every QEMU there is a VM, by the "
        "name it was given with -name."
    ),
    "public-address": (
        "Name or address under which clients reach this machine, for pyrdpmux-rdp-file(1). Default: bind."
    ),
    "security.nla": "Network Level Authentication: users are known before anything else happens.",
    "security.tls": "TLS without NLA: encrypted, but everybody who reaches the port gets in.",
    "security.rdp": "Standard RDP Security (RC4), for very old clients: no protection worth the name.",
    "security.credssp-min-version": "Of NLA: 5 refuses clients without the fix for CVE-2018-0886.",
    "limits.viewers-per-vm": "Viewers of one VM at the same time.",
    "limits.pending": (
        "Connections that have not logged on yet, to all ports together; beyond, the oldest of "
        "the network that has most goes."
    ),
    "limits.attempts-per-second": (
        "Connections of one network that are heard, the others wait; 0: any number."
    ),
    "limits.failed-logons-per-minute": (
        "Of one network, or at one account: then answers come later and later; 0: never."
    ),
    "limits.exempt-networks": "Networks, such as a proxy's, to which the two above do not apply.",
    "limits.frames-per-second": "The most that one viewer is sent.",
    "limits.take-over": (
        "Where there is no room, a new viewer takes the place of the oldest of the same user."
    ),
    "input.typists": (
        "Whether everybody types at the same time, or who begins goes on until nothing has come "
        "for idle-seconds."
    ),
    "input.idle-seconds": "See typists.",
    "input.keyboard": "Layout that guests are set to: for characters from phones and pyrdpmux-type(1).",
    "input.pointer": (
        "What viewers see until a VM gives its pointer a shape: many guests draw theirs into the picture, "
        "and two are one too many."
    ),
    "gateway.port": "0, or nothing: there is no such port.",
    "gateway.bind": "Default: where the VMs listen.",
    "librdpmux.default-protocol": "What /org/RDPMux/RDPMux announces first: the library looks no further.",
    "librdpmux.shared-socket": (
        "VMs of protocols 3 to 5 use the original's abstract socket, not one for each VM."
    ),
    "librdpmux.guests-per-uid": "VMs of one user; libvirt runs all its VMs as one.",
    "librdpmux.security-labels": (
        "VMs of one user are told apart by the labels of SELinux or AppArmor as well."
    ),
    "groups.GROUP": "Its members: NAME, or DOMAIN\\NAME for accounts that have a domain.",
    "vms.NAME.source": "Where the VM comes from, KIND:ADDRESS, see SOURCES. Without one it registers itself.",
    "vms.NAME.port": "Its own port, instead of the one that it asks for or the lowest free one; 0 for none.",
    "vms.NAME.accounts": "SAM file, instead of the common one.",
    "vms.NAME.allow": "Who may see it, where no users are named: everybody who may log on, or nobody.",
    "vms.NAME.users": (
        "Who may see it and type; with this, groups or view-only-users nobody else may. Needs nla."
    ),
    "vms.NAME.groups": "The same for the members of groups.",
    "vms.NAME.view-only-users": "Who may see it, and not type.",
    "vms.NAME.view-only": "Nobody may type.",
    "vms.NAME.typists": "As in [input].",
    "vms.NAME.keyboard": "As in [input].",
    "vms.NAME.viewers": "Instead of viewers-per-vm; 0 for that.",
    "vms.NAME.certificate-dir": "A certificate of its own.",
    "vms.NAME.owner": (
        "Name of the user whose VM it is, if it registers itself; others are refused. Default: "
        "whose it was the first time."
    ),
    "vms.NAME.uid": "The same by number.",
}
"""What each is for, by full name."""

SOURCES: Final = {
    "vnc": [
        (
            "vnc:HOST:PORT",
            "A VNC server. IPv6 addresses stand in brackets; displays are written as ports, from 5900.",
        ),
        ("vnc:unix:PATH", "The same at a socket of this machine."),
        (",password-file=PATH", "Its first line is the password."),
        (",user=NAME", "For servers that want a user's name, too."),
        (
            ",ca-file=PATH",
            "Use TLS (VeNCrypt X509), and believe what an authority in this PEM file has signed.",
        ),
        (",any-certificate=yes", "Use TLS, and believe any certificate."),
        (",encoding=NAME", f"Ask for this encoding first: {', '.join(sorted(ENCODINGS))}."),
    ],
    "qemu": [
        ("qemu:unix:PATH", "The QMP socket of a QEMU that runs with -display dbus,p2p=yes."),
        ("qemu:dbus:BUS", "A QEMU with -display dbus at this bus: system, session or a D-Bus address."),
    ],
    "demo": [("demo:", "A built-in VM, to try things out.")],
}
"""Kinds of sources, and what follows them."""

SOURCES_TEXT: Final = (
    "Options follow the address, each after a comma. Relative paths start where the daemon was started. "
    "Other packages can add kinds."
)


def page() -> str:
    lines = [heading(NAME, SECTION), ".SH NAME", f"{escape(NAME)} \\- configuration of pyrdpmux"]
    lines += [".SH SYNOPSIS", italic(SYSTEM_CONFIG), ".SH DESCRIPTION", *_introduction()]
    kinds = ask().values
    for table, text in TABLES.items():
        lines += [f'.SH "{"SETTINGS AT THE TOP" if not table else f"[{escape(table)}]"}"', escape(text)]
        for name in SETTINGS:
            inside, _, key = name.rpartition(".")
            if inside == table:
                lines += entry(f"{bold(key)} = {italic(_kind_of(name, kinds[name]))}", escape(SETTINGS[name]))
    lines += [".SH SOURCES", escape(SOURCES_TEXT)]
    for forms in SOURCES.values():
        for form, text in forms:
            lines += entry(bold(form), escape(text))
    lines += [".SH EXAMPLE", ".nf", *[escape(line) for line in EXAMPLE.splitlines()], ".fi"]
    lines += [".SH SEE ALSO", f"{bold('pyrdpmux-serve')}(8), {bold('pyrdpmux-passwd')}(1)"]
    return "\n".join(lines) + "\n"


def _introduction() -> Iterator[str]:
    yield escape(
        f"A TOML file that commands read where it is there and neither --config nor {CONFIG_VARIABLE} "
        "names another one. Everything in it is optional. Relative paths start at its directory, and options "
        "of the command line win over it."
    )
    yield ".PP"
    yield escape(
        "pyrdpmux serve --check says what is wrong with it. A daemon that runs reads it again with pyrdpmux "
        "reload; with an error in it, nothing changes."
    )


def _kind_of(name: str, kind: str) -> str:
    """A VM's own setting has no default of its own: it is the common one."""
    return kind.partition(", default ")[0] if name.startswith("vms.") else kind


EXAMPLE: Final = """\
bind = "0.0.0.0"

[gateway]
port = 3389

[groups]
operators = ["alice", "CORP\\\\bob"]

[vms.build7]
source = "vnc:unix:/run/build7.vnc"
groups = ["operators"]

[vms."web-*"]
users = ["carol"]
"""
