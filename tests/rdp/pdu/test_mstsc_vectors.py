"""Every PDU of the I/O and message channels of real sessions (shared/vectors/mstsc) decodes, and comes out
byte for byte as it went in, padding aside: three sessions between mstsc and Windows Server 2016.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.rdp.mcs.connect import ConnectResponse
from pyrdpmux.rdp.mcs.domain import SendDataIndication, SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import ServerMessageChannelData, ServerNetworkData
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DemandActive
from pyrdpmux.rdp.pdu.auto_detect import NetworkCharacteristicsResult, UnknownAutoDetect
from pyrdpmux.rdp.pdu.capabilities import CAPABILITY_TYPES
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.licensing import VALID_CLIENT, LicensingPdu, UnknownLicensingMessage
from pyrdpmux.rdp.pdu.licensing.error import LicenseError
from pyrdpmux.rdp.pdu.message_channel import UnknownMessage, decode_message, encode_message
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.pdu.session_info import LogonInfoExtended, LogonInfoVersion2, SaveSessionInfo
from pyrdpmux.rdp.pdu.share import (
    ShareControl,
    ShareData,
    UnknownShareControl,
    UnknownShareData,
    decode_share,
    decode_shares,
)
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import Reader, decode, encode

SHARED = Path(os.environ.get("PYRDPMUX_SHARED", Path(__file__).parents[4] / "shared"))
MSTSC = SHARED / "vectors" / "mstsc"

pytestmark = pytest.mark.skipif(
    not MSTSC.is_dir(), reason=f"no vectors at {MSTSC} (set PYRDPMUX_SHARED to the folder that has them)"
)

SESSIONS = [
    "Example_1_Win10_X64_WS2016_X64_Domain",
    "Example_1_Win2016RS1_x64_Win10RS4_x64",
    "Example_4_Win10RS3_x64_WS2016RS1_X64_Domain",
]

CONNECT_RESPONSE = b"\x7f\x66"


class Padding:
    """Where a decoder met padding, so that a comparison can leave it out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ranges: list[tuple[int, int]] = []
        pad, utf16_padded = Reader.pad, Reader.utf16_padded

        def recording_pad(r: Reader, field: str, size: int) -> None:
            self.ranges.append((r.position, r.position + size))
            pad(r, field, size)

        def recording_utf16_padded(r: Reader, field: str, size: int) -> str:
            start = r.position
            text = utf16_padded(r, field, size)
            self.ranges.append((start + len(text.encode("utf-16-le")), start + size))
            return text

        monkeypatch.setattr(Reader, "pad", recording_pad)
        monkeypatch.setattr(Reader, "utf16_padded", recording_utf16_padded)

    def check(self, data: bytes, decoder: Callable[[bytes], Any], encoder: Callable[[Any], bytes]) -> Any:
        """``data`` decodes and encodes to itself, padding aside."""
        self.ranges.clear()
        value = decoder(data)
        wanted = bytearray(data)
        for start, end in self.ranges:
            wanted[start:end] = bytes(end - start)
        assert encoder(value).hex(" ") == wanted.hex(" ")
        return value


@pytest.fixture
def padding(monkeypatch: pytest.MonkeyPatch) -> Padding:
    return Padding(monkeypatch)


class Session:
    """The user data of one session's I/O channel and message channel, in order."""

    def __init__(self, name: str) -> None:
        self.io: list[bytes] = []
        self.messages: list[bytes] = []
        for unit in self._units(name):
            if unit.startswith(CONNECT_RESPONSE):
                conference = decode(ConferenceCreateResponse, decode(ConnectResponse, unit).user_data)
                for block in conference.blocks:
                    if isinstance(block, ServerNetworkData):
                        self.io_channel = block.mcs_channel_id
                    if isinstance(block, ServerMessageChannelData):
                        self.message_channel = block.mcs_channel_id
            elif unit[0] >> 2 in (25, 26):
                pdu = decode_domain_pdu(unit)
                assert isinstance(pdu, SendDataRequest | SendDataIndication)
                if pdu.channel_id == self.io_channel:
                    self.io.append(pdu.user_data)
                elif pdu.channel_id == self.message_channel:
                    self.messages.append(pdu.user_data)

    @staticmethod
    def _units(name: str) -> Iterator[bytes]:
        for line in (MSTSC / f"{name}.pdus.jsonl").read_text().splitlines():
            unit = json.loads(line)
            if unit["kind"] == "tpkt":
                tpdu = decode_tpdu(decode(Tpkt, bytes.fromhex(unit["hex"])).payload)
                assert isinstance(tpdu, Data)
                yield tpdu.user_data

    def split(self) -> tuple[bytes, list[bytes], list[bytes]]:
        """Client Info, the licensing PDUs, and the share control PDUs."""
        valid = next(i for i, data in enumerate(self.io) if data.endswith(encode(VALID_CLIENT)))
        return self.io[0], self.io[1 : valid + 1], self.io[valid + 1 :]


def body_name(share: ShareControl) -> str:
    body = share.body.body if isinstance(share.body, ShareData) else share.body
    return type(body).__name__


@pytest.mark.parametrize("name", SESSIONS)
def test_client_info(name: str, padding: Padding) -> None:
    header, body = split_basic_header(Session(name).split()[0])
    assert header.flags == SecurityFlags.INFO_PKT
    info = padding.check(body, lambda data: decode(ClientInfo, data), encode)
    assert info.extra.directory == r"C:\Windows\system32\mstscax.dll"
    assert info.extra.time_zone.bias == 480
    assert info.extra.time_zone.daylight_bias == -60
    assert info.extra.dynamic_time_zone.key_name == "Pacific Standard Time"
    assert not info.extra.trailing.strip(b"\0")
    assert "password=***" in str(info)


@pytest.mark.parametrize("name", SESSIONS)
def test_licensing(name: str, padding: Padding) -> None:
    pdus = []
    for data in Session(name).split()[1]:
        header, body = split_basic_header(data)
        assert header.flags & SecurityFlags.LICENSE_PKT
        pdus.append(padding.check(body, lambda data: decode(LicensingPdu, data), encode))
    assert not [pdu for pdu in pdus if isinstance(pdu.message, UnknownLicensingMessage)]
    assert len(pdus) >= 3
    assert isinstance(pdus[-1].message, LicenseError)


@pytest.mark.parametrize("name", SESSIONS)
def test_share_control_pdus(name: str, padding: Padding) -> None:
    shares = [padding.check(data, decode_share, encode) for data in Session(name).split()[2]]
    names = Counter(map(body_name, shares))
    assert not names[UnknownShareData.__name__] + names[UnknownShareControl.__name__]
    for wanted in ("DemandActive", "ConfirmActive", "FontList", "FontMap", "PersistentKeyList"):
        assert names[wanted] >= 1, wanted
    assert names["Synchronize"] == 2 * names["DemandActive"]
    assert names["Control"] == 4 * names["DemandActive"]


@pytest.mark.parametrize("name", SESSIONS)
def test_no_frame_has_two_share_control_pdus(name: str) -> None:
    for data in Session(name).split()[2]:
        assert decode_shares(data) == (decode_share(data),)


@pytest.mark.parametrize("name", SESSIONS)
def test_capabilities_are_all_known_and_exact(name: str) -> None:
    for data in Session(name).split()[2]:
        body = decode_share(data).body
        if isinstance(body, DemandActive | ConfirmActive):
            assert {type(item) for item in body.capabilities} <= set(CAPABILITY_TYPES.values())


@pytest.mark.parametrize("name", SESSIONS)
def test_message_channel(name: str, padding: Padding) -> None:
    # flagsHi, the third and fourth byte, is uninitialized and not kept.
    frames = [data[:2] + b"\0\0" + data[4:] for data in Session(name).messages]
    messages = [padding.check(data, decode_message, encode_message) for data in frames]
    assert not [m for m in messages if isinstance(m, UnknownMessage | UnknownAutoDetect)]
    assert messages


def test_what_the_sessions_hold() -> None:
    """Guards the vectors: what they no longer held could not be tested with them."""
    session = Session(SESSIONS[2])
    names = Counter(body_name(decode_share(data)) for data in session.split()[2])
    for wanted in ("SetErrorInfo", "SaveSessionInfo", "SuppressOutput", "RefreshRectangle"):
        assert names[wanted], wanted
    assert names["ShutdownRequest"] == names["ShutdownDenied"] == 1
    messages = [decode_message(data) for data in session.messages]
    assert any(isinstance(message, NetworkCharacteristicsResult) for message in messages)


def test_the_sessions_reconnect_cookie_and_names() -> None:
    pdus = [decode_share(data).body for data in Session(SESSIONS[0]).split()[2]]
    bodies = [pdu.body for pdu in pdus if isinstance(pdu, ShareData)]
    logon, extended = [body.info for body in bodies if isinstance(body, SaveSessionInfo)][:2]
    assert isinstance(logon, LogonInfoVersion2)
    assert (logon.domain, logon.user_name) == ("CONTOSO", "administrator")
    assert isinstance(extended, LogonInfoExtended)
    assert extended.cookie is not None
    assert extended.cookie.logon_id == logon.session_id == 2
