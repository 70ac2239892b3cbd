"""Capabilities Exchange and Connection Finalization; a resize runs through both again (1.3.1.3)."""

from __future__ import annotations

from pyrdpmux.errors import SequenceError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.connection.events import Activated, Deactivated
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.active import Active
from pyrdpmux.rdp.connection.server.capabilities import (
    demanded_capabilities,
    output_format,
    virtual_channel_capability,
)
from pyrdpmux.rdp.connection.server.link import SERVER_CHANNEL_ID, SHARE_ID, ServerLink
from pyrdpmux.rdp.connection.server.logon import greet
from pyrdpmux.rdp.connection.server.session import SharePhase
from pyrdpmux.rdp.mcs.client_core import ClientEarlyCapabilityFlags
from pyrdpmux.rdp.mcs.monitors import monitor_definitions
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.capabilities.general import ExtraFlags, GeneralCapability
from pyrdpmux.rdp.pdu.display import MonitorLayout, RefreshRectangle
from pyrdpmux.rdp.pdu.finalization import (
    Control,
    ControlAction,
    FontList,
    FontMap,
    PersistentKeyList,
    Synchronize,
)
from pyrdpmux.rdp.pdu.input import InputEvents


def demand_active(link: ServerLink) -> CapabilitiesExchange:
    """Send our capabilities for the desktop size wanted by now, and wait for the client's."""
    facts = link.facts
    facts.desktop = link.wanted
    capabilities = demanded_capabilities(link, facts.width, facts.height)
    link.send_share(DemandActive(SHARE_ID, capabilities))
    if link.has_early_capability(ClientEarlyCapabilityFlags.SUPPORT_MONITOR_LAYOUT_PDU):
        # 1.3.1.1: after the Demand Active PDU.
        areas = facts.desktop.monitors or (Rect(0, 0, facts.width, facts.height),)
        link.send_share_data(MonitorLayout(monitor_definitions(areas)))
    return CapabilitiesExchange(link)


def reactivate(link: ServerLink) -> CapabilitiesExchange:
    """1.3.1.3 Deactivation-Reactivation Sequence: the desktop has another size."""
    if link.has_been_active:
        link.emit(Deactivated())
    link.send_share(DeactivateAll(SHARE_ID))
    return demand_active(link)


class CapabilitiesExchange(SharePhase):
    """1.3.1.1 Capabilities Exchange: our Demand Active is out, the client's Confirm Active is awaited.

    While a desktop is being resized, PDUs that the client sent before it saw the Deactivate All still
    arrive: refresh requests of the old desktop mean nothing now, input does.
    """

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def on_confirm_active(self, confirm: ConfirmActive) -> Phase:
        link = self.link
        link.facts.capabilities = confirm.capabilities
        link.output_format = output_format(link)
        link.agree_static_traffic(virtual_channel_capability(link))
        general = link.facts.capability(GeneralCapability)
        if link.standard is not None and general is not None:
            # 5.3.6.1.1: we have offered salted signatures, so they are agreed where the client has them too.
            link.standard.salts_output = bool(general.extra_flags & ExtraFlags.ENC_SALTED_CHECKSUM)
        link.send_share_data(Synchronize(0))  # 3.3.5.3.19: targetUser SHOULD be zero
        link.send_share_data(Control(ControlAction.COOPERATE))
        return ConnectionFinalization(link)

    HANDLERS = {
        **SharePhase.HANDLERS,
        ConfirmActive: on_confirm_active,
        InputEvents: SharePhase.on_input_between,
        RefreshRectangle: SharePhase.on_stale,
        Synchronize: SharePhase.on_stale,
        Control: SharePhase.on_stale,
        PersistentKeyList: SharePhase.on_stale,
        FontList: SharePhase.on_stale,
    }


class ConnectionFinalization(SharePhase):
    """1.3.1.1 Connection Finalization: the client's five PDUs, in their order.

    Input may come from Confirm Active on; it is dropped as long as nothing has been shown to aim it at.
    """

    def __init__(self, link: ServerLink) -> None:
        super().__init__(link)
        self.is_synchronized = False
        self.has_control = False

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def on_synchronize(self, _pdu: Synchronize) -> Phase:
        self.is_synchronized = True
        return self

    def on_control(self, pdu: Control) -> Phase:
        if pdu.action == ControlAction.REQUEST_CONTROL:
            self.has_control = True
            link = self.link
            grant = Control(ControlAction.GRANTED_CONTROL, link.facts.user_channel_id, SERVER_CHANNEL_ID)
            link.send_share_data(grant)
        return self

    def on_persistent_key_list(self, pdu: PersistentKeyList) -> Phase:
        """Of a cache that we do not use; whether there is anything in it is worth to know."""
        facts = self.link.facts
        facts.has_persistent_keys = facts.has_persistent_keys or any((*pdu.keys, *pdu.total_entries))
        return self.on_stale(pdu)

    def on_font_list(self, _pdu: FontList) -> Phase:
        if not (self.is_synchronized and self.has_control):
            raise SequenceError(self.name, "FontList", ("Synchronize", "Control(REQUEST_CONTROL)"))
        link = self.link
        # QUIRK(IronRDP 0.7): drops what it reads together with the Font Map, such as the first picture.
        link.cut_output()
        link.send_share_data(FontMap())
        link.cut_output()
        return activate(link)

    HANDLERS = {
        **SharePhase.HANDLERS,
        Synchronize: on_synchronize,
        Control: on_control,
        PersistentKeyList: on_persistent_key_list,
        FontList: on_font_list,
        InputEvents: SharePhase.on_input_between,
        RefreshRectangle: SharePhase.on_stale,
    }


def activate(link: ServerLink) -> Phase:
    """The client is ready: tell the owner, unless the desktop has got yet another size meanwhile."""
    facts = link.facts
    if not link.is_greeted:
        greet(link)
    if link.wanted != facts.desktop:
        return reactivate(link)
    assert link.output_format is not None
    bits_per_pixel = link.output_format.bits_per_pixel
    width, height, monitors = facts.desktop
    is_again = link.has_been_active
    link.emit(Activated(width, height, bits_per_pixel, is_reactivation=is_again, monitors=monitors))
    if not link.has_been_active:
        link.has_been_active = True
        link.begin_channels()
    return Active(link)
