"""What a source of VMs and the registry know of each other; neither knows more.

A backend (librdpmux on D-Bus, the demo VM, later others) announces VMs to its :class:`VmHost`, paints their
:class:`~pyrdpmux.mux.picture.screen.Screen` and gets the viewers' input through the :class:`InputSink`
that it handed in.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol, TypeVar, runtime_checkable

from pyrdpmux.mux.figures import VmFigures
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.fair import LoopShare

T = TypeVar("T")


class Button(Enum):
    """A button of the pointer."""

    LEFT = 1
    RIGHT = 2
    MIDDLE = 3
    X1 = 4
    X2 = 5


@runtime_checkable
class InputSink(Protocol):
    """What a VM can be told. Scancodes are XT set 1 without prefix; positions are pixels of its screen.

    Characters that viewers send arrive as strokes of keys, on the keyboard layout that is configured for the
    VM, unless the sink is a :class:`CharacterSink` too. No method may block or raise: a VM that has gone away
    swallows its input.
    """

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        """``extended``: E0 prefix (arrows, right Ctrl); ``extended1``: E1 prefix (Pause)."""

    def pointer(self, x: int, y: int) -> None: ...

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None: ...

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        """120 per notch; positive is away from the user, or to the right."""

    def relative(self, dx: int, dy: int) -> None: ...

    def synchronize(self, toggle_flags: int) -> None:
        """State of the lock keys: scroll 1, num 2, caps 4, kana 8 (MS-RDPBCGR 2.2.8.1.1.3.1.1.5)."""


class NoInput:
    """An InputSink that ignores everything."""

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None: ...

    def pointer(self, x: int, y: int) -> None: ...

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None: ...

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None: ...

    def relative(self, dx: int, dy: int) -> None: ...

    def synchronize(self, toggle_flags: int) -> None: ...


@runtime_checkable
class CharacterSink(Protocol):
    """What an :class:`InputSink` may be as well, if the VM itself knows what to do with characters."""

    @property
    def takes_characters(self) -> bool:
        """Whether it does so now."""

    def unicode(self, code: int, *, down: bool) -> None:
        """A UTF-16 code unit; only while ``takes_characters``."""


@runtime_checkable
class ResizeSink(Protocol):
    """What an :class:`InputSink` may be as well, if the VM can change the size of its desktop."""

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """A viewer would like this desktop size in pixels, with text and controls of ``scale`` percent.

        The VM may do so, sometime, or not; other viewers adapt to what it does.
        """


@runtime_checkable
class MonitorSink(Protocol):
    """What an :class:`InputSink` may be as well, if the VM can have several displays."""

    @property
    def max_monitors(self) -> int:
        """Displays that it may have, 1 at least."""

    def request_monitors(self, monitors: Sequence[Monitor]) -> None:
        """A viewer would like a display for each of these, the main one first: no more than ``max_monitors``.

        They do not overlap, and fit a desktop. The VM may do so, sometime, or not, as with sizes.
        """


class VmStatus(Enum):
    """How the VM is. Anything but RUNNING puts a card over its picture, which is kept."""

    RUNNING = "running"
    PAUSED = "paused"
    STARTING = "starting"
    #: nothing wrong is known, and nothing has been painted yet
    WAITING = "waiting for its picture"
    NO_SIGNAL = "no signal"
    CRASHED = "crashed"
    MIGRATING = "migrating"
    LOST = "lost"


class Compute(Protocol):
    """See :meth:`Vm.compute`."""

    async def __call__(self, job: Callable[[], T]) -> T: ...


class Vm(Protocol):
    """A VM as its backend sees it: a screen to paint, and who looks at it."""

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> str | None: ...

    @property
    def screen(self) -> Screen: ...

    @property
    def port(self) -> int: ...

    @property
    def viewer_count(self) -> int: ...

    @property
    def figures(self) -> VmFigures:
        """How its picture comes to viewers, and what that costs."""

    @property
    def loop_share(self) -> LoopShare:
        """Of the event loop: what takes more than a moment is done in its turns."""

    def watch(self, listener: Callable[[bool], None]) -> None:
        """Hear whether anybody looks: at once, and whenever that changes. One listener, the latest.

        While nobody looks, nothing needs to be painted; once somebody does, the picture has to come up to
        date by itself, and soon. How often it is painted then is the source's decision: viewers take what
        they can use of it. May be called from inside any other call: a listener takes notes and returns.
        """

    async def compute(self, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises, in one of the daemon's threads for pictures: copying, decoding.

        A VM has few of them at a time; its streams are encoded there too. Cancelled, a job that has begun
        goes on to its end: what it uses must live until then.
        """

    def set_leds(self, leds: int) -> None:
        """The guest's lock keys: scroll 1, num 2, caps 4; viewers' keyboards follow."""

    def set_status(self, status: VmStatus, text: str = "") -> None:
        """``text`` says more, in a line. RUNNING shows the VM's picture again at once."""

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        """False: the guest has no tablet, so viewers' motion reaches the sink as ``relative``."""


class VmHost(Protocol):
    """The registry as a backend sees it."""

    async def add_vm(
        self, name: str, *, input: InputSink, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        """Publish a VM. A known name is taken over: same screen, port and viewers, new input sink."""

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        """Close its listener; its viewers are told why."""

    def vm_lost(self, vm: Vm, reason: str) -> None:
        """It died or restarts: viewers stay, input goes nowhere, the picture says so until it returns."""


class Backend(Protocol):
    """A source of VMs."""

    async def start(self, host: VmHost) -> None: ...

    async def stop(self) -> None: ...
