"""The client connection: what its owner calls."""

from __future__ import annotations

from collections.abc import Sequence

from pyrdpmux.errors import StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.display_control.layout import usable_size
from pyrdpmux.rdp.channels.display_control.pdu import Monitor
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry
from pyrdpmux.rdp.channels.graphics.capabilities import GraphicsCapabilitySet
from pyrdpmux.rdp.channels.graphics.frames import QoeFrameAcknowledge
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.connection.client.activation import Active
from pyrdpmux.rdp.connection.client.channels.display_control import DisplayControl
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.initiation import begin
from pyrdpmux.rdp.connection.client.link import ClientLink
from pyrdpmux.rdp.connection.secure import seal_fast_path
from pyrdpmux.rdp.fastpath.input import encode_input_events
from pyrdpmux.rdp.mcs.domain import DisconnectProviderUltimatum, Reason
from pyrdpmux.rdp.pdu.capabilities import find_capability
from pyrdpmux.rdp.pdu.capabilities.general import FrameAcknowledgeCapability
from pyrdpmux.rdp.pdu.capabilities.input import InputCapability, InputFlags
from pyrdpmux.rdp.pdu.display import (
    FrameAcknowledge,
    InclusiveRectangle,
    RefreshRectangle,
    ShutdownRequest,
    SuppressOutput,
)
from pyrdpmux.rdp.pdu.input import InputEvent, InputEvents


class ClientConnection(ClientLink):
    """One client connection, from the first byte (queued at birth) to ``Disconnected``."""

    def __init__(self, config: ClientConfig, now: float) -> None:
        super().__init__(config, now)
        self._enter(begin(self))

    @property
    def is_active(self) -> bool:
        """Input may be sent."""
        return isinstance(self._phase, Active)

    def send_input(self, events: Sequence[InputEvent]) -> None:
        """Keyboard and pointer events, on the fast path where the server takes it."""
        self._require_active("input")
        capability = find_capability(self.facts.capabilities, InputCapability)
        flags = capability.input_flags if capability is not None else InputFlags(0)
        if self.config.fast_path and flags & (InputFlags.FASTPATH_INPUT | InputFlags.FASTPATH_INPUT2):
            number, body = encode_input_events(events)
            self.send_frame(seal_fast_path(self.standard, body, number), tuple(events))
        else:
            self.send_share_data(InputEvents(tuple(events)))

    def request_refresh(self, rect: Rect) -> None:
        """Ask for a part of the picture again (2.2.11.2), which may not be empty."""
        self._require_active("refresh")
        self.send_share_data(RefreshRectangle((InclusiveRectangle.of(rect),)))

    def suppress_output(self, suppressed: bool) -> None:
        """Say that the window is minimised, or that it shows again."""
        self._require_active("suppress output")
        width, height = self.facts.width, self.facts.height
        area = None if suppressed else InclusiveRectangle.of(Rect(0, 0, width, height))
        self.send_share_data(SuppressOutput(0 if suppressed else 1, area))

    def acknowledge_frame(self, frame_id: int) -> None:
        """Say that a frame of surface commands is shown, where the server counts on it (MS-RDPRFX 3.2.5)."""
        counts = find_capability(self.facts.capabilities, FrameAcknowledgeCapability) is not None
        if self.is_active and counts:
            self.send_share_data(FrameAcknowledge(frame_id))

    def send_channel_data(self, channel: str, data: bytes) -> None:
        """One message on a channel: a static one, or the open dynamic one of this name."""
        if channel in self.facts.channels.values():
            self.send_static(channel, data)
        else:
            self.dynamic_for("sending on", channel).send_message(channel, data)
            self.flush_channels()

    def close_channel(self, channel: str) -> None:
        """Close the dynamic channel of this name; ChannelClosed follows."""
        self.dynamic_for("closing", channel).close(channel, self.now)
        self.flush_channels()

    def request_layout(self, monitors: Sequence[Monitor]) -> None:
        """Ask for other monitors, after DisplayControlReady. StateError for what the server does not take."""
        dynamic = self.dynamic_for("sending on", DisplayControl.NAME)
        machine = dynamic.machine(DisplayControl.NAME)
        if not isinstance(machine, DisplayControl):
            raise StateError(self.phase_name, "asking for a layout without Display Control")
        machine.request(monitors)
        dynamic.forward(DisplayControl.NAME)
        self.flush_channels()

    def request_desktop_size(self, width: int, height: int, scale: int = 100) -> None:
        """Ask for a desktop of this size in pixels, with text and controls of ``scale`` percent.

        The width may be odd, which is rounded down; StateError as for :meth:`request_layout`.
        """
        width, height = usable_size(width, height)
        self.request_layout([Monitor(width=width, height=height, desktop_scale_factor=scale)])

    # -- the graphics pipeline -------------------------------------------------------------------

    def advertise_graphics(self, sets: Sequence[GraphicsCapabilitySet]) -> None:
        """Begin anew with these capability sets; GraphicsConfirmed follows."""
        self.graphics_for("advertising on").advertise(sets)
        self._flush_graphics()

    def acknowledge_graphics_frame(self, frame_id: int, queue_depth: int, total_frames_decoded: int) -> None:
        """Say that a frame is decoded, and how many bytes wait; StateError before GraphicsConfirmed.

        With a ``queue_depth`` of SUSPEND_FRAME_ACKNOWLEDGEMENT, that no further one will be acknowledged.
        """
        self.graphics_for("acknowledging on").acknowledge(frame_id, queue_depth, total_frames_decoded)
        self._flush_graphics()

    def report_graphics_quality(self, quality: QoeFrameAcknowledge) -> None:
        """Say how long a frame took, where the server's capability set has that."""
        self.graphics_for("reporting on").report(quality)
        self._flush_graphics()

    def offer_graphics_cache(self, entries: Sequence[CacheEntry]) -> None:
        """Say which bitmaps were kept from another session."""
        self.graphics_for("offering on").offer(entries)
        self._flush_graphics()

    def _flush_graphics(self) -> None:
        self.dynamic_for("sending on", GRAPHICS_CHANNEL).forward(GRAPHICS_CHANNEL)
        self.flush_channels()

    def request_shutdown(self) -> None:
        """1.3.1.4.1: what a client sends when its user closes the window."""
        self._require_active("shutdown request")
        self.send_share_data(ShutdownRequest())

    def disconnect(self) -> None:
        """End the connection at once, the polite way."""
        if not self.should_close:
            self.send_domain(DisconnectProviderUltimatum(Reason.USER_REQUESTED))
            self._enter(self.end("closed by us", by_peer=False))

    def _require_active(self, action: str) -> None:
        if not self.is_active:
            raise StateError(self.phase_name, action)
