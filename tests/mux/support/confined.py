"""A command under what a unit of ours demands, as far as that goes without systemd; started as root.

    python -m tests.mux.support.confined UNIT UID [--listen PATH OWNER] MODULE ARGUMENT...

In force before MODULE is imported: LimitNOFILE, UMask, NoNewPrivileges, MemoryDenyWriteExecute, and
SystemCallFilter and RestrictAddressFamilies as real seccomp filters, if there is a libseccomp. Before its
``main(arguments)`` is called: the user, no groups, and the capabilities of AmbientCapabilities and no others.
Only between the two may it change who it is: nobody else could import from an interpreter in root's home.
What the unit says about mounts, name spaces and control groups is not in force.
"""

import contextlib
import ctypes
import errno
import functools
import importlib
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Unit = dict[str, list[str]]

PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 8, 24, 38, 65
REFUSE_EXEC_GAIN: Final = 1
CAPABILITY_VERSION: Final = 0x20080522
CAPABILITIES: Final = {"CAP_DAC_READ_SEARCH": 2, "CAP_FOWNER": 3}
LAST_CAPABILITY: Final = 40

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000
TSYNC: Final = 4
"""The filter is for threads that are there already, too."""

EQUAL, MASKED_EQUAL = 4, 7
BECOMING_SOMEBODY: Final = {"setgroups", "setresgid", "setresuid", "capset", "seccomp", "prctl"}


def read_unit(path: Path) -> Unit:
    """Its service section; a setting may be there several times."""
    settings: Unit = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings


@functools.cache
def system_call_sets() -> dict[str, list[str]]:
    """systemd's, by their names."""
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True
    ).stdout
    sets: dict[str, list[str]] = {}
    name = ""
    for line in listing.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def expanded(words: Iterable[str]) -> set[str]:
    """Names of system calls, without sets."""
    found: set[str] = set()
    for word in words:
        found |= expanded(system_call_sets()[word]) if word.startswith("@") else {word}
    return found


@dataclass(frozen=True)
class CallFilter:
    """SystemCallFilter as systemd reads it: the first line decides whether it lists what is allowed."""

    is_allow_list: bool
    #: and in a list of what is not allowed, what each is answered with
    calls: dict[str, int]

    @classmethod
    def of(cls, unit: Unit) -> "CallFilter":
        lines = unit["SystemCallFilter"]
        is_allow_list = not lines[0].startswith("~")
        calls: dict[str, int] = {}
        for line in lines:
            if line.startswith("~") == is_allow_list:
                for name in expanded(line.removeprefix("~").split()):
                    calls.pop(name, None)
                continue
            for word in line.removeprefix("~").split():
                name, _, number = word.partition(":")
                calls |= dict.fromkeys(expanded([name]), int(number) if number else errno.EPERM)
        always = expanded(["@default"])
        if is_allow_list:
            calls |= dict.fromkeys(always, 0)
        return cls(is_allow_list, {k: v for k, v in calls.items() if is_allow_list or k not in always})

    def load(self, exceptions: Iterable[str] = ()) -> None:
        """For good, for all threads."""
        calls = Filter(REFUSE | errno.EPERM if self.is_allow_list else ALLOW)
        if self.is_allow_list:
            for name in {*self.calls, *exceptions}:
                calls.add(ALLOW, name)
        else:
            for name in set(self.calls) - set(exceptions):
                calls.add(REFUSE | self.calls[name], name)
        calls.load()


# -- seccomp -----------------------------------------------------------------------------------------


class Argument(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


def libseccomp() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(Argument),
    ]
    return library


class Filter:
    """One filter, to be filled and loaded."""

    def __init__(self, otherwise: int) -> None:
        library = libseccomp()
        assert library is not None
        self._library = library
        self._context = library.seccomp_init(otherwise)
        library.seccomp_attr_set(self._context, TSYNC, 1)

    def add(self, action: int, name: str, *arguments: Argument) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        array = (Argument * len(arguments))(*arguments)
        # a call that another architecture has is refused, with which all is well
        self._library.seccomp_rule_add_array(self._context, action, number, len(arguments), array)

    def load(self) -> None:
        failed = self._library.seccomp_load(self._context)
        if failed:
            raise OSError(-failed, f"seccomp: {os.strerror(-failed)}")


def refuse_families(unit: Unit) -> None:
    """RestrictAddressFamilies, a list of what is allowed."""
    words = " ".join(unit["RestrictAddressFamilies"]).split()
    allowed = {int(getattr(socket, word)) for word in words if word != "none"}
    families = Filter(ALLOW)
    for family in set(range(64)) - allowed:
        families.add(REFUSE | errno.EAFNOSUPPORT, "socket", Argument(0, EQUAL, family, 0))
    families.load()


def refuse_new_code() -> None:
    """MemoryDenyWriteExecute as systemd before 254 does it, which is stricter than the kernel's own."""
    write_execute, execute = 2 | 4, 4
    code = Filter(ALLOW)
    code.add(REFUSE | errno.EPERM, "mmap", Argument(2, MASKED_EQUAL, write_execute, write_execute))
    for name in ("mprotect", "pkey_mprotect"):
        code.add(REFUSE | errno.EPERM, name, Argument(2, MASKED_EQUAL, execute, execute))
    code.load()


# -- the rest ----------------------------------------------------------------------------------------


def prctl(option: int, argument: int, third: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(
        option, ctypes.c_ulong(argument), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0)
    ):
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def become(uid: int, capabilities: Iterable[int]) -> None:
    """This user, with these capabilities and no way to others."""
    kept = set(capabilities)
    for number in set(range(LAST_CAPABILITY + 1)) - kept:
        prctl(PR_CAPBSET_DROP, number)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    prctl(PR_SET_KEEPCAPS, 1)
    os.setresuid(uid, uid, uid)
    bits = sum(1 << number for number in kept)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def listen(path: str, owner: int) -> None:
    """As a socket unit does: ours is descriptor 3 then."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(f"{path}.new")
    os.chmod(f"{path}.new", 0o600)
    os.chown(f"{path}.new", owner, -1)
    listening.listen(64)
    os.rename(f"{path}.new", path)
    if listening.fileno() == 3:
        listening.detach()
    else:
        os.dup2(listening.fileno(), 3, inheritable=False)
        listening.close()
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")


def main(arguments: list[str]) -> int:
    unit, uid, *rest = arguments
    if rest[0] == "--listen":
        listen(rest[1], int(rest[2]))
        rest = rest[3:]
    settings = read_unit(Path(unit))
    # in a container, root may not raise it
    files = min(int(settings["LimitNOFILE"][-1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    os.umask(int(settings["UMask"][-1], 8))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    has_filter = libseccomp() is not None
    if has_filter:
        calls = CallFilter.of(settings)
        refuse_new_code()
        refuse_families(settings)
        calls.load(exceptions=BECOMING_SOMEBODY)
    with contextlib.suppress(OSError):  # a kernel before 6.3
        prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN)
    module = importlib.import_module(rest[0])
    become(int(uid), [CAPABILITIES[name] for name in settings["AmbientCapabilities"][-1].split()])
    if has_filter:
        calls.load()
    return int(module.main(rest[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
