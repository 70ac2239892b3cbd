"""Whose VMs those are that the configuration names: their rules must never apply to a stranger.

``[vms.NAME]`` says who may see a VM and with which accounts, and whoever registers under that name gets all
that. So the first one who does is remembered, over restarts too, unless the configuration says whose it is.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pyrdpmux.mux.librdpmux.registration import Registration, RegistrationRefused
from pyrdpmux.mux.log.connection_log import MAX_REASON, printable
from pyrdpmux.mux.settings.config import VmSettings

MAX_PINS: Final = 4096
"""Names that are remembered; only those are that the configuration has a table for, or a pattern."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The user of a VM, and how its processes are confined, if that is known."""

    uid: int
    label: str | None = None

    def __str__(self) -> str:
        return describe(self.uid, self.label)


def describe(uid: int | None, label: str | None) -> str:
    """For people."""
    confinement = f", label {printable(label, MAX_REASON)}" if label is not None else ""
    return f"uid {uid}{confinement}"


class Pins:
    """By all that leads to a VM, its name and its UUID, in one case.

    ``vms`` tells the tables of the configuration as it is now.
    """

    def __init__(self, vms: Callable[[], Mapping[str, VmSettings]] | None = None) -> None:
        self._vms = vms or (lambda: {})
        self._pins: dict[str, Pin] = {}

    def load(self, pins: Mapping[str, Pin]) -> None:
        """Of the last daemon."""
        self._pins = {name.casefold(): pin for name, pin in pins.items()}

    @property
    def all(self) -> Mapping[str, Pin]:
        return self._pins

    def check(self, registration: Registration) -> None:
        """RegistrationRefused if this VM is somebody else's."""
        if registration.uid is None:
            return
        for name in registration.names:
            if (settings := self._vms().get(name)) is not None:
                self._check_name(name, settings, registration.uid, registration.security_label)

    def _check_name(self, name: str, settings: VmSettings, uid: int, label: str | None) -> None:
        if settings.uid is not None:
            if settings.uid != uid:
                raise RegistrationRefused(
                    f"VM {name} is uid {settings.uid}'s by the configuration, not {describe(uid, label)}'s"
                )
            return
        pin = self._pins.get(name)
        if pin is not None and (pin.uid != uid or pin.label not in (None, label)):
            raise RegistrationRefused(
                f"VM {name} has been {pin}'s, not {describe(uid, label)}'s; "
                f"if that is right, say uid = {uid} in its table of the configuration"
            )
        if pin is None and len(self._pins) >= MAX_PINS:
            self._make_room()

    def set(self, registration: Registration) -> bool:
        """It has the VM, from now on; True if that is news."""
        if registration.uid is None:
            return False
        pin = Pin(registration.uid, registration.security_label)
        names = [name for name in registration.names if self._vms().get(name) is not None]
        is_news = any(self._pins.get(name) != pin for name in names)
        self._pins.update(dict.fromkeys(names, pin))
        return is_news

    def _make_room(self) -> None:
        """RegistrationRefused if there is none.

        What is not configured any more goes: it has no rules that could apply to a stranger. Of names that
        only a pattern fits, which anybody can invent, the oldest of the user who has most.
        """
        named = self._vms()
        self._pins = {name: pin for name, pin in self._pins.items() if name in named}
        if len(self._pins) < MAX_PINS:
            return
        own = frozenset([name.casefold() for name in named])
        invented = [(name, pin.uid) for name, pin in self._pins.items() if name not in own]
        if not invented:
            raise RegistrationRefused(f"{len(self._pins)} VMs of the configuration have owners already")
        [(most, _)] = Counter(uid for _, uid in invented).most_common(1)
        del self._pins[next(name for name, uid in invented if uid == most)]
