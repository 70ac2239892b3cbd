"""What each server phase receives, sends and reports, in the order that real clients insist on."""

from dataclasses import replace
from typing import Any

import pytest

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.events import (
    Activated,
    ClientIntroduced,
    ConnectionRequested,
    Deactivated,
    Disconnected,
    InputReceived,
    LoggedOn,
    SecurityEstablished,
    ShutdownRequested,
)
from pyrdpmux.rdp.mcs.client_data import ClientDataBlock, ClientSecurityData, EncryptionMethod
from pyrdpmux.rdp.mcs.connect import (
    CLIENT_MAXIMUM_PARAMETERS,
    SERVER_PARAMETERS,
    ConnectInitial,
    ConnectResponse,
    DomainParameters,
    Result,
)
from pyrdpmux.rdp.mcs.domain import (
    AttachUserConfirm,
    AttachUserRequest,
    ChannelJoinConfirm,
    ChannelJoinRequest,
    DisconnectProviderUltimatum,
    DomainPdu,
    ErectDomainRequest,
    Reason,
    decode_domain_pdu,
)
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import (
    ServerCoreData,
    ServerEarlyCapabilityFlags,
    ServerMessageChannelData,
    ServerNetworkData,
    ServerSecurityData,
)
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.display import MonitorLayout, ShutdownRequest
from pyrdpmux.rdp.pdu.error_info import ErrorInfo, SetErrorInfo
from pyrdpmux.rdp.pdu.finalization import (
    Control,
    ControlAction,
    PersistentKeyList,
)
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.licensing import VALID_CLIENT, LicensingPdu
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.x224.negotiation import NegotiationRequest, NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.pair.linked import rdp_policy, server_config
from tests.rdp.connection.replies import indication, share_body, user_data
from tests.rdp.connection.scripted import EARLY, IO, Early, Scripted, active, blocks

KEY = (KeyboardEvent(KeyboardFlags(0), 0x1E),)


def server_blocks(client: Scripted) -> dict[type, Any]:
    response = decode(ConnectResponse, user_data(client.frames[-1]))
    assert response.result == Result.SUCCESSFUL
    return {type(block): block for block in decode(ConferenceCreateResponse, response.user_data).blocks}


class TestConnectionInitiation:
    def test_a_request_is_confirmed(self) -> None:
        client = Scripted()
        routing = b"Cookie: mstshash=alice"
        client.send(client.tpdu(ConnectionRequest(NegotiationRequest(SecurityProtocol.RDP), routing)))
        assert client.transcript == ["< ConnectionRequest", "> ConnectionConfirm"]
        assert client.events == [ConnectionRequested(SecurityProtocol.RDP, b"alice", routing)]
        [confirm] = client.frames
        tpdu = decode_tpdu(decode(Tpkt, confirm).payload)
        assert isinstance(tpdu, ConnectionConfirm)
        assert isinstance(tpdu.negotiation, NegotiationResponse)
        assert tpdu.negotiation.selected_protocol == SecurityProtocol.RDP

    def test_a_client_that_does_not_negotiate_gets_no_negotiation_response(self) -> None:
        """2.2.1.2: RDP_NEG_RSP only answers an RDP_NEG_REQ; RDP 5.0 clients choke on one."""
        client = Scripted()
        client.send(client.tpdu(ConnectionRequest()))
        tpdu = decode_tpdu(decode(Tpkt, client.frames[0]).payload)
        assert isinstance(tpdu, ConnectionConfirm)
        assert tpdu.negotiation is None
        assert client.server.phase_name == "BasicSettingsExchange"


class TestBasicSettingsExchange:
    def test_connect_initial_is_answered_by_connect_response(self) -> None:
        client = Scripted().reach("BasicSettingsExchange")
        client.events.clear()
        assert client.transcript
        client.basic_settings()
        assert client.transcript == ["< ConnectInitial", "> ConferenceCreateResponse"]
        assert client.events == [ClientIntroduced("SCRIPTED", 17134, 1024, 768, ("cliprdr", "rdpsnd"))]

    def test_channels_are_numbered_as_windows_does(self) -> None:
        client = Scripted().reach("BasicSettingsExchange")
        client.basic_settings()
        found = server_blocks(client)
        assert found[ServerNetworkData] == ServerNetworkData(1003, (1004, 1005))
        assert found[ServerMessageChannelData] == ServerMessageChannelData(1006)
        assert client.user == 1007
        assert found[ServerSecurityData] == ServerSecurityData()

    @pytest.mark.parametrize(
        ("target", "agreed"),
        [
            (DomainParameters(34, 2, 0, max_mcs_pdu_size=65535), DomainParameters(34, 3, 0)),
            (
                DomainParameters(40, 5, 7, max_mcs_pdu_size=4000),
                DomainParameters(40, 5, 7, max_mcs_pdu_size=4000),
            ),
            (DomainParameters(34, 3, 0, protocol_version=9), SERVER_PARAMETERS),
        ],
        ids=["as mstsc asks", "as it likes", "as is impossible"],
    )
    def test_domain_parameters_are_agreed(self, target: DomainParameters, agreed: DomainParameters) -> None:
        client = Scripted().reach("BasicSettingsExchange")
        client.frames.clear()
        request = encode(ConferenceCreateRequest(client.client_blocks))
        initial = ConnectInitial(request, target, maximum_parameters=CLIENT_MAXIMUM_PARAMETERS)
        if target.protocol_version == 9:
            initial = replace(initial, minimum_parameters=target, maximum_parameters=target)
        client.send(client.mcs(encode(initial)))
        assert decode(ConnectResponse, user_data(client.frames[-1])).domain_parameters == agreed

    def test_no_message_channel_without_being_asked(self) -> None:
        client = Scripted(client_blocks=blocks(b"cliprdr", message_channel=False))
        client.reach("BasicSettingsExchange").basic_settings()
        assert ServerMessageChannelData not in server_blocks(client)
        assert client.user == 1005

    def test_the_requested_protocols_are_echoed(self) -> None:
        """2.2.1.4.2: mstsc compares clientRequestedProtocols with what it asked, against downgrades."""
        client = Scripted(server_config(), protocols=SecurityProtocol.SSL | SecurityProtocol.HYBRID)
        client.reach("BasicSettingsExchange").basic_settings()
        block = server_blocks(client)[ServerCoreData]
        assert block.client_requested_protocols == SecurityProtocol.SSL | SecurityProtocol.HYBRID

    @pytest.mark.parametrize(
        ("told", "passes"),
        [
            (SecurityProtocol.SSL, True),
            (SecurityProtocol.HYBRID, False),
            (SecurityProtocol.HYBRID_EX, False),
            (None, True),
        ],
    )
    def test_a_client_that_was_told_another_protocol_is_dropped(
        self, told: SecurityProtocol | None, passes: bool
    ) -> None:
        early: dict[str, Any] = {} if told is not None else {"connection_type": None}
        client = Scripted(
            server_config(),
            blocks(server_selected_protocol=told, **early),
            protocols=SecurityProtocol.SSL | SecurityProtocol.HYBRID,
        )
        client.reach("BasicSettingsExchange").basic_settings()
        if passes:
            assert client.server.phase_name == "ChannelConnection"
            return
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert ended.error.expected == (repr(SecurityProtocol.SSL),)

    @pytest.mark.parametrize("asks", [False, True])
    def test_skipping_channel_joins_is_offered_to_those_who_can(self, asks: bool) -> None:
        early = EARLY | Early.SUPPORT_SKIP_CHANNELJOIN if asks else EARLY
        client = Scripted(client_blocks=blocks(early=early))
        client.reach("BasicSettingsExchange").basic_settings()
        flags = server_blocks(client)[ServerCoreData].early_capability_flags
        assert bool(flags & ServerEarlyCapabilityFlags.SKIP_CHANNELJOIN_SUPPORTED) == asks

    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (EncryptionMethod.BITS_40, EncryptionMethod.BITS_40),
            (EncryptionMethod.BITS_40 | EncryptionMethod.BITS_56, EncryptionMethod.BITS_56),
            (EncryptionMethod.BITS_128 | EncryptionMethod.FIPS, EncryptionMethod.BITS_128),
            (EncryptionMethod.FIPS, EncryptionMethod.FIPS),
        ],
    )
    @pytest.mark.parametrize("is_french", [False, True])
    def test_the_strongest_common_method_is_chosen(
        self, offered: EncryptionMethod, chosen: EncryptionMethod, is_french: bool
    ) -> None:
        methods = (EncryptionMethod(0), offered) if is_french else (offered, EncryptionMethod(0))
        core, _security, *rest = blocks()
        client_blocks: tuple[ClientDataBlock, ...] = (core, ClientSecurityData(*methods), *rest)
        client = Scripted(server_config(rdp_policy()), client_blocks)
        client.reach("BasicSettingsExchange").basic_settings()
        block = server_blocks(client)[ServerSecurityData]
        assert block.encryption_method == chosen
        assert len(block.server_random) == 32

    def test_a_client_without_core_data_is_refused(self) -> None:
        client = Scripted(client_blocks=blocks()[1:]).reach("BasicSettingsExchange")
        client.basic_settings()
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert ended.error.expected == ("ClientCoreData",)


class TestChannelConnection:
    def test_attach_and_joins_are_confirmed_one_by_one(self) -> None:
        client = Scripted().reach("ChannelConnection")
        client.frames.clear()
        assert client.transcript
        client.attach()
        client.join(client.user, IO, 1006, 1004, 1005)
        assert client.transcript == [
            "< ErectDomainRequest",
            "< AttachUserRequest",
            "> AttachUserConfirm",
            *["< ChannelJoinRequest", "> ChannelJoinConfirm"] * 5,
        ]
        confirms = [decode_domain_pdu(user_data(frame)) for frame in client.frames]
        assert confirms == [
            AttachUserConfirm(Result.SUCCESSFUL, 1007),
            *[
                ChannelJoinConfirm(Result.SUCCESSFUL, 1007, number, number)
                for number in (1007, 1003, 1006, 1004, 1005)
            ],
        ]

    def test_an_unknown_channel_is_refused_and_nothing_else_happens(self) -> None:
        client = Scripted().reach("ChannelConnection")
        client.attach()
        client.frames.clear()
        client.join(4711)
        [confirm] = [decode_domain_pdu(user_data(frame)) for frame in client.frames]
        assert confirm == ChannelJoinConfirm(Result.NO_SUCH_CHANNEL, 1007, 4711)
        assert client.server.phase_name == "ChannelConnection"

    @pytest.mark.parametrize(
        ("request_", "answer"),
        [
            (ChannelJoinRequest(1007, IO), "> ChannelJoinConfirm"),
            (AttachUserRequest(), "> AttachUserConfirm"),
            (ErectDomainRequest(), ""),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_endless_requests_are_cut_off(self, request_: DomainPdu, answer: str) -> None:
        client = Scripted().reach("ChannelConnection")
        client.send(*[client.domain(request_)] * 100)
        [ended] = client.saw(Disconnected)
        assert "MAX_CHANNEL_REQUESTS" in ended.reason
        assert client.transcript.count(answer) == (64 if answer else 0)

    @pytest.mark.parametrize("joined", [(), (IO,), (1007, IO), (1007, IO, 1006, 1004, 1005)])
    def test_clients_may_join_none_some_or_all(self, joined: tuple[int, ...]) -> None:
        """QUIRK(aardwolf): not even the user channel; and those that were offered to skip."""
        client = Scripted().reach("ChannelConnection")
        client.attach()
        client.join(*joined)
        client.send(client.client_info())
        client.send(client.confirm_active(), *client.finalization())
        assert client.server.is_active

    def test_rdesktops_erect_domain_is_taken(self) -> None:
        """QUIRK(rdesktop, aardwolf): 04 00 01 00 01."""
        client = Scripted().reach("ChannelConnection")
        client.send(client.mcs(bytes.fromhex("0400010001")))
        client.attach()
        assert client.server.phase_name == "ChannelConnection"
        assert "> AttachUserConfirm" in client.transcript

    def test_data_before_attach_user_is_refused(self) -> None:
        client = Scripted().reach("ChannelConnection")
        client.send(client.client_info())
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert ended.error.expected == ("AttachUserRequest",)


class TestSecurity:
    def test_the_first_data_pdu_is_the_security_exchange(self) -> None:
        client = Scripted(server_config(rdp_policy())).reach("SecurityCommencement")
        assert client.transcript
        client.events.clear()
        client.exchange_keys()
        assert client.transcript == ["< SecurityExchange"]
        assert client.events == [SecurityEstablished(SecurityProtocol.RDP, "RC4 with 128 bits")]
        assert client.server.phase_name == "SecureSettingsExchange"

    def test_client_info_instead_of_the_exchange_is_refused(self) -> None:
        client = Scripted(server_config(rdp_policy())).reach("SecurityCommencement")
        client.send(client.client_info())
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert ended.error.expected == ("EXCHANGE_PKT",)


class TestSecureSettingsAndLicensing:
    def test_client_info_is_answered_by_license_and_demand_active(self) -> None:
        client = Scripted().reach("SecureSettingsExchange")
        assert client.transcript
        client.events.clear()
        client.frames.clear()
        client.send(client.client_info(ClientInfo(user_name="alice", domain="WONDERLAND")))
        assert client.transcript == ["< ClientInfo", "> LicensingPdu", "> DemandActive", "> MonitorLayout"]
        assert client.events == [LoggedOn("alice", "WONDERLAND", is_authenticated=False, is_reconnect=False)]
        header, body = split_basic_header(indication(client.frames[0]).user_data)
        assert header.flags == SecurityFlags.LICENSE_PKT
        assert decode(LicensingPdu, body) == VALID_CLIENT

    def test_license_is_not_encrypted_demand_active_is(self) -> None:
        """3.3.5.3.11 lets the license PDU go in the clear; every client takes that."""
        client = Scripted(server_config(rdp_policy())).reach("SecureSettingsExchange")
        client.frames.clear()
        client.send(client.client_info())
        flags = [split_basic_header(indication(f).user_data)[0].flags for f in client.frames]
        assert flags == [SecurityFlags.LICENSE_PKT, SecurityFlags.ENCRYPT, SecurityFlags.ENCRYPT]

    @pytest.mark.parametrize("asks", [False, True])
    def test_monitor_layout_goes_only_to_clients_that_know_it(self, asks: bool) -> None:
        early = EARLY if asks else EARLY & ~Early.SUPPORT_MONITOR_LAYOUT_PDU
        client = Scripted(client_blocks=blocks(early=early)).reach("CapabilitiesExchange")
        last = share_body(client.frames[-1])
        assert isinstance(last, MonitorLayout) == asks
        if isinstance(last, MonitorLayout):
            [screen] = last.monitors
            assert (screen.left, screen.top, screen.right, screen.bottom) == (0, 0, 799, 599)


class TestFinalization:
    def test_the_order_is_the_one_of_windows(self) -> None:
        client = Scripted().reach("CapabilitiesExchange")
        assert client.transcript
        client.frames.clear()
        client.events.clear()
        client.send(client.confirm_active())
        for frame in client.finalization():
            client.send(frame)
        assert client.transcript == [
            "< ConfirmActive",
            "> Synchronize",
            "> Control",
            "< Synchronize",
            "< Control",
            "< Control",
            "> Control",
            "< FontList",
            "> FontMap",
            "> SaveSessionInfo",
            "> RttMeasureRequest",
        ]
        controls = [body for body in map(share_body, client.frames[:3]) if isinstance(body, Control)]
        assert [control.action for control in controls] == [
            ControlAction.COOPERATE,
            ControlAction.GRANTED_CONTROL,
        ]
        assert (controls[1].grant_id, controls[1].control_id) == (1007, 1002)
        assert client.events == [Activated(800, 600, 32, is_reactivation=False)]

    def test_all_in_one_segment_is_the_same(self) -> None:
        client = Scripted().reach("CapabilitiesExchange")
        client.send(client.confirm_active(), *client.finalization())
        assert client.server.is_active

    @pytest.mark.parametrize(
        ("lists", "has_keys"),
        [
            ((), None),
            ((PersistentKeyList(),), False),
            ((PersistentKeyList(keys=((), (7,), (), (), ()), total_entries=(0, 1, 0, 0, 0)),), True),
            ((PersistentKeyList(total_entries=(0, 0, 9, 0, 0)), PersistentKeyList()), True),
        ],
    )
    def test_of_persistent_keys_it_is_only_known_whether_there_are_any(
        self, lists: tuple[PersistentKeyList, ...], has_keys: bool | None
    ) -> None:
        client = Scripted().reach("ConnectionFinalization")
        *first, font_list = client.finalization()
        client.send(*first, *[client.share_data(pdu) for pdu in lists], font_list)
        assert client.server.is_active
        assert client.server.facts.has_persistent_keys is has_keys

    @pytest.mark.parametrize("missing", [0, 2])
    def test_a_font_list_too_early_is_refused(self, missing: int) -> None:
        client = Scripted().reach("ConnectionFinalization")
        frames = client.finalization()
        del frames[missing]
        client.send(*frames)
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert ended.error.got == "FontList"

    def test_input_before_active_is_dropped(self) -> None:
        client = Scripted().reach("ConnectionFinalization")
        client.send(client.fast_input(KEY))
        client.send(*client.finalization())
        assert client.server.is_active
        assert client.saw(InputReceived) == []


class TestActive:
    def test_input_is_reported(self) -> None:
        client = active()
        client.send(client.fast_input(KEY))
        assert client.transcript == ["< InputEvents"]
        assert client.events == [InputReceived(KEY)]

    def test_shutdown_is_denied(self) -> None:
        client = active()
        client.send(client.share_data(ShutdownRequest()))
        assert client.transcript == ["< ShutdownRequest", "> ShutdownDenied"]
        assert client.events == [ShutdownRequested()]

    def test_a_resize_deactivates_and_starts_over(self) -> None:
        client = active()
        client.server.set_desktop_size(640, 480, client.now)
        client.collect()
        assert client.transcript == ["> DeactivateAll", "> DemandActive", "> MonitorLayout"]
        assert client.events == [Deactivated()]
        client.send(client.confirm_active(), *client.finalization())
        assert client.events == [Deactivated(), Activated(640, 480, 32, is_reactivation=True)]
        assert client.transcript[-2:] == ["> FontMap", "> RttMeasureRequest"]  # greeted only once

    def test_no_key_is_lost_in_a_resize(self) -> None:
        client = active()
        client.server.set_desktop_size(640, 480, client.now)
        client.collect()
        client.send(client.fast_input(KEY))  # the client has not seen it yet
        client.send(client.confirm_active())
        client.send(client.fast_input(KEY))
        client.send(*client.finalization())
        assert client.server.is_active
        assert client.saw(InputReceived) == [InputReceived(KEY)] * 2

    def test_the_same_size_again_is_nothing(self) -> None:
        client = active()
        client.server.set_desktop_size(800, 600, client.now)
        client.collect()
        assert client.transcript == []
        assert client.events == []

    @pytest.mark.parametrize("shows_errors", [False, True])
    def test_goodbye(self, shows_errors: bool) -> None:
        early = EARLY if shows_errors else EARLY & ~Early.SUPPORT_ERRINFO_PDU
        client = active(None, early=early)
        client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "bye", client.now)
        client.collect()
        assert client.events == [Disconnected("bye", by_peer=False)]
        wanted = ["> SetErrorInfo"] if shows_errors else []
        assert client.transcript == [*wanted, "> DisconnectProviderUltimatum"]
        assert decode_domain_pdu(user_data(client.frames[-1])) == DisconnectProviderUltimatum(
            Reason.PROVIDER_INITIATED
        )

    def test_a_mistake_is_told_before_the_end(self) -> None:
        client = active()
        client.send(client.confirm_active())
        assert client.transcript == ["< ConfirmActive", "> SetErrorInfo", "> DisconnectProviderUltimatum"]
        assert share_body(client.frames[0]) == SetErrorInfo(ErrorInfo.DATAPDUSEQUENCE)
        [ended] = client.saw(Disconnected)
        assert isinstance(ended.error, SequenceError)
        assert client.server.should_close


def test_a_client_that_repeats_the_finalization_stays() -> None:
    """Clients that were deactivated twice in a row send stale PDUs of the first round."""
    client = active()
    client.send(*client.finalization())
    assert client.server.is_active
    assert "! FontList has no effect in Active" in notes(client)


def notes(client: Scripted) -> list[str]:
    return [entry for entry in client.transcript if entry.startswith("!")]
