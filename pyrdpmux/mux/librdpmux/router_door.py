"""ZeroMQ sockets for the VMs that need them: one each, or the original's one for all. pyzmq may miss."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.transport import GuestSocket, SocketUser

if TYPE_CHECKING:
    from pyrdpmux.mux.librdpmux.router import Router

SHARED_ADDRESS: Final = "ipc://@/tmp/rdpmux"
"""Where the original listens for all VMs: in the abstract namespace, which knows no permissions."""

MISSING: Final = "ZeroMQ is not installed here: pip install 'pyrdpmux[zmq]', or Debian's python3-zmq"


def has_zeromq() -> bool:
    return importlib.util.find_spec("zmq") is not None


class RouterDoor:
    """Opens a place at a router for a VM.

    ``shared_address``: let all VMs use this one, as the original did, instead of a private socket each.
    """

    def __init__(self, shared_address: str | None = None) -> None:
        self.shared_address = shared_address
        self._shared: Router | None = None

    @property
    def is_shared(self) -> bool:
        return self._shared is not None

    def start(self) -> None:
        """BackendError if the shared address cannot be had."""
        if self.shared_address is not None:
            router = _make_router()
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

    def open(self, path: Path, registration: Registration, user: SocketUser) -> tuple[str, GuestSocket]:
        """Its address, and the VM's socket."""
        if self._shared is not None and self.shared_address is not None:
            return self.shared_address, self._shared.add(registration.uuid, user, registration.uid)
        router = _make_router()
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


def _make_router() -> "Router":
    if not has_zeromq():
        raise BackendError(MISSING)
    from pyrdpmux.mux.librdpmux.router import Router

    return Router()
