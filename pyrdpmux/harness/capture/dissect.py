"""What the units of a captured session mean: every layer decoded, by our own structures.

A passive reader of both sides. It follows only what decides how the next bytes are to be read: channel
numbers, the security method and its keys, whether licensing is over.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from pyrdpmux.errors import PeerError
from pyrdpmux.harness.capture.channel_reader import ChannelReader
from pyrdpmux.harness.capture.compression import Budget, History
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.layer import Ciphertext, Dissected, Layer
from pyrdpmux.harness.capture.session import Session
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer, Stops
from pyrdpmux.harness.capture.tls_hello import ServerHello, TlsVersion, decode_alert, decode_handshake
from pyrdpmux.harness.capture.unit import Unit, UnitKind
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
from pyrdpmux.rdp.mcs.client_data import ClientNetworkData, EncryptionMethod
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
from pyrdpmux.rdp.pdu.share import (
    CompressedShareData,
    ShareControl,
    ShareData,
    ShareSequence,
    decode_share_data,
)
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.standard_security.encryption import CLIENT_RANDOM_SIZE, StandardSecurity
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey, ServerCertificate
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import Reader, Structure, decode, encode

#: Larger than any client of ours announces.
MAXIMUM_UPDATE_SIZE: Final = 16 * 1024 * 1024
CONNECT_INITIAL: Final = 0x65
CONNECT_RESPONSE: Final = 0x66

#: What every server of the field chooses (MS-RDPBCGR 2.2.1.4.4 does not say so).
USUAL_IO_CHANNEL_ID: Final = 1003

S = TypeVar("S", bound=Structure)
T = TypeVar("T")


def dissect(session: Session, rsa_key: RsaKey | None = None) -> Iterator[Dissected]:
    """Every unit of a session, decoded. Raises PeerError or CaptureError at the first that does not."""
    dissector = Dissector(rsa_key)
    for unit in session.units:
        yield dissector.read(unit)


def dissect_all(session: Session, rsa_key: RsaKey | None = None) -> tuple[list[Dissected], tuple[Stop, ...]]:
    """Every unit as far as it decodes, and a stop for each that does not."""
    dissector = Dissector(rsa_key)
    found: list[Dissected] = []
    stops = Stops()
    for unit in session.units:
        try:
            dissector.read(unit)
        except (PeerError, CaptureError) as error:
            stops.add(Stop(dissector.layer, str(error), unit.number, unit.time, unit.direction))
        found.append(dissector.dissected(unit))
    return found, stops.all()


class Dissector:
    """Reads units in the order of the capture; see :func:`dissect`."""

    def __init__(self, rsa_key: RsaKey | None = None) -> None:
        #: what was read last, for the place of an error
        self.layer = StopLayer.RDP
        self._rsa_key = rsa_key
        self._is_tls13 = False
        self._security: dict[Direction, StandardSecurity] = {}
        self._server_security = ServerSecurityData()
        # Until the server's GCC blocks say otherwise, or for good where they were not captured.
        self._io_channel_id = USUAL_IO_CHANNEL_ID
        self._message_channel_id = 0
        self._has_license = True
        self._channel_names: tuple[str, ...] = ()
        budget = Budget()
        self._histories = {direction: History(budget) for direction in Direction}
        self._channels = ChannelReader(self._histories, budget)
        self._updates = Reassembler(MAXIMUM_UPDATE_SIZE)
        self._layers: list[Layer] = []
        self._readers: dict[UnitKind, Callable[[Unit], None]] = {
            UnitKind.PRECONNECTION: lambda unit: self._discard(self._take(Preconnection, unit.data)),
            UnitKind.X224: self._read_tpkt,
            UnitKind.TPKT: self._read_tpkt,
            UnitKind.TLS_HANDSHAKE: self._read_handshake,
            UnitKind.TLS_ALERT: self._read_alert,
            UnitKind.TLS_CIPHERTEXT: self._read_ciphertext,
            UnitKind.TS_REQUEST: lambda unit: self._discard(self._take(TSRequest, unit.data)),
            UnitKind.EARLY_USER_AUTH: lambda unit: self._discard(self._take(EarlyUserAuthResult, unit.data)),
            UnitKind.FAST_PATH: self._read_fast_path,
            UnitKind.GAP: self._read_gap,
        }

    def read(self, unit: Unit) -> Dissected:
        """The unit's layers. Raises PeerError, or CaptureError for a key that is needed and not there."""
        self._layers = []
        self.layer = StopLayer.RDP
        self._readers[unit.kind](unit)
        return self.dissected(unit)

    def dissected(self, unit: Unit) -> Dissected:
        """The layers read so far of the unit that was read last, also after an error."""
        return Dissected(unit, tuple(self._layers))

    # -- layers ----------------------------------------------------------------------------------

    def _take(self, cls: type[S], data: bytes, *, is_innermost: bool = True) -> S:
        value = decode(cls, data)
        self._keep(value, data, is_innermost=is_innermost)
        return value

    def _keep(self, value: Structure, data: bytes, *, is_innermost: bool = True) -> None:
        self._layers.append(Layer(value, data, lambda: encode(value), is_innermost))

    def _keep_as_is(self, value: object, data: bytes) -> None:
        """A value that is only read."""
        self._layers.append(Layer(value, data, lambda: data))

    @staticmethod
    def _discard(_value: object) -> None:
        """Nothing depends on it."""

    def _read_gap(self, unit: Unit) -> None:
        """What depends on everything before it is not known any more."""
        self._security.pop(unit.direction, None)
        self._histories[unit.direction].lose()
        self._channels.lose(unit.direction)
        if unit.direction is Direction.SERVER:
            self._updates = Reassembler(MAXIMUM_UPDATE_SIZE)

    # -- TLS -------------------------------------------------------------------------------------

    def _read_handshake(self, unit: Unit) -> None:
        self.layer = StopLayer.TLS
        message = decode_handshake(unit.data, is_tls13=self._is_tls13)
        if isinstance(message, ServerHello):
            self._is_tls13 = message.version == TlsVersion.TLS_1_3
        self._keep_as_is(message, unit.data)

    def _read_alert(self, unit: Unit) -> None:
        self.layer = StopLayer.TLS
        self._keep_as_is(decode_alert(unit.data), unit.data)

    def _read_ciphertext(self, unit: Unit) -> None:
        self._keep_as_is(Ciphertext(unit.data), unit.data)

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
            request = self._take(ConferenceCreateRequest, initial.user_data)
            network = request.first(ClientNetworkData)
            channels = network.channels if network else ()
            self._channel_names = tuple(channel.name.decode("latin-1") for channel in channels)
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
        self._has_license = False
        network = response.first(ServerNetworkData)
        if network is not None:
            self._io_channel_id = network.mcs_channel_id
            self._channels.names = dict(zip(network.channel_ids, self._channel_names, strict=False))
        message = response.first(ServerMessageChannelData)
        self._message_channel_id = message.mcs_channel_id if message else 0
        self._server_security = response.first(ServerSecurityData) or self._server_security
        if self._server_security.server_certificate:
            self._take(ServerCertificate, self._server_security.server_certificate)

    def _read_channel(self, direction: Direction, channel_id: int, data: bytes) -> None:
        is_io = channel_id == self._io_channel_id
        is_message = channel_id == self._message_channel_id
        has_header = self._is_encrypted or is_message or (is_io and not self._has_license)
        flags, body = self._unseal(direction, channel_id, data, has_header=has_header)
        if body is None:
            return
        if is_message:
            self._keep_message(decode_message_body(flags, body), body)
        elif is_io:
            self._read_io_channel(direction, flags, body)
        else:
            self.layer = StopLayer.CHANNEL
            self._channels.read(direction, channel_id, body, self._layers)

    def _read_io_channel(self, direction: Direction, flags: SecurityFlags, body: bytes) -> None:
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
                self._read_share(direction, share)

    def _read_share(self, direction: Direction, share: ShareControl) -> None:
        encoded = encode(share)
        self._layers.append(Layer(share, encoded, lambda: encoded))
        data = share.body
        if not isinstance(data, ShareData):
            return
        flags = data.compressed_type
        if isinstance(data.body, CompressedShareData):
            plain = self._histories[direction].decompress(flags, data.body.data)
            self._keep_as_is(decode_share_data(data.body.pdu_type2, plain), plain)
        else:  # which may say that the history begins anew
            self._histories[direction].decompress(flags, b"")

    def _keep_message(self, message: Message, body: bytes) -> None:
        self._layers.append(Layer(message, body, lambda: encode_message(message)[BASIC_HEADER_SIZE:]))

    # -- security --------------------------------------------------------------------------------

    @property
    def _is_encrypted(self) -> bool:
        """Standard RDP security: every PDU of the client and the server has a security header."""
        return self._server_security.encryption_method != EncryptionMethod.NONE

    def _exchange(self, pdu: SecurityExchange) -> None:
        self.layer = StopLayer.SECURITY
        if self._rsa_key is None:
            raise CaptureError("standard RDP security, but the server's RSA key is not there")
        server_random = self._server_security.server_random or b""
        client_random = self._rsa_key.decrypt(pdu.encrypted_client_random, CLIENT_RANDOM_SIZE)
        keys = (client_random, server_random, self._server_security.encryption_method)
        # Each side's view decrypts what the other has sent.
        self._security[Direction.CLIENT] = StandardSecurity.for_server(*keys)
        self._security[Direction.SERVER] = StandardSecurity.for_client(*keys)

    def _unseal(
        self, direction: Direction, channel_id: int, data: bytes, *, has_header: bool
    ) -> tuple[SecurityFlags, bytes | None]:
        """Flags and plain body of a slow-path PDU; None without the keys."""
        if not has_header:
            return SecurityFlags(0), data
        self.layer = StopLayer.SECURITY
        flags = decode_prefix(BasicSecurityHeader, data)[0].flags
        header: type[Structure] = BasicSecurityHeader
        if flags & SecurityFlags.ENCRYPT:
            header = FipsSecurityHeader if self._is_fips else NonFipsSecurityHeader
        value, size = decode_prefix(header, data)
        security = self._security.get(direction)
        is_sealed = bool(flags & SecurityFlags.ENCRYPT) and security is None
        self._keep(value, data[:size], is_innermost=is_sealed)
        if is_sealed:
            self._keep_as_is(Ciphertext(data[size:], channel_id), data[size:])
            return flags, None
        flags, body = self._decrypt(direction, lambda: unseal(security, data, has_header=True))
        self.layer = StopLayer.RDP
        return flags, body

    @property
    def _is_fips(self) -> bool:
        return self._server_security.encryption_method == EncryptionMethod.FIPS

    def _decrypt(self, direction: Direction, opened: Callable[[], T]) -> T:
        """What does not decrypt leaves the cipher of this direction in an unknown state."""
        try:
            return opened()
        except PeerError:
            self._security.pop(direction, None)
            raise

    # -- fast path -------------------------------------------------------------------------------

    def _read_fast_path(self, unit: Unit) -> None:
        direction = unit.direction
        security = self._security.get(direction)
        pdu = decode_fast_path(unit.data, is_fips=self._is_fips)
        self._keep(pdu, unit.data, is_innermost=False)
        if pdu.header.is_encrypted and security is None:
            self._keep_as_is(Ciphertext(pdu.body), pdu.body)
            return
        self.layer = StopLayer.SECURITY
        body, number = self._decrypt(direction, lambda: unseal_fast_path(security, unit.data))
        self.layer = StopLayer.RDP
        if direction is Direction.CLIENT:
            self._read_input(body, number)
            return
        updates = decode_updates(body)
        self._layers.append(Layer(updates, body, lambda: encode_updates(updates), is_innermost=False))
        for update in updates:
            self._read_update(update)

    def _read_input(self, body: bytes, number: int) -> None:
        events = decode_input_events(body, number)
        self._layers.append(
            Layer(events, body, lambda: encode_input_events(events, has_count_byte=number == 0)[1])
        )

    def _read_update(self, update: FastPathUpdate) -> None:
        data = self._histories[Direction.SERVER].decompress(update.compression_flags or 0, update.data)
        whole = self._updates.feed(FastPathUpdate(update.update_code, data, update.fragmentation))
        if whole is None:
            self._layers.append(Layer(update, b"", lambda: b""))
            return
        value = decode_update(whole)
        self._layers.append(Layer(value, whole.data, lambda: encode_update(value).data))


def decode_prefix(cls: type[S], data: bytes) -> tuple[S, int]:
    """A structure in front of other bytes, and its size."""
    r = Reader(data, cls.__name__)
    return cls.read(r), r.position
