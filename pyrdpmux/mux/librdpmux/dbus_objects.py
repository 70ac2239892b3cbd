"""The objects on the bus (sections 2.1 to 2.4), for introspection and properties.

``/org/RDPMux/RDPMux`` and ``/org/RDPMux/Protocol1`` to ``Protocol5`` differ in the version they announce
first: the library looks at that one only. The calls themselves are answered by
:class:`~.dbus_service.DBusService`, which is told who calls.
"""

from typing import Annotated, Final

from dbus_fast import DBusError, ErrorType, PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt16
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from pyrdpmux.mux.figures import VmFigures
from pyrdpmux.mux.librdpmux.bus import INTERFACE, LISTENER_INTERFACE, OBJECT_PATH, WORKER_INTERFACE
from pyrdpmux.mux.librdpmux.dbus_figures import picture_figures, viewer_figures
from pyrdpmux.mux.librdpmux.protocol import NEWEST, PROTOCOLS
from pyrdpmux.mux.librdpmux.registered_guest import Guest
from pyrdpmux.mux.librdpmux.server import AccessControl

_NOT_HERE: Final = "the caller is not known"


class MainInterface(ServiceInterface):
    """``org.RDPMux.RDPMux``, one version first."""

    def __init__(self, version: int) -> None:
        super().__init__(INTERFACE)
        others = sorted(PROTOCOLS.keys() - {version}, reverse=True)
        self._versions = [version, *others]

    @dbus_property(access=PropertyAccess.READ, name="SupportedProtocolVersions")
    def supported_protocol_versions(self) -> Annotated[list[int], DBusSignature("ai")]:
        """Never empty: the library dies of that."""
        return self._versions

    @dbus_method(name="Reload")
    def reload(self) -> None:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)

    @dbus_method(name="RegisterNamed")
    def register_named(
        self,
        id: DBusInt32,
        version: DBusInt32,
        uuid: DBusStr,
        port: DBusUInt16,
        auth_file: DBusStr,
        name: DBusStr,
    ) -> DBusStr:
        """Ours: no library calls it, no other server has it."""
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)


class Main1(MainInterface):
    @dbus_method(name="Register")
    def register(self, id: DBusInt32, version: DBusInt32) -> DBusStr:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)


class Main2(MainInterface):
    @dbus_method(name="Register")
    def register(self, id: DBusInt32, version: DBusInt32, uuid: DBusStr) -> DBusStr:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)


class Main4(MainInterface):
    @dbus_method(name="Register")
    def register(self, id: DBusInt32, version: DBusInt32, uuid: DBusStr, port: DBusUInt16) -> DBusStr:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)


class Main5(MainInterface):
    @dbus_method(name="Register")
    def register(
        self, id: DBusInt32, version: DBusInt32, uuid: DBusStr, port: DBusUInt16, auth_file: DBusStr
    ) -> DBusStr:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)


_INTERFACES: Final = {1: Main1, 2: Main2, 3: Main2, 4: Main4, 5: Main5}


def main_objects(default: int = NEWEST) -> dict[str, MainInterface]:
    """By path; ``default`` is the version of the path that everybody knows."""
    objects = {f"/org/RDPMux/Protocol{version}": _INTERFACES[version](version) for version in PROTOCOLS}
    objects[OBJECT_PATH] = _INTERFACES[default](default)
    return objects


class WorkerInterface(ServiceInterface):
    """``org.RDPMux.ServerWorker``: what there was for VMs of protocols 1 and 2."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(WORKER_INTERFACE)
        self._guest = guest

    @dbus_property(access=PropertyAccess.READ, name="Port")
    def port(self) -> DBusInt32:
        return self._guest.vm.port if self._guest.vm is not None else 0


class ListenerInterface(ServiceInterface):
    """``org.RDPMux.RDPListener``: one VM's console. The types announced are the types sent."""

    def __init__(self, guest: Guest, access: AccessControl) -> None:
        super().__init__(LISTENER_INTERFACE)
        self.guest = guest
        self._access = access

    @dbus_property(access=PropertyAccess.READ, name="Port")
    def port(self) -> DBusInt32:
        return self.guest.vm.port if self.guest.vm is not None else 0

    @dbus_property(access=PropertyAccess.READ, name="NumConnectedPeers")
    def peers(self) -> DBusInt32:
        return self.guest.vm.viewer_count if self.guest.vm is not None else 0

    @dbus_property(access=PropertyAccess.READ, name="RequiresAuthentication")
    def requires_authentication(self) -> DBusBool:
        return self._access.requires_authentication(self.guest.name)

    @dbus_property(access=PropertyAccess.READ, name="Picture")
    def picture(self) -> Annotated[dict[str, float], DBusSignature("a{sd}")]:
        return picture_figures(self._figures)

    @dbus_property(access=PropertyAccess.READ, name="Viewers")
    def viewers(self) -> Annotated[list[dict[str, Variant]], DBusSignature("aa{sv}")]:
        return [viewer_figures(viewer) for viewer in self._figures.viewers]

    @dbus_property(access=PropertyAccess.READ, name="Heads")
    def heads(self) -> Annotated[list[list[int]], DBusSignature("a(iiii)")]:
        """The displays of its picture: x, y, width, height."""
        return [list(head) for head in self.guest.vm.screen.heads] if self.guest.vm is not None else []

    @property
    def _figures(self) -> VmFigures:
        return self.guest.vm.figures if self.guest.vm is not None else VmFigures()

    @dbus_method(name="SetCredentialFile")
    def set_credential_file(self, CredentialFile: DBusStr) -> None:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)

    @dbus_method(name="SetAuthentication")
    def set_authentication(self, auth: DBusBool) -> None:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)

    @dbus_method(name="Shutdown")
    def shutdown(self) -> None:
        raise DBusError(ErrorType.NOT_SUPPORTED, _NOT_HERE)
