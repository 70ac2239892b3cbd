"""What the units of a captured session mean: every layer decoded, by our own structures.

A passive reader of both sides. It follows only what decides how the next bytes are to be read: channel
numbers, the security method and its keys, whether licensing is over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pyrdpmux.harness.errors import CaptureError
from pyrdpmux.harness.session import Session, Unit, UnitKind
from pyrdpmux.harness.tls_capture import Direction
from pyrdpmux.rdp.channels.static import ChannelPdu
from pyrdpmux.rdp.connection.secure import unseal, unseal_fast_path
from pyrdpmux.rdp.fastpath.fragment import Reassembler
from pyrdpmux.rdp.fastpath.header import decode_fast_path
from pyrdpmux.rdp.fastpath.input import decode_input_events, encode_input_events
from pyrdpmux.rdp.fastpath.update import (
    FastPathUpdate,
    decode_update,
    decode_updates,
    encode_update,
    encode_updates,
)
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse
from pyrdpmux.rdp.mcs.domain import SendDataIndication, SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import ServerMessageChannelData, ServerNetworkData, ServerSecurityData
from pyrdpmux.rdp.nla.early_user_auth import EarlyUserAuthResult
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.licensing import LicensingPdu
from pyrdpmux.rdp.pdu.licensing.error import LicenseError
from pyrdpmux.rdp.pdu.licensing.license import NewLicense
from pyrdpmux.rdp.pdu.message_channel import Message, decode_message_body, encode_message
from pyrdpmux.rdp.pdu.security import (
    BASIC_HEADER_SIZE,
    BasicSecurityHeader,
    FipsSecurityHeader,
    NonFipsSecurityHeader,
    SecurityExchange,
    SecurityFlags,
)
from pyrdpmux.rdp.pdu.share import ShareSequence
from pyrdpmux.rdp.standard_security.encryption import CLIENT_RANDOM_SIZE, StandardSecurity
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey, RsaPublicKey, ServerCertificate
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import Reader, Structure, decode, encode

#: Larger than any client of ours announces.
MAXIMUM_UPDATE_SIZE: Final = 16 * 1024 * 1024
CONNECT_INITIAL: Final = 0x65
CONNECT_RESPONSE: Final = 0x66

S = TypeVar("S", bound=Structure)


@dataclass(frozen=True, slots=True)
class Layer:
    """One value, the bytes it was read from, and the bytes that it is written as."""

    value: object
    data: bytes
    encoded: bytes
    #: False for an envelope around the next layer
    is_innermost: bool = True


@dataclass(frozen=True, slots=True)
class Dissected:
    """A unit and all its layers, the outermost first."""

    unit: Unit
    layers: tuple[Layer, ...]

    @property
    def values(self) -> tuple[object, ...]:
        """What the unit says; envelopes left out."""
        return tuple(layer.value for layer in self.layers if layer.is_innermost)


def load_rsa_key(path: Path) -> RsaKey:
    """The server's key of standard RDP security, as scripts/capture-sessions keeps it."""
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        numbers = {name: int(value, 16) for name, value in lines}
        modulus = numbers["modulus"]
        public = RsaPublicKey(modulus, numbers["public_exponent"], modulus.bit_length())
        return RsaKey(public, numbers["private_exponent"])
    except (OSError, ValueError, KeyError) as error:
        raise CaptureError(f"{path}: not a key file: {error}") from None


def dissect(session: Session, rsa_key: RsaKey | None = None) -> Iterator[Dissected]:
    """Every unit of a session, decoded. Raises PeerError at the first that does not decode."""
    dissector = Dissector(rsa_key)
    for unit in session.units:
        yield dissector.read(unit)


class Dissector:
    """Reads units in the order of the capture; see :func:`dissect`."""

    def __init__(self, rsa_key: RsaKey | None = None) -> None:
        self._rsa_key = rsa_key
        self._security: dict[Direction, StandardSecurity] = {}
        self._server_security = ServerSecurityData()
        self._io_channel_id = 0
        self._message_channel_id = 0
        self._has_license = False
        self._updates = Reassembler(MAXIMUM_UPDATE_SIZE)
        self._layers: list[Layer] = []
        self._readers: dict[UnitKind, Callable[[Unit], None]] = {
            UnitKind.X224: self._read_tpkt,
            UnitKind.TPKT: self._read_tpkt,
            UnitKind.TS_REQUEST: lambda unit: self._discard(self._take(TSRequest, unit.data)),
            UnitKind.EARLY_USER_AUTH: lambda unit: self._discard(self._take(EarlyUserAuthResult, unit.data)),
            UnitKind.FAST_PATH: self._read_fast_path,
        }

    def read(self, unit: Unit) -> Dissected:
        self._layers = []
        self._readers[unit.kind](unit)
        return Dissected(unit, tuple(self._layers))

    # -- layers ----------------------------------------------------------------------------------

    def _take(self, cls: type[S], data: bytes, *, is_innermost: bool = True) -> S:
        value = decode(cls, data)
        self._layers.append(Layer(value, data, encode(value), is_innermost))
        return value

    def _keep(self, value: Structure, data: bytes, *, is_innermost: bool = True) -> None:
        self._layers.append(Layer(value, data, encode(value), is_innermost))

    @staticmethod
    def _discard(_value: object) -> None:
        """Nothing depends on it."""

    # -- slow path -------------------------------------------------------------------------------

    def _read_tpkt(self, unit: Unit) -> None:
        payload = self._take(Tpkt, unit.data, is_innermost=False).payload
        tpdu = decode_tpdu(payload)
        self._keep(tpdu, payload, is_innermost=not isinstance(tpdu, Data))
        if isinstance(tpdu, Data):
            self._read_mcs(unit.direction, tpdu.user_data)

    def _read_mcs(self, direction: Direction, data: bytes) -> None:
        if data[1:2] == bytes([CONNECT_INITIAL]):
            initial = self._take(ConnectInitial, data)
            self._take(ConferenceCreateRequest, initial.user_data)
            return
        if data[1:2] == bytes([CONNECT_RESPONSE]):
            response = self._take(ConnectResponse, data)
            self._adopt(self._take(ConferenceCreateResponse, response.user_data))
            return
        pdu = decode_domain_pdu(data)
        has_data = isinstance(pdu, SendDataRequest | SendDataIndication)
        self._keep(pdu, data, is_innermost=not has_data)
        if isinstance(pdu, SendDataRequest | SendDataIndication):
            self._read_channel(direction, pdu.channel_id, pdu.user_data)

    def _adopt(self, response: ConferenceCreateResponse) -> None:
        network = response.first(ServerNetworkData)
        self._io_channel_id = network.mcs_channel_id if network else 0
        message = response.first(ServerMessageChannelData)
        self._message_channel_id = message.mcs_channel_id if message else 0
        self._server_security = response.first(ServerSecurityData) or self._server_security
        if self._server_security.server_certificate:
            self._take(ServerCertificate, self._server_security.server_certificate)

    def _read_channel(self, direction: Direction, channel_id: int, data: bytes) -> None:
        if channel_id == self._message_channel_id:
            flags, body = self._unseal(direction, data, has_header=True)
            self._keep_message(decode_message_body(flags, body), body)
        elif channel_id != self._io_channel_id:
            _, body = self._unseal(direction, data, has_header=self._is_encrypted)
            self._take(ChannelPdu, body)
        else:
            self._read_io_channel(direction, data)

    def _read_io_channel(self, direction: Direction, data: bytes) -> None:
        has_header = self._is_encrypted or not self._has_license
        flags, body = self._unseal(direction, data, has_header=has_header)
        if flags & SecurityFlags.EXCHANGE_PKT:
            self._exchange(self._take(SecurityExchange, body))
        elif flags & SecurityFlags.INFO_PKT:
            self._take(ClientInfo, body)
        elif flags & SecurityFlags.LICENSE_PKT:
            message = self._take(LicensingPdu, body).message
            self._has_license |= isinstance(message, LicenseError | NewLicense)
        elif flags & (SecurityFlags.AUTODETECT_REQ | SecurityFlags.AUTODETECT_RSP):
            self._keep_message(decode_message_body(flags, body), body)
        else:
            shares = self._take(ShareSequence, body, is_innermost=False)
            for share in shares.pdus:
                encoded = encode(share)
                self._layers.append(Layer(share, encoded, encoded))

    def _keep_message(self, message: Message, body: bytes) -> None:
        self._layers.append(Layer(message, body, encode_message(message)[BASIC_HEADER_SIZE:]))

    # -- security --------------------------------------------------------------------------------

    @property
    def _is_encrypted(self) -> bool:
        """Standard RDP security: every PDU of the client and the server has a security header."""
        return self._server_security.encryption_method != EncryptionMethod.NONE

    def _exchange(self, pdu: SecurityExchange) -> None:
        if self._rsa_key is None:
            raise CaptureError("standard RDP security, but the server's RSA key is not there")
        server_random = self._server_security.server_random or b""
        client_random = self._rsa_key.decrypt(pdu.encrypted_client_random, CLIENT_RANDOM_SIZE)
        keys = (client_random, server_random, self._server_security.encryption_method)
        # Each side's view decrypts what the other has sent.
        self._security[Direction.CLIENT] = StandardSecurity.for_server(*keys)
        self._security[Direction.SERVER] = StandardSecurity.for_client(*keys)

    def _unseal(self, direction: Direction, data: bytes, *, has_header: bool) -> tuple[SecurityFlags, bytes]:
        security = self._security.get(direction)
        flags, body = unseal(security, data, has_header=has_header)
        if has_header:
            header: type[Structure] = BasicSecurityHeader
            if flags & SecurityFlags.ENCRYPT and security is not None:
                header = FipsSecurityHeader if security.is_fips else NonFipsSecurityHeader
            r = Reader(data, header.__name__)
            self._keep(header.read(r), data[: r.offset], is_innermost=False)
        return flags, body

    # -- fast path -------------------------------------------------------------------------------

    def _read_fast_path(self, unit: Unit) -> None:
        security = self._security.get(unit.direction)
        pdu = decode_fast_path(unit.data, is_fips=security is not None and security.is_fips)
        self._keep(pdu, unit.data, is_innermost=False)
        body, number = unseal_fast_path(security, unit.data)
        if unit.direction is Direction.CLIENT:
            self._read_input(body, number)
            return
        updates = decode_updates(body)
        self._layers.append(Layer(updates, body, encode_updates(updates), is_innermost=False))
        for update in updates:
            self._read_update(update)

    def _read_input(self, body: bytes, number: int) -> None:
        events = decode_input_events(body, number)
        _, encoded = encode_input_events(events, has_count_byte=number == 0)
        self._layers.append(Layer(events, body, encoded))

    def _read_update(self, update: FastPathUpdate) -> None:
        whole = update if update.is_compressed else self._updates.feed(update)
        if whole is None:
            self._layers.append(Layer(update, b"", b""))
            return
        value = decode_update(whole)
        self._layers.append(Layer(value, whole.data, encode_update(value).data))
