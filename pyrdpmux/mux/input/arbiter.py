"""One keyboard and one pointer for all who look at a VM: RDP input events in, InputSink calls out.

Everybody may type, or one at a time. A key that two viewers hold is up when the last of them lets go, and
what a viewer holds when it leaves is let go for it: a VM never keeps a Ctrl that nobody presses.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from pyrdpmux.mux.backend import Button, InputSink
from pyrdpmux.mux.input.input_state import Character, HeldInputs, Holdable, Key, PointerButton
from pyrdpmux.mux.input.turns import Turns
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    KeyboardEvent,
    MouseEvent,
    PointerFlags,
    RelativeMouseEvent,
    RelativePointerFlags,
    SynchronizeEvent,
    UnicodeEvent,
)

BUTTONS: Final = (
    (PointerFlags.BUTTON1, Button.LEFT),
    (PointerFlags.BUTTON2, Button.RIGHT),
    (PointerFlags.BUTTON3, Button.MIDDLE),
)
EXTENDED_BUTTONS: Final = (
    (ExtendedPointerFlags.BUTTON1, Button.X1),
    (ExtendedPointerFlags.BUTTON2, Button.X2),
)
RELATIVE_BUTTONS: Final = (
    (RelativePointerFlags.BUTTON1, Button.LEFT),
    (RelativePointerFlags.BUTTON2, Button.RIGHT),
    (RelativePointerFlags.BUTTON3, Button.MIDDLE),
    (RelativePointerFlags.BUTTON4, Button.X1),
    (RelativePointerFlags.BUTTON5, Button.X2),
)


class InputArbiter:
    """Between the viewers of one VM and its input. ``sink`` is None while the VM is away."""

    def __init__(self, sink: InputSink | None = None) -> None:
        self._sink = sink
        self._held: dict[Hashable, HeldInputs] = {}
        #: False: the guest has no tablet, so that motion is told as a difference
        self.is_absolute = True
        #: None: everybody may type
        self.turns: Turns | None = None
        #: the VM is in no state to be typed at
        self._is_paused = False

    @property
    def sink(self) -> InputSink | None:
        return self._sink

    def connect(self, sink: InputSink | None) -> None:
        """Use this sink from now on; None: the VM is away. Held keys are not pressed in the new one."""
        self._sink = sink
        self.is_absolute = True
        self._is_paused = False
        for held in self._held.values():
            held.clear()

    def apply(self, viewer: Hashable, events: Iterable[InputEvent], now: float = 0.0) -> None:
        """Input of one viewer, in order. Unknown kinds of events are skipped."""
        if self._sink is None or self._is_paused:
            return
        held = self._held.setdefault(viewer, HeldInputs())
        for event in events:
            handler = self.HANDLERS.get(type(event))
            if handler is not None and self._may_type(self._sink, viewer, event, now):
                handler(self, self._sink, held, event)

    def leave(self, viewer: Hashable) -> None:
        """The viewer is gone: let go what it holds, unless another one holds it too."""
        if self.turns is not None:
            self.turns.leave(viewer)
        held = self._held.pop(viewer, None)
        if held is not None and self._sink is not None:
            self._release_all(self._sink, held)

    def pause(self, is_paused: bool) -> None:
        """Let everything go and take no input, or take it again."""
        if is_paused and not self._is_paused and self._sink is not None:
            for held in self._held.values():
                self._release_all(self._sink, held)
        self._is_paused = is_paused

    def has_turn(self, viewer: Hashable) -> bool:
        """One at a time types, and it is this viewer now."""
        return self.turns is not None and self.turns.typist == viewer

    def place(self, viewer: Hashable, x: int, y: int) -> None:
        """The viewer's pointer was put there by us: its client will tell us of that as if it had moved."""
        held = self._held.setdefault(viewer, HeldInputs())
        held.x, held.y, held.has_position = x, y, True

    def position_of(self, viewer: Hashable) -> tuple[int, int] | None:
        """Where the viewer's pointer is, as far as it has told."""
        held = self._held.get(viewer)
        return (held.x, held.y) if held is not None and held.has_position else None

    def _may_type(self, sink: InputSink, viewer: Hashable, event: InputEvent, now: float) -> bool:
        if self.turns is None:
            return True
        before = self.turns.typist
        if not self.turns.allows(viewer, event, now):
            return False
        if before is not None and before != viewer and before in self._held:
            self._release_all(sink, self._held[before])
        return True

    def _change(self, sink: InputSink, held: HeldInputs, item: Holdable, down: bool) -> None:
        if down:
            if held.press(item):  # also when it is down already: that is a key repeating itself
                item.send(sink, True, held.x, held.y)
            return
        held.release(item)
        if not self._is_held(item):
            item.send(sink, False, held.x, held.y)

    def _is_held(self, item: Holdable) -> bool:
        return any(item in held for held in self._held.values())

    def _release_all(self, sink: InputSink, held: HeldInputs) -> None:
        for item in held:
            self._change(sink, held, item, False)

    def _on_key(self, sink: InputSink, held: HeldInputs, event: KeyboardEvent) -> None:
        key = Key(event.key_code, event.is_extended, event.is_extended1)
        self._change(sink, held, key, not event.is_release)

    def _on_unicode(self, sink: InputSink, held: HeldInputs, event: UnicodeEvent) -> None:
        self._change(sink, held, Character(event.code), not event.is_release)

    def _on_mouse(self, sink: InputSink, held: HeldInputs, event: MouseEvent) -> None:
        if event.is_wheel or event.is_horizontal_wheel:
            # QUIRK(FreeRDP 2.11): wheel events come with position (0, 0); the pointer is where it was.
            sink.wheel(event.wheel_rotation, horizontal=event.is_horizontal_wheel, x=held.x, y=held.y)
            return
        self._move(sink, held, event.x, event.y, is_told=bool(event.flags & PointerFlags.MOVE))
        self._on_buttons(sink, held, event.flags, BUTTONS)

    def _on_extended_mouse(self, sink: InputSink, held: HeldInputs, event: ExtendedMouseEvent) -> None:
        self._move(sink, held, event.x, event.y, is_told=False)
        self._on_buttons(sink, held, event.flags, EXTENDED_BUTTONS)

    def _move(self, sink: InputSink, held: HeldInputs, x: int, y: int, *, is_told: bool) -> None:
        """``is_told``: of the motion alone; a guest with a tablet learns the rest from the button."""
        dx, dy = (x - held.x, y - held.y) if held.has_position else (0, 0)
        held.x, held.y, held.has_position = x, y, True
        if self.is_absolute:
            if is_told:
                sink.pointer(x, y)
        elif dx or dy:
            sink.relative(dx, dy)

    def _on_relative_mouse(self, sink: InputSink, held: HeldInputs, event: RelativeMouseEvent) -> None:
        if event.flags & RelativePointerFlags.MOVE:
            sink.relative(event.x_delta, event.y_delta)
        self._on_buttons(sink, held, event.flags, RELATIVE_BUTTONS)

    def _on_buttons(
        self, sink: InputSink, held: HeldInputs, flags: int, buttons: Iterable[tuple[int, Button]]
    ) -> None:
        """DOWN has the same value in all three kinds of mouse events."""
        for flag, button in buttons:
            if flags & flag:
                self._change(sink, held, PointerButton(button), bool(flags & PointerFlags.DOWN))

    def _on_synchronize(self, sink: InputSink, held: HeldInputs, event: SynchronizeEvent) -> None:
        """MS-RDPBCGR 2.2.8.1.1.3.1.1.5: all keys are up now, and these locks are on."""
        for item in held:
            if not isinstance(item, PointerButton):
                self._change(sink, held, item, False)
        sink.synchronize(int(event.toggle_flags))

    #: by type of event; each takes only that type, which a dict cannot express
    HANDLERS: Final[dict[type, Callable[["InputArbiter", InputSink, HeldInputs, Any], None]]] = {
        KeyboardEvent: _on_key,
        UnicodeEvent: _on_unicode,
        MouseEvent: _on_mouse,
        ExtendedMouseEvent: _on_extended_mouse,
        RelativeMouseEvent: _on_relative_mouse,
        SynchronizeEvent: _on_synchronize,
    }
