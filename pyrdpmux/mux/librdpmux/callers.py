"""Who calls, as the bus daemon vouches for it: user, process, and how a security module confines it."""

from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import DBusError
from dbus_fast.aio import MessageBus

from pyrdpmux.mux.librdpmux.bus import call_daemon
from pyrdpmux.mux.librdpmux.registration import Registration

MAX_LABEL: Final = 4096
"""Characters; no security module has labels as long as that."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One connection to the bus. A name is never given to another one."""

    name: str
    uid: int
    #: None: the bus does not tell
    label: str | None = None
    pid: int | None = None

    def may_act_for(self, registration: Registration) -> bool:
        """The VM's own user, confined like the VM, where anything is; and root."""
        if self.uid == 0:
            return True
        return self.uid == registration.uid and registration.security_label in (None, self.label)

    def is_still(self, registration: Registration) -> bool:
        """Whether this is who has registered."""
        return registration.uid in (None, self.uid) and registration.security_label in (None, self.label)


async def find_caller(bus: MessageBus, name: str, *, with_label: bool = True) -> Caller:
    """DBusError if there is nobody of this name any more."""
    try:
        (credentials,) = await call_daemon(bus, "GetConnectionCredentials", name)
        values: dict[str, Any] = {key: variant.value for key, variant in credentials.items()}
    except DBusError as error:
        if error.type != "org.freedesktop.DBus.Error.UnknownMethod":
            raise
        values = {}  # a bus of before 2013
    uid = values.get("UnixUserID")
    if uid is None:
        (uid,) = await call_daemon(bus, "GetConnectionUnixUser", name)
    pid = values.get("ProcessID")
    return Caller(
        name,
        int(uid),
        _label(values.get("LinuxSecurityLabel")) if with_label else None,
        int(pid) if pid is not None else None,
    )


def _label(raw: object) -> str | None:
    """Bytes that end with a NUL."""
    if not isinstance(raw, bytes | bytearray):
        return None
    return bytes(raw).rstrip(b"\0").decode("utf-8", "backslashreplace")[:MAX_LABEL] or None
