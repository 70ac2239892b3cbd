"""What the daemon may ask of the opener: one message each way on a unix socket of type SOCK_SEQPACKET.

| request | answer |
|---|---|
| ``framebuffer VM UID`` | ``ok`` and a descriptor of ``/dev/shm/VM.rdpmux``, which belongs to UID |
| ``accounts UID PATH`` | ``ok`` and a descriptor of a SAM file that belongs to UID or root |
| ``remove VM UID`` | ``ok``: ``/dev/shm/VM.rdpmux`` belonged to UID and is gone |

or ``error ERRNO TEXT``. Descriptors are passed with SCM_RIGHTS and can only be read.
"""

import os
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

SOCKET: Final = "/run/pyrdpmux-opener/socket"
"""Where systemd listens for it."""

MAX_PATH: Final = 4095
"""PATH_MAX, without the final NUL."""

MAX_REQUEST: Final = MAX_PATH + 32
MAX_ANSWER: Final = 512

MAX_VM_ID: Final = 2**31 - 1
"""``Register`` carries it as a positive D-Bus ``i``."""

MAX_UID: Final = 2**32 - 2
"""The one above means nobody in particular to the kernel."""

_NUMBER: Final = rb"(0|[1-9][0-9]{0,9})"
_REQUEST: Final = re.compile(
    rb"(framebuffer|remove) " + _NUMBER + rb" " + _NUMBER + rb"|(accounts) " + _NUMBER + rb" (/[^\0]*)",
    re.DOTALL,
)
_ERROR: Final = re.compile(rb"error ([1-9][0-9]{0,3}) (.*)", re.DOTALL)

OK: Final = b"ok"


class MalformedMessage(ValueError):
    """Not of this protocol; the text says what, and nothing of what it contained."""


class Kind(Enum):
    FRAMEBUFFER = "framebuffer"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class FramebufferRequest:
    """To open or remove what a VM of this user shares."""

    kind: Kind
    vm_id: int
    uid: int

    def encode(self) -> bytes:
        return f"{self.kind.value} {self.vm_id} {self.uid}".encode()


@dataclass(frozen=True, slots=True)
class AccountsRequest:
    """To open the SAM file that a VM of this user has named."""

    uid: int
    path: str

    def encode(self) -> bytes:
        return f"accounts {self.uid} ".encode() + os.fsencode(self.path)


Request: TypeAlias = FramebufferRequest | AccountsRequest


def decode_request(message: bytes) -> Request:
    """MalformedMessage for everything else."""
    if len(message) > MAX_REQUEST:
        raise MalformedMessage(f"a request of more than {MAX_REQUEST} bytes")
    found = _REQUEST.fullmatch(message)
    if found is None:
        raise MalformedMessage(f"a request of {len(message)} bytes that is none")
    kind, vm_id, owner, _, uid, path = found.groups()
    if path is not None:
        return AccountsRequest(_bounded("uid", uid, MAX_UID), _checked_path(path))
    return FramebufferRequest(
        Kind(kind.decode()), _bounded("VM id", vm_id, MAX_VM_ID), _bounded("uid", owner, MAX_UID)
    )


def encode_error(number: int, text: str) -> bytes:
    return f"error {number} {text}".encode("utf-8", "backslashreplace")[:MAX_ANSWER]


def decode_answer(message: bytes) -> None:
    """OSError if it is a refusal, MalformedMessage if it is no answer."""
    if message == OK:
        return
    found = _ERROR.fullmatch(message)
    if found is None:
        raise MalformedMessage(f"an answer of {len(message)} bytes that is none")
    raise OSError(int(found[1]), found[2].decode("utf-8", "replace"))


def _bounded(name: str, digits: bytes, maximum: int) -> int:
    number = int(digits)
    if number > maximum:
        raise MalformedMessage(f"{name} {number}, at most {maximum} allowed")
    return number


def _checked_path(path: bytes) -> str:
    """Absolute, and as it would be walked: nothing in it that goes nowhere or back."""
    if len(path) > MAX_PATH:
        raise MalformedMessage(f"a path of {len(path)} bytes, at most {MAX_PATH} allowed")
    if any(component in (b"", b".", b"..") for component in path[1:].split(b"/")):
        raise MalformedMessage("a path with an empty component, . or ..")
    return os.fsdecode(path)
