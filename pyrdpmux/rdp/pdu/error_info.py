"""Set Error Info: why the server is about to disconnect, in a number that every client has a text for."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class ErrorInfo(OpenIntEnum):
    """errorInfo of MS-RDPBCGR 2.2.5.1.1."""

    NONE = 0x00000000
    RPC_INITIATED_DISCONNECT = 0x00000001
    RPC_INITIATED_LOGOFF = 0x00000002
    IDLE_TIMEOUT = 0x00000003
    LOGON_TIMEOUT = 0x00000004
    DISCONNECTED_BY_OTHERCONNECTION = 0x00000005
    OUT_OF_MEMORY = 0x00000006
    SERVER_DENIED_CONNECTION = 0x00000007
    SERVER_INSUFFICIENT_PRIVILEGES = 0x00000009
    SERVER_FRESH_CREDENTIALS_REQUIRED = 0x0000000A
    RPC_INITIATED_DISCONNECT_BYUSER = 0x0000000B
    LOGOFF_BY_USER = 0x0000000C
    CLOSE_STACK_ON_DRIVER_NOT_READY = 0x0000000F
    SERVER_DWM_CRASH = 0x00000010
    CLOSE_STACK_ON_DRIVER_FAILURE = 0x00000011
    CLOSE_STACK_ON_DRIVER_IFACE_FAILURE = 0x00000012
    SERVER_WINLOGON_CRASH = 0x00000017
    SERVER_CSRSS_CRASH = 0x00000018
    SERVER_SHUTDOWN = 0x00000019
    SERVER_REBOOT = 0x0000001A
    LICENSE_INTERNAL = 0x00000100
    LICENSE_NO_LICENSE_SERVER = 0x00000101
    LICENSE_NO_LICENSE = 0x00000102
    LICENSE_BAD_CLIENT_MSG = 0x00000103
    LICENSE_HWID_DOESNT_MATCH_LICENSE = 0x00000104
    LICENSE_BAD_CLIENT_LICENSE = 0x00000105
    LICENSE_CANT_FINISH_PROTOCOL = 0x00000106
    LICENSE_CLIENT_ENDED_PROTOCOL = 0x00000107
    LICENSE_BAD_CLIENT_ENCRYPTION = 0x00000108
    LICENSE_CANT_UPGRADE_LICENSE = 0x00000109
    LICENSE_NO_REMOTE_CONNECTIONS = 0x0000010A
    CB_DESTINATION_NOT_FOUND = 0x00000400
    CB_LOADING_DESTINATION = 0x00000402
    CB_REDIRECTING_TO_DESTINATION = 0x00000404
    CB_SESSION_ONLINE_VM_WAKE = 0x00000405
    CB_SESSION_ONLINE_VM_BOOT = 0x00000406
    CB_SESSION_ONLINE_VM_NO_DNS = 0x00000407
    CB_DESTINATION_POOL_NOT_FREE = 0x00000408
    CB_CONNECTION_CANCELLED = 0x00000409
    CB_CONNECTION_ERROR_INVALID_SETTINGS = 0x00000410
    CB_SESSION_ONLINE_VM_BOOT_TIMEOUT = 0x00000411
    CB_SESSION_ONLINE_VM_SESSMON_FAILED = 0x00000412
    UNKNOWNPDUTYPE2 = 0x000010C9
    UNKNOWNPDUTYPE = 0x000010CA
    DATAPDUSEQUENCE = 0x000010CB
    CONTROLPDUSEQUENCE = 0x000010CD
    INVALIDCONTROLPDUACTION = 0x000010CE
    INVALIDINPUTPDUTYPE = 0x000010CF
    INVALIDINPUTPDUMOUSE = 0x000010D0
    INVALIDREFRESHRECTPDU = 0x000010D1
    CREATEUSERDATAFAILED = 0x000010D2
    CONNECTFAILED = 0x000010D3
    CONFIRMACTIVEWRONGSHAREID = 0x000010D4
    CONFIRMACTIVEWRONGORIGINATOR = 0x000010D5
    PERSISTENTKEYPDUBADLENGTH = 0x000010DA
    PERSISTENTKEYPDUILLEGALFIRST = 0x000010DB
    PERSISTENTKEYPDUTOOMANYTOTALKEYS = 0x000010DC
    PERSISTENTKEYPDUTOOMANYCACHEKEYS = 0x000010DD
    INPUTPDUBADLENGTH = 0x000010DE
    BITMAPCACHEERRORPDUBADLENGTH = 0x000010DF
    SECURITYDATATOOSHORT = 0x000010E0
    VCHANNELDATATOOSHORT = 0x000010E1
    SHAREDATATOOSHORT = 0x000010E2
    BADSUPRESSOUTPUTPDU = 0x000010E3
    CONFIRMACTIVEPDUTOOSHORT = 0x000010E5
    CAPABILITYSETTOOSMALL = 0x000010E7
    CAPABILITYSETTOOLARGE = 0x000010E8
    NOCURSORCACHE = 0x000010E9
    BADCAPABILITIES = 0x000010EA
    VIRTUALCHANNELDECOMPRESSIONERR = 0x000010EC
    INVALIDVCCOMPRESSIONTYPE = 0x000010ED
    INVALIDCHANNELID = 0x000010EF
    VCHANNELSTOOMANY = 0x000010F0
    REMOTEAPPSNOTENABLED = 0x000010F3
    CACHECAPNOTSET = 0x000010F4
    BITMAPCACHEERRORPDUBADLENGTH2 = 0x000010F5
    OFFSCRCACHEERRORPDUBADLENGTH = 0x000010F6
    DNGCACHEERRORPDUBADLENGTH = 0x000010F7
    GDIPLUSPDUBADLENGTH = 0x000010F8
    SECURITYDATATOOSHORT2 = 0x00001111
    SECURITYDATATOOSHORT3 = 0x00001112
    SECURITYDATATOOSHORT4 = 0x00001113
    SECURITYDATATOOSHORT5 = 0x00001114
    SECURITYDATATOOSHORT6 = 0x00001115
    SECURITYDATATOOSHORT7 = 0x00001116
    SECURITYDATATOOSHORT8 = 0x00001117
    SECURITYDATATOOSHORT9 = 0x00001118
    SECURITYDATATOOSHORT10 = 0x00001119
    SECURITYDATATOOSHORT11 = 0x0000111A
    SECURITYDATATOOSHORT12 = 0x0000111B
    SECURITYDATATOOSHORT13 = 0x0000111C
    SECURITYDATATOOSHORT14 = 0x0000111D
    SECURITYDATATOOSHORT15 = 0x0000111E
    SECURITYDATATOOSHORT16 = 0x0000111F
    SECURITYDATATOOSHORT17 = 0x00001120
    SECURITYDATATOOSHORT18 = 0x00001121
    SECURITYDATATOOSHORT19 = 0x00001122
    SECURITYDATATOOSHORT20 = 0x00001123
    SECURITYDATATOOSHORT21 = 0x00001124
    SECURITYDATATOOSHORT22 = 0x00001125
    SECURITYDATATOOSHORT23 = 0x00001126
    BADMONITORDATA = 0x00001129
    VCDECOMPRESSEDREASSEMBLEFAILED = 0x0000112A
    VCDATATOOLONG = 0x0000112B
    BAD_FRAME_ACK_DATA = 0x0000112C
    GRAPHICSMODENOTSUPPORTED = 0x0000112D
    GRAPHICSSUBSYSTEMRESETFAILED = 0x0000112E
    GRAPHICSSUBSYSTEMFAILED = 0x0000112F
    TIMEZONEKEYNAMELENGTHTOOSHORT = 0x00001130
    TIMEZONEKEYNAMELENGTHTOOLONG = 0x00001131
    DYNAMICDSTDISABLEDFIELDMISSING = 0x00001132
    VCDECODINGERROR = 0x00001133
    VIRTUALDESKTOPTOOLARGE = 0x00001134
    MONITORGEOMETRYVALIDATIONFAILED = 0x00001135
    INVALIDMONITORCOUNT = 0x00001136
    UPDATESESSIONKEYFAILED = 0x00001191
    DECRYPTFAILED = 0x00001192
    ENCRYPTFAILED = 0x00001193
    ENCPKGMISMATCH = 0x00001194
    DECRYPTFAILED2 = 0x00001195

    @property
    def text(self) -> str:
        """A sentence for people, without a full stop."""
        return _TEXTS.get(self, f"the server ended the connection with code {int(self):#010x}")


@dataclass(frozen=True, slots=True)
class SetErrorInfo:
    """MS-RDPBCGR 2.2.5.1.1 Set Error Info PDU Data (TS_SET_ERROR_INFO_PDU)."""

    error_info: ErrorInfo

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(ErrorInfo(r.u32_le("errorInfo")))

    def write(self, w: Writer) -> None:
        w.u32_le("errorInfo", self.error_info)


_SHORT: Final = "the client's logon information ends before"

_TEXTS: Final[dict[ErrorInfo, str]] = {
    ErrorInfo.NONE: "no error",
    ErrorInfo.RPC_INITIATED_DISCONNECT: "an administrator disconnected the session",
    ErrorInfo.RPC_INITIATED_LOGOFF: "an administrator logged the session off",
    ErrorInfo.IDLE_TIMEOUT: "the session was idle for too long",
    ErrorInfo.LOGON_TIMEOUT: "the session reached its time limit",
    ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION: "another connection took the session over",
    ErrorInfo.OUT_OF_MEMORY: "the server is out of memory",
    ErrorInfo.SERVER_DENIED_CONNECTION: "the server refused the connection",
    ErrorInfo.SERVER_INSUFFICIENT_PRIVILEGES: "this user may not connect",
    ErrorInfo.SERVER_FRESH_CREDENTIALS_REQUIRED: "saved credentials are not accepted here: type them in",
    ErrorInfo.RPC_INITIATED_DISCONNECT_BYUSER: "the session was disconnected from within",
    ErrorInfo.LOGOFF_BY_USER: "the user logged off",
    ErrorInfo.CLOSE_STACK_ON_DRIVER_NOT_READY: "the display driver did not start in time",
    ErrorInfo.SERVER_DWM_CRASH: "the session's window manager crashed",
    ErrorInfo.CLOSE_STACK_ON_DRIVER_FAILURE: "the display driver failed to start",
    ErrorInfo.CLOSE_STACK_ON_DRIVER_IFACE_FAILURE: "the display driver started but cannot be used",
    ErrorInfo.SERVER_WINLOGON_CRASH: "the session's logon process crashed",
    ErrorInfo.SERVER_CSRSS_CRASH: "the session's subsystem process crashed",
    ErrorInfo.SERVER_SHUTDOWN: "the server is shutting down",
    ErrorInfo.SERVER_REBOOT: "the server is restarting",
    ErrorInfo.LICENSE_INTERNAL: "licensing failed on the server",
    ErrorInfo.LICENSE_NO_LICENSE_SERVER: "no license server can be reached",
    ErrorInfo.LICENSE_NO_LICENSE: "no client license is left",
    ErrorInfo.LICENSE_BAD_CLIENT_MSG: "the client sent a wrong licensing message",
    ErrorInfo.LICENSE_HWID_DOESNT_MATCH_LICENSE: "the client's license belongs to another machine",
    ErrorInfo.LICENSE_BAD_CLIENT_LICENSE: "the client's license is damaged",
    ErrorInfo.LICENSE_CANT_FINISH_PROTOCOL: "the network failed during licensing",
    ErrorInfo.LICENSE_CLIENT_ENDED_PROTOCOL: "the client broke licensing off",
    ErrorInfo.LICENSE_BAD_CLIENT_ENCRYPTION: "a licensing message was encrypted wrongly",
    ErrorInfo.LICENSE_CANT_UPGRADE_LICENSE: "the client's license cannot be renewed",
    ErrorInfo.LICENSE_NO_REMOTE_CONNECTIONS: "the server has no license for remote connections",
    ErrorInfo.CB_DESTINATION_NOT_FOUND: "the destination was not found",
    ErrorInfo.CB_LOADING_DESTINATION: "the destination is leaving the connection broker",
    ErrorInfo.CB_REDIRECTING_TO_DESTINATION: "the redirection to the destination failed",
    ErrorInfo.CB_SESSION_ONLINE_VM_WAKE: "the virtual machine could not be woken",
    ErrorInfo.CB_SESSION_ONLINE_VM_BOOT: "the virtual machine could not be started",
    ErrorInfo.CB_SESSION_ONLINE_VM_NO_DNS: "the virtual machine's address is not known",
    ErrorInfo.CB_DESTINATION_POOL_NOT_FREE: "no destination of the pool is free",
    ErrorInfo.CB_CONNECTION_CANCELLED: "the connection was canceled",
    ErrorInfo.CB_CONNECTION_ERROR_INVALID_SETTINGS: "the routing token is not valid",
    ErrorInfo.CB_SESSION_ONLINE_VM_BOOT_TIMEOUT: "the virtual machine took too long to start",
    ErrorInfo.CB_SESSION_ONLINE_VM_SESSMON_FAILED: "the virtual machine's session could not be watched",
    ErrorInfo.UNKNOWNPDUTYPE2: "the client sent a data PDU of unknown type",
    ErrorInfo.UNKNOWNPDUTYPE: "the client sent a control PDU of unknown type",
    ErrorInfo.DATAPDUSEQUENCE: "the client sent a data PDU out of order",
    ErrorInfo.CONTROLPDUSEQUENCE: "the client sent a control PDU out of order",
    ErrorInfo.INVALIDCONTROLPDUACTION: "the client sent a control PDU with a wrong action",
    ErrorInfo.INVALIDINPUTPDUTYPE: "the client sent input of unknown type",
    ErrorInfo.INVALIDINPUTPDUMOUSE: "the client sent a mouse event with wrong flags",
    ErrorInfo.INVALIDREFRESHRECTPDU: "the client sent a wrong refresh request",
    ErrorInfo.CREATEUSERDATAFAILED: "the server could not build its conference data",
    ErrorInfo.CONNECTFAILED: "joining the channels failed",
    ErrorInfo.CONFIRMACTIVEWRONGSHAREID: "the client confirmed another share",
    ErrorInfo.CONFIRMACTIVEWRONGORIGINATOR: "the client confirmed another originator",
    ErrorInfo.PERSISTENTKEYPDUBADLENGTH: "the client's bitmap key list is too short",
    ErrorInfo.PERSISTENTKEYPDUILLEGALFIRST: "the client began its bitmap key list twice",
    ErrorInfo.PERSISTENTKEYPDUTOOMANYTOTALKEYS: "the client announced too many bitmap keys",
    ErrorInfo.PERSISTENTKEYPDUTOOMANYCACHEKEYS: "the client announced too many bitmap keys for one cache",
    ErrorInfo.INPUTPDUBADLENGTH: "the client's input is too short",
    ErrorInfo.BITMAPCACHEERRORPDUBADLENGTH: "the client's bitmap cache error is too short",
    ErrorInfo.SECURITYDATATOOSHORT: "the client's input has no complete signature",
    ErrorInfo.VCHANNELDATATOOSHORT: "the client's channel data is too short",
    ErrorInfo.SHAREDATATOOSHORT: "a PDU of the client is too short",
    ErrorInfo.BADSUPRESSOUTPUTPDU: "the client sent a wrong request to suppress output",
    ErrorInfo.CONFIRMACTIVEPDUTOOSHORT: "the client's capabilities are cut off",
    ErrorInfo.CAPABILITYSETTOOSMALL: "a capability set of the client is too short",
    ErrorInfo.CAPABILITYSETTOOLARGE: "a capability set of the client is longer than its PDU",
    ErrorInfo.NOCURSORCACHE: "the client has no room for mouse pointers",
    ErrorInfo.BADCAPABILITIES: "the client's capabilities are not acceptable",
    ErrorInfo.VIRTUALCHANNELDECOMPRESSIONERR: "channel data of the client does not decompress",
    ErrorInfo.INVALIDVCCOMPRESSIONTYPE: "channel data of the client has an unknown compression",
    ErrorInfo.INVALIDCHANNELID: "the client sent to a channel that is not its own",
    ErrorInfo.VCHANNELSTOOMANY: "the client asked for more than 31 channels",
    ErrorInfo.REMOTEAPPSNOTENABLED: "this server runs single remote programs only",
    ErrorInfo.CACHECAPNOTSET: "the client sent bitmap keys without a bitmap cache",
    ErrorInfo.BITMAPCACHEERRORPDUBADLENGTH2: "the client's bitmap cache error has a wrong count",
    ErrorInfo.OFFSCRCACHEERRORPDUBADLENGTH: "the client's offscreen cache error is too short",
    ErrorInfo.DNGCACHEERRORPDUBADLENGTH: "the client's NineGrid cache error is too short",
    ErrorInfo.GDIPLUSPDUBADLENGTH: "the client's GDI+ error is too short",
    ErrorInfo.SECURITYDATATOOSHORT2: "a security header of the client is cut off",
    ErrorInfo.SECURITYDATATOOSHORT3: "a signed security header of the client is cut off",
    ErrorInfo.SECURITYDATATOOSHORT4: "the client's security exchange is cut off",
    ErrorInfo.SECURITYDATATOOSHORT5: f"{_SHORT} its strings do",
    ErrorInfo.SECURITYDATATOOSHORT6: f"{_SHORT} its lengths do",
    ErrorInfo.SECURITYDATATOOSHORT7: f"{_SHORT} the address family and length",
    ErrorInfo.SECURITYDATATOOSHORT8: f"{_SHORT} the address does",
    ErrorInfo.SECURITYDATATOOSHORT9: f"{_SHORT} the directory's length",
    ErrorInfo.SECURITYDATATOOSHORT10: f"{_SHORT} the directory does",
    ErrorInfo.SECURITYDATATOOSHORT11: f"{_SHORT} the time zone does",
    ErrorInfo.SECURITYDATATOOSHORT12: f"{_SHORT} the session identifier",
    ErrorInfo.SECURITYDATATOOSHORT13: f"{_SHORT} the performance flags",
    ErrorInfo.SECURITYDATATOOSHORT14: f"{_SHORT} the reconnect cookie's length",
    ErrorInfo.SECURITYDATATOOSHORT15: f"{_SHORT} the reconnect cookie does",
    ErrorInfo.SECURITYDATATOOSHORT16: "the client's reconnect cookie is too long",
    ErrorInfo.SECURITYDATATOOSHORT17: f"{_SHORT} the address family and length",
    ErrorInfo.SECURITYDATATOOSHORT18: f"{_SHORT} the address does",
    ErrorInfo.SECURITYDATATOOSHORT19: f"{_SHORT} the directory's length",
    ErrorInfo.SECURITYDATATOOSHORT20: f"{_SHORT} the directory does",
    ErrorInfo.SECURITYDATATOOSHORT21: f"{_SHORT} the time zone does",
    ErrorInfo.SECURITYDATATOOSHORT22: f"{_SHORT} the session identifier",
    ErrorInfo.SECURITYDATATOOSHORT23: "the client's logon information is cut off",
    ErrorInfo.BADMONITORDATA: "the client named more monitors than it described",
    ErrorInfo.VCDECOMPRESSEDREASSEMBLEFAILED: "channel data of the client cannot be put together",
    ErrorInfo.VCDATATOOLONG: "a channel chunk of the client is too long",
    ErrorInfo.BAD_FRAME_ACK_DATA: "the client's frame acknowledgment is too short",
    ErrorInfo.GRAPHICSMODENOTSUPPORTED: "the server does not have the graphics mode that was asked for",
    ErrorInfo.GRAPHICSSUBSYSTEMRESETFAILED: "the server's graphics could not be reset",
    ErrorInfo.GRAPHICSSUBSYSTEMFAILED: "the server's graphics failed",
    ErrorInfo.TIMEZONEKEYNAMELENGTHTOOSHORT: f"{_SHORT} the time zone key's length",
    ErrorInfo.TIMEZONEKEYNAMELENGTHTOOLONG: "the client's time zone key is too long",
    ErrorInfo.DYNAMICDSTDISABLEDFIELDMISSING: f"{_SHORT} the daylight saving switch",
    ErrorInfo.VCDECODINGERROR: "dynamic channel data of the client does not parse",
    ErrorInfo.VIRTUALDESKTOPTOOLARGE: "the client's monitors span more than 32766 pixels",
    ErrorInfo.MONITORGEOMETRYVALIDATIONFAILED: "the client's monitors do not form a desktop",
    ErrorInfo.INVALIDMONITORCOUNT: "the client has too many monitors",
    ErrorInfo.UPDATESESSIONKEYFAILED: "the session keys could not be renewed",
    ErrorInfo.DECRYPTFAILED: "data of the client does not decrypt",
    ErrorInfo.ENCRYPTFAILED: "the server failed to encrypt",
    ErrorInfo.ENCPKGMISMATCH: "client and server have no encryption method in common",
    ErrorInfo.DECRYPTFAILED2: "the client sent plain data where it must be encrypted",
}
