"""ZeroMQ sockets for the VMs that need them: one each, or the original's one for all. pyzmq may miss."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.transport import GuestSocket, Run, SocketUser, at_once
from pyrdpmux.net.fair import FairSchedule, Kind, LoopShare
from pyrdpmux.net.tasks import TaskSet

if TYPE_CHECKING:
    from pyrdpmux.mux.librdpmux.router import Router

SHARED_ADDRESS: Final = "ipc://@/tmp/rdpmux"
"""Where the original listens for all VMs: in the abstract namespace, which knows no permissions."""

MISSING: Final = "ZeroMQ is not installed here: pip install 'pyrdpmux[zmq]'"


def has_zeromq() -> bool:
    return importlib.util.find_spec("zmq") is not None


class RouterDoor:
    """Opens a place at a router for a VM.

    ``shared_address``: let all VMs use this one, as the original did, instead of a private socket each. What
    comes in there is read in turns of a share of its own (libzmq takes the VMs in turn itself).
    """

    def __init__(self, shared_address: str | None = None, schedule: FairSchedule | None = None) -> None:
        self.shared_address = shared_address
        self._schedule = schedule or FairSchedule()
        self._share: LoopShare | None = None
        self._reading = TaskSet()
        self._shared: Router | None = None

    @property
    def is_shared(self) -> bool:
        return self._shared is not None

    def start(self) -> None:
        """BackendError if the shared address cannot be had."""
        if self.shared_address is not None:
            share = self._share = self._schedule.share(Kind.GUEST, "shared socket")

            def run(steps: Iterator[None]) -> None:
                self._reading.create(share.work(steps), "shared socket")

            router = _make_router(run)
            try:
                router.bind_shared(self.shared_address)
            except BackendError:
                router.close()
                raise
            self._shared = router

    def stop(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        if self._share is not None:
            self._share.close()
            self._share = None

    def open(
        self, path: Path, registration: Registration, user: SocketUser, run: Run = at_once
    ) -> tuple[str, GuestSocket]:
        """Its address, and the VM's socket; ``run`` reads from one of its own."""
        if self._shared is not None and self.shared_address is not None:
            return self.shared_address, self._shared.add(registration.uuid, user, registration.uid)
        router = _make_router(run)
        try:
            address = router.bind_path(path, registration.uid)
        except BackendError:
            router.close()
            raise
        return address, router.add(registration.uuid, user, registration.uid)

    @staticmethod
    def call(socket: GuestSocket, greeting: bytes) -> None:
        """See :meth:`~.router.Route.call`; nanomsg needs no such thing."""
        if has_zeromq():
            from pyrdpmux.mux.librdpmux.router import Route

            if isinstance(socket, Route):
                socket.call(greeting)


def _make_router(run: Run) -> "Router":
    if not has_zeromq():
        raise BackendError(MISSING)
    from pyrdpmux.mux.librdpmux.router import Router

    return Router(run)
