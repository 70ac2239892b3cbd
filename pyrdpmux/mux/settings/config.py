"""What the daemon can be told: by a file (:mod:`.config_file`), and by options of the command line."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from pathlib import Path
from typing import Final

from pyrdpmux.mux.keyboard.layout import Layout
from pyrdpmux.mux.keyboard.layouts import LAYOUTS
from pyrdpmux.mux.settings.access import AccessRules
from pyrdpmux.mux.settings.table import Origin
from pyrdpmux.mux.settings.vm_names import is_like

DEFAULT_BIND: Final = "127.0.0.1"
DEFAULT_PORT: Final = 3901
"""RDPMux numbered its listeners from here."""

DEFAULT_BUS: Final = "system"
EXAMPLE: Final = Path(__file__).with_name("example.toml")


def default_state_dir() -> Path:
    """systemd's directory if it made one, else the system's for root, else the user's."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":", 1)[0])
    if os.geteuid() == 0:
        return Path("/var/lib/pyrdpmux")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "pyrdpmux"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """How viewers prove who they are. What is not allowed is refused with the reason clients understand."""

    #: Network Level Authentication: the user is known before anything else happens
    nla: bool = True
    #: TLS without NLA: encrypted, but anybody who reaches the port sees the VM
    tls: bool = False
    #: Standard RDP Security: RC4, no server identity, no user; for very old clients only
    rdp: bool = False
    #: of NLA: clients of an older CredSSP are refused; below 5 it binds to our certificate less well
    credssp_min_version: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What one VM and one address may cost us."""

    viewers_per_vm: int = 16
    #: connections that have not logged on yet, to all ports together; beyond, the oldest of who has most goes
    pending: int = 256
    #: connections of one network that are heard; the others wait their turn; 0: any number
    attempts_per_second: int = 10
    #: of one network, or at one account: then answers come later and later; 0: never
    failed_logons_per_minute: int = 10
    #: to which neither of these applies, such as a proxy's
    exempt_networks: tuple[str, ...] = ()
    frames_per_second: int = 60
    #: when there is no room, a new viewer takes the place of the oldest of the same user
    take_over: bool = True


EVERYBODY: Final = "everybody"
ONE_AT_A_TIME: Final = "one-at-a-time"
TYPISTS: Final = (EVERYBODY, ONE_AT_A_TIME)
POINTERS: Final = ("hidden", "dot", "arrow")
NOBODY: Final = "nobody"
ALLOWED: Final = (EVERYBODY, NOBODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """Whose keys and clicks reach a VM that several look at."""

    typists: str = EVERYBODY
    #: one-at-a-time: so long after the last input of one, another may begin
    idle_seconds: int = 5
    #: what viewers see until a VM gives its pointer a shape; many guests draw theirs into the picture
    pointer: str = "hidden"
    #: of the guests: what characters, of phones and of `pyrdpmux type`, are typed on
    keyboard: str = "us"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """One port for all VMs."""

    #: None: there is no such port
    port: int | None = None
    #: None: where the VMs listen
    bind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrdpmuxSettings:
    """What unmodified guests of old find."""

    #: the protocol version that /org/RDPMux/RDPMux announces; the others have objects of their own
    default_protocol: int = 5
    #: ZeroMQ guests all use the original's abstract socket instead of a private one each
    shared_socket: bool = False
    #: VMs of one user; libvirt's QEMUs share one
    guests_per_uid: int = 1000
    #: VMs of one user are told apart by the labels of SELinux or AppArmor as well
    security_labels: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSettings:
    """What differs for one VM."""

    #: None: what the VM itself asks for, else the lowest free one
    port: int | None = None
    #: None: the common accounts
    accounts: Path | None = None
    view_only: bool | None = None
    #: everybody or nobody, instead of the lists below
    allow: str | None = None
    #: None of these three: everybody who may log on
    users: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    view_only_users: tuple[str, ...] | None = None
    #: None: the common ones
    typists: str | None = None
    keyboard: str | None = None
    viewers: int | None = None
    certificate_dir: Path | None = None
    #: whose VM it is, if it registers itself; None: whose it was the first time
    uid: int | None = None
    #: where the VM comes from, KIND:ADDRESS; None: it registers itself
    source: str | None = None

    def over(self, general: "VmSettings") -> "VmSettings":
        """What this one does not say, ``general`` does. Who may see the VM is one thing, and not mixed."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        given = {name: value for name, value in given.items() if value is not None}
        if not given.keys().isdisjoint(WHO):
            general = replace(general, allow=None, users=None, groups=None, view_only_users=None)
        return replace(general, **given)


WHO: Final = ("allow", "users", "groups", "view_only_users")
"""The settings of a VM that say who may see it."""


MAX_KNOWN: Final = 4096
"""Names of VMs whose settings are remembered, twice as many as there can be VMs: VMs invent them."""


class NamedVms(Mapping[str, VmSettings]):
    """The tables of the configuration that name VMs, one by one (these are counted) or by a pattern.

    INVARIANT: in whatever case, as whoever asks for a VM may write its name: a VM that spells the name in
    another way must not be found under it and be free of its rules.
    """

    def __init__(self, vms: Mapping[str, VmSettings], patterns: Mapping[str, VmSettings]) -> None:
        self._vms = vms
        self._folded = {name.casefold(): settings for name, settings in vms.items()}
        self._patterns = [(pattern.casefold(), settings) for pattern, settings in patterns.items()]

    def __getitem__(self, name: str) -> VmSettings:
        folded = name.casefold()
        fitting = [settings for pattern, settings in self._patterns if is_like(folded, pattern)]
        if folded in self._folded:
            fitting.insert(0, self._folded[folded])
        if not fitting:
            raise KeyError(name)
        return reduce(VmSettings.over, fitting)

    def __iter__(self) -> Iterator[str]:
        return iter(self._vms)

    def __len__(self) -> int:
        return len(self._vms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything; the defaults are a safe single-user daemon."""

    bind: str = DEFAULT_BIND
    port: int = DEFAULT_PORT
    #: system, session, none, or a D-Bus address; None: system, if it can be had
    bus: str | None = None
    state_dir: Path = field(default_factory=default_state_dir)
    #: None: the state directory
    certificate_dir: Path | None = None
    #: None: accounts.sam in the state directory
    accounts: Path | None = None
    security: SecuritySettings = SecuritySettings()
    limits: LimitSettings = LimitSettings()
    input: InputSettings = InputSettings()
    gateway: GatewaySettings = GatewaySettings()
    librdpmux: LibrdpmuxSettings = LibrdpmuxSettings()
    #: directories of QEMU's QMP sockets, or patterns of their paths: each QEMU there is a VM
    qmp_sockets: tuple[str, ...] = ()
    #: name or address under which clients reach this machine, for .rdp files; None: they are told ours
    public_address: str | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: tables of one VM
    vms: Mapping[str, VmSettings] = field(default_factory=dict)
    #: tables of all VMs of such a name, the most specific first
    patterns: Mapping[str, VmSettings] = field(default_factory=dict)
    #: what no table says
    defaults: VmSettings = VmSettings()
    #: where all this stands
    origin: Origin = field(default=Origin(), compare=False, repr=False)
    named: NamedVms = field(init=False, compare=False, repr=False)
    #: what :meth:`vm` has said
    _known: dict[str, VmSettings] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", NamedVms(self.vms, self.patterns))

    @property
    def has_sources(self) -> bool:
        """Whether VMs come from elsewhere than the bus."""
        return bool(self.qmp_sockets) or any(vm.source is not None for vm in self.vms.values())

    def vm(self, name: str) -> VmSettings:
        """What holds for this VM: each setting of the most specific table that has it.

        Remembered, since it is asked of every VM whenever somebody looks at the list of them.
        """
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            known = self._known[name] = self.named.get(name, VmSettings()).over(self.defaults)
        return known

    @property
    def _tables(self) -> tuple[VmSettings, ...]:
        """Of VMs, by name and by pattern."""
        return (*self.vms.values(), *self.patterns.values())

    def accounts_path(self, name: str | None = None) -> Path:
        """The SAM file of a VM, or the common one."""
        own = self.vm(name).accounts if name is not None else None
        return own or self.accounts or self.state_dir / "accounts.sam"

    @property
    def accounts_paths(self) -> frozenset[Path]:
        """All SAM files."""
        own = [vm.accounts for vm in self._tables if vm.accounts is not None]
        return frozenset({self.accounts_path(), *own})

    @property
    def certificate_paths(self) -> frozenset[Path]:
        """The directories of all certificates."""
        own = [vm.certificate_dir for vm in self._tables if vm.certificate_dir is not None]
        return frozenset({self.certificate_path(), *own})

    def certificate_path(self, name: str | None = None) -> Path:
        """The directory of a VM's certificate, or of the common one."""
        own = self.vm(name).certificate_dir if name is not None else None
        return own or self.certificate_dir or self.state_dir

    def rules(self, name: str) -> AccessRules:
        """Who may do what with this VM."""
        vm = self.vm(name)
        members = [member for group in vm.groups or () for member in self.groups.get(group, ())]
        return AccessRules(
            users=(*(vm.users or ()), *members),
            view_only_users=vm.view_only_users or (),
            is_view_only=bool(vm.view_only),
            is_restricted=vm.allow == NOBODY
            or (vm.users, vm.groups, vm.view_only_users) != (None, None, None),
        )

    def viewers(self, name: str) -> int:
        """How many may look at this VM at the same time."""
        return self.vm(name).viewers or self.limits.viewers_per_vm

    def typists(self, name: str) -> str:
        """Whose input reaches this VM."""
        return self.vm(name).typists or self.input.typists

    def keyboard(self, name: str) -> Layout:
        return LAYOUTS[self.vm(name).keyboard or self.input.keyboard]

    @property
    def gateway_bind(self) -> str:
        return self.gateway.bind or self.bind

    @property
    def control_path(self) -> Path:
        return self.state_dir / "control.sock"


def is_bus(text: str) -> bool:
    """A bus by name, or something of the shape of a D-Bus address."""
    transport, colon, _ = text.partition(":")
    return text in ("system", "session", "none") or (colon == ":" and transport.isidentifier())
