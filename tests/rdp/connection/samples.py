"""One instance of every PDU type that our decoders know, for tests that try all of them."""

from typing import Any, Final

from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateCode
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse, Result
from pyrdpmux.rdp.mcs.domain import (
    AttachUserConfirm,
    AttachUserRequest,
    ChannelJoinConfirm,
    ChannelJoinRequest,
    DisconnectProviderUltimatum,
    ErectDomainRequest,
    Reason,
    SendDataIndication,
    SendDataRequest,
)
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    NetworkCharacteristicsResult,
    NetworkCharacteristicsSync,
    RttMeasureRequest,
    RttMeasureResponse,
    UnknownAutoDetect,
)
from pyrdpmux.rdp.pdu.cache_error import (
    BitmapCacheError,
    DrawGdiPlusError,
    DrawNineGridError,
    OffscreenCacheError,
)
from pyrdpmux.rdp.pdu.capabilities.general import BitmapCapability, GeneralCapability
from pyrdpmux.rdp.pdu.display import (
    FrameAcknowledge,
    InclusiveRectangle,
    LedFlags,
    MonitorLayout,
    PlaySound,
    RefreshRectangle,
    ServerStatusInfo,
    SetKeyboardImeStatus,
    SetKeyboardIndicators,
    ShutdownDenied,
    ShutdownRequest,
    StatusCode,
    SuppressOutput,
)
from pyrdpmux.rdp.pdu.error_info import ErrorInfo, SetErrorInfo
from pyrdpmux.rdp.pdu.finalization import (
    Control,
    ControlAction,
    FontList,
    FontMap,
    PersistentKeyList,
    Synchronize,
)
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.message_channel import UnknownMessage
from pyrdpmux.rdp.pdu.multitransport import (
    InitiateMultitransportRequest,
    InitiateMultitransportResponse,
    MultitransportResult,
    RequestedProtocol,
)
from pyrdpmux.rdp.pdu.pointer import PointerPosition, PointerUpdate
from pyrdpmux.rdp.pdu.redirection import EnhancedRedirection, ServerRedirection
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.session_info import AutoReconnectStatus, PlainNotify, SaveSessionInfo
from pyrdpmux.rdp.pdu.share import (
    CompressedShareData,
    CompressionFlags,
    FlowControl,
    FlowType,
    PduType,
    PduType2,
    ShareData,
    UnknownShareControl,
    UnknownShareData,
)
from pyrdpmux.rdp.pdu.update import GraphicsUpdate, SynchronizeUpdate
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, Data, DisconnectRequest, ErrorTpdu
from pyrdpmux.wire.secret import Secret

SHARE_ID: Final = 0x103EA
CAPABILITIES: Final = (GeneralCapability(), BitmapCapability(32, 800, 600))


def by_type(*values: Any) -> dict[type, Any]:
    return {type(value): value for value in values}


TPDUS: Final = by_type(
    ConnectionRequest(), ConnectionConfirm(), DisconnectRequest(), Data(b"\0"), ErrorTpdu(0, 0)
)
CONNECT_PDUS: Final = by_type(ConnectInitial(b""), ConnectResponse(b""))
DOMAIN_PDUS: Final = by_type(
    ErectDomainRequest(),
    DisconnectProviderUltimatum(Reason.USER_REQUESTED),
    AttachUserRequest(),
    AttachUserConfirm(Result.SUCCESSFUL, 1007),
    ChannelJoinRequest(1007, 1003),
    ChannelJoinConfirm(Result.SUCCESSFUL, 1007, 1003, 1003),
    SendDataRequest(1007, 4711, b"\0"),
    SendDataIndication(1002, 4711, b"\0"),
)
SHARE_CONTROLS: Final = by_type(
    DemandActive(SHARE_ID, CAPABILITIES),
    ConfirmActive(SHARE_ID, CAPABILITIES),
    DeactivateAll(SHARE_ID),
    EnhancedRedirection(ServerRedirection(0)),
    UnknownShareControl(PduType(9), b"\1"),
    FlowControl(FlowType.TEST, 1, 2),
)
SHARE_DATA: Final = by_type(
    Synchronize(1002),
    Control(ControlAction.COOPERATE),
    FontList(),
    FontMap(),
    PersistentKeyList(),
    GraphicsUpdate(SynchronizeUpdate()),
    PointerUpdate(PointerPosition(1, 2)),
    InputEvents((KeyboardEvent(KeyboardFlags(0), 0x1E),)),
    RefreshRectangle((InclusiveRectangle(0, 0, 9, 9),)),
    SuppressOutput(0),
    MonitorLayout((MonitorDefinition(0, 0, 799, 599, MonitorFlags.PRIMARY),)),
    ShutdownRequest(),
    ShutdownDenied(),
    PlaySound(100, 440),
    SetKeyboardIndicators(LedFlags.NUM_LOCK),
    SetKeyboardImeStatus(0),
    ServerStatusInfo(StatusCode.VM_STARTING),
    FrameAcknowledge(1),
    SaveSessionInfo(PlainNotify()),
    AutoReconnectStatus(),
    SetErrorInfo(ErrorInfo.IDLE_TIMEOUT),
    BitmapCacheError(()),
    OffscreenCacheError(1),
    DrawNineGridError(1),
    DrawGdiPlusError(1),
    UnknownShareData(PduType2(0x63), b"\1"),
)
#: goes with a compression flag in its header, which is not its own
COMPRESSED: Final = ShareData(
    SHARE_ID, CompressedShareData(PduType2.INPUT, b"\1"), compressed_type=CompressionFlags.COMPRESSED
)
MESSAGES: Final = by_type(
    RttMeasureRequest(1),
    BandwidthMeasureStart(2),
    BandwidthMeasurePayload(2, b"\0" * 10),
    BandwidthMeasureStop(2),
    NetworkCharacteristicsResult(3, 10, 5, 1000),
    RttMeasureResponse(1),
    BandwidthMeasureResults(2, 10, 1000),
    NetworkCharacteristicsSync(4, 1000, 10),
    UnknownAutoDetect(6, 1, 5, 0x7777),
    Heartbeat(1, 2, 3),
    InitiateMultitransportRequest(1, RequestedProtocol(1), Secret(bytes(16))),
    InitiateMultitransportResponse(1, MultitransportResult.ABORT),
    UnknownMessage(SecurityFlags.REDIRECTION_PKT, b"\1\2"),
)
CHUNK: Final = ChannelPdu(ChannelPduHeader(2, ChannelFlags.FIRST | ChannelFlags.LAST), b"hi")
UPDATE: Final = FastPathUpdate(UpdateCode.PTR_NULL, b"")
