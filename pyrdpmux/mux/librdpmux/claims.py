"""Whether a VM may register: what it asks for may be another one's, or more than there is."""

from collections.abc import Mapping
from typing import Final

from pyrdpmux.mux.librdpmux.pins import Pins, describe
from pyrdpmux.mux.librdpmux.registered_guest import DESCRIPTORS, Guest
from pyrdpmux.mux.librdpmux.registration import Registration, RegistrationRefused
from pyrdpmux.net.descriptors import has_room_for, limit

MAX_GUESTS: Final = 2000
GUESTS_PER_UID: Final = 1000
"""By default: libvirt runs all its VMs as one user. Others have as much room beside it."""


class Claims:
    """``is_shared``: ZeroMQ guests of protocol 3 and later are told apart by their UUIDs alone."""

    def __init__(self, pins: Pins, guests_per_uid: int, *, is_shared: bool) -> None:
        self._pins = pins
        self._guests_per_uid = guests_per_uid
        self._is_shared = is_shared

    def check(self, registration: Registration, guests: Mapping[str, Guest]) -> Guest | None:
        """Whom it replaces, if anybody. RegistrationRefused."""
        previous = guests.get(registration.key)
        if previous is None:
            self._check_quota(registration, guests)
        elif not previous.may_be_replaced_by(registration):
            raise RegistrationRefused(_in_use(previous, registration))
        self._pins.check(registration)
        for guest in guests.values():
            if guest is not previous:
                self._check_beside(registration, guest)
        if previous is None:
            coming = sum(guest.descriptors_to_come for guest in guests.values())
            if not has_room_for(DESCRIPTORS + coming):
                raise RegistrationRefused(
                    f"no descriptors left for another VM of the {limit()} that there are: raise LimitNOFILE"
                )
        return previous

    def _check_quota(self, registration: Registration, guests: Mapping[str, Guest]) -> None:
        if len(guests) >= MAX_GUESTS:
            raise RegistrationRefused(f"{len(guests)} VMs are registered, no more are allowed")
        count = sum(guest.registration.uid == registration.uid for guest in guests.values())
        if count >= self._guests_per_uid:
            raise RegistrationRefused(
                f"{count} VMs of uid {registration.uid} are registered, "
                f"no more are allowed (guests-per-uid of [librdpmux])"
            )

    def _check_beside(self, registration: Registration, guest: Guest) -> None:
        if guest.registration.vm_id == registration.vm_id:
            raise RegistrationRefused(f"VM id {registration.vm_id} is in use by {guest.name}")
        if guest.name.casefold() == registration.label.casefold():
            raise RegistrationRefused(f"the name {registration.label} is in use by {guest.name}")
        if self._is_shared and guest.registration.uuid == registration.uuid != "":
            raise RegistrationRefused("at the shared socket a VM without a UUID must be the only one")


def _in_use(previous: Guest, other: Registration) -> str:
    mine = previous.registration
    who = previous.owner or "a process that the bus does not know"
    owned = describe(mine.uid, mine.security_label)
    asking = describe(other.uid, other.security_label)
    why = "that is there still" if owned == asking else f"it is not {asking}'s"
    return f"VM {previous.key} is in use by {who}, {owned}: {why}"
