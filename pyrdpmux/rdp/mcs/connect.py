"""MCS Connect-Initial and Connect-Response (T.125 11.1, 11.2) in BER, around the GCC user data as bytes."""

from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, ber, decode

NUMBER_CONNECT_INITIAL: Final = 101
NUMBER_CONNECT_RESPONSE: Final = 102

MAX_DOMAIN_SELECTOR_SIZE: Final = 255
#: MS-RDPBCGR 2.2.1.3: with extended client data blocks; without them only 1024 are allowed
MAX_CLIENT_USER_DATA_SIZE: Final = 4096
#: no limit in the specification; certificate chains go to some 10 kB, and the GCC length has 15 bits
MAX_SERVER_USER_DATA_SIZE: Final = 0x7FFF

#: MS-RDPBCGR 3.3.5.3.3: what a domain must be able to do for RDP
_MIN_CHANNEL_IDS: Final = 4
_MIN_USER_IDS: Final = 3
_MIN_PDU_SIZE: Final = 124
_MAX_PDU_SIZE: Final = 65528
_PROTOCOL_VERSION: Final = 2

_PARAMETER_COUNT: Final = 8


class Result(OpenIntEnum):
    """T.125 7, part 1: Result."""

    SUCCESSFUL = 0
    DOMAIN_MERGING = 1
    DOMAIN_NOT_HIERARCHICAL = 2
    NO_SUCH_CHANNEL = 3
    NO_SUCH_DOMAIN = 4
    NO_SUCH_USER = 5
    NOT_ADMITTED = 6
    OTHER_USER_ID = 7
    PARAMETERS_UNACCEPTABLE = 8
    TOKEN_NOT_AVAILABLE = 9
    TOKEN_NOT_POSSESSED = 10
    TOO_MANY_CHANNELS = 11
    TOO_MANY_TOKENS = 12
    TOO_MANY_USERS = 13
    UNSPECIFIED_FAILURE = 14
    USER_REJECTED = 15


@dataclass(frozen=True, slots=True)
class DomainParameters:
    """T.125 7, part 2: DomainParameters."""

    max_channel_ids: int
    max_user_ids: int
    max_token_ids: int
    num_priorities: int = 1
    min_throughput: int = 0
    max_height: int = 1
    max_mcs_pdu_size: int = _MAX_PDU_SIZE
    protocol_version: int = _PROTOCOL_VERSION
    #: QUIRK(mstsc, rdesktop): the sizes of the integers as they came, because mstsc leaves out sign bytes and
    #: rdesktop always writes two; empty for the shortest form, which Windows servers and FreeRDP write.
    integer_sizes: tuple[int, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        sizes: list[int] = []

        def integer(name: str) -> int:
            value, size = ber.read_sized_integer(r, name)
            sizes.append(size)
            return value

        with r.region("sequence", ber.read_header(r, "sequence", ber.TAG_SEQUENCE)):
            values = (
                integer("maxChannelIds"),
                integer("maxUserIds"),
                integer("maxTokenIds"),
                integer("numPriorities"),
                integer("minThroughput"),
                integer("maxHeight"),
                integer("maxMCSPDUsize"),
                integer("protocolVersion"),
            )
        return cls(*values, tuple(sizes))

    def write(self, w: Writer) -> None:
        sizes = self.integer_sizes or (0,) * _PARAMETER_COUNT
        with ber.header(w, "sequence", ber.TAG_SEQUENCE):
            ber.write_integer(w, "maxChannelIds", self.max_channel_ids, sizes[0])
            ber.write_integer(w, "maxUserIds", self.max_user_ids, sizes[1])
            ber.write_integer(w, "maxTokenIds", self.max_token_ids, sizes[2])
            ber.write_integer(w, "numPriorities", self.num_priorities, sizes[3])
            ber.write_integer(w, "minThroughput", self.min_throughput, sizes[4])
            ber.write_integer(w, "maxHeight", self.max_height, sizes[5])
            ber.write_integer(w, "maxMCSPDUsize", self.max_mcs_pdu_size, sizes[6])
            ber.write_integer(w, "protocolVersion", self.protocol_version, sizes[7])


#: what mstsc asks for (MS-RDPBCGR 4.1.3)
CLIENT_TARGET_PARAMETERS: Final = DomainParameters(34, 2, 0, max_mcs_pdu_size=65535)
CLIENT_MINIMUM_PARAMETERS: Final = DomainParameters(1, 1, 1, max_mcs_pdu_size=1056)
CLIENT_MAXIMUM_PARAMETERS: Final = DomainParameters(65535, 64535, 65535, max_mcs_pdu_size=65535)
#: what Windows servers make of it
SERVER_PARAMETERS: Final = DomainParameters(34, 3, 0)


def merge_domain_parameters(
    target: DomainParameters, minimum: DomainParameters, maximum: DomainParameters
) -> DomainParameters | None:
    """MS-RDPBCGR 3.3.5.3.3: what a server makes of the client's three sets; None where they cannot be met."""
    channel_ids = _merge_count(target.max_channel_ids, maximum.max_channel_ids, _MIN_CHANNEL_IDS)
    user_ids = _merge_count(target.max_user_ids, maximum.max_user_ids, _MIN_USER_IDS)
    pdu_size = _merge_pdu_size(target, minimum, maximum)
    is_version_possible = target.protocol_version == _PROTOCOL_VERSION or (
        minimum.protocol_version <= _PROTOCOL_VERSION <= maximum.protocol_version
    )
    is_height_possible = target.max_height == 1 or minimum.max_height <= 1
    if channel_ids is None or user_ids is None or pdu_size is None:
        return None
    if not (is_version_possible and is_height_possible and minimum.num_priorities <= 1):
        return None
    return DomainParameters(
        channel_ids,
        user_ids,
        target.max_token_ids,
        min_throughput=target.min_throughput,
        max_mcs_pdu_size=pdu_size,
    )


def _merge_count(target: int, maximum: int, needed: int) -> int | None:
    if target >= needed:
        return target
    return needed if maximum >= needed else None


def _merge_pdu_size(
    target: DomainParameters, minimum: DomainParameters, maximum: DomainParameters
) -> int | None:
    if target.max_mcs_pdu_size < _MIN_PDU_SIZE:
        return maximum.max_mcs_pdu_size if maximum.max_mcs_pdu_size >= _MIN_PDU_SIZE else None
    if target.max_mcs_pdu_size <= _MAX_PDU_SIZE:
        return target.max_mcs_pdu_size
    return _MAX_PDU_SIZE if _MIN_PDU_SIZE <= minimum.max_mcs_pdu_size <= _MAX_PDU_SIZE else None


@dataclass(frozen=True, slots=True)
class ConnectInitial:
    """MS-RDPBCGR 2.2.1.3 Client MCS Connect Initial PDU: mcsCi, with the GCC request as user data."""

    user_data: bytes
    target_parameters: DomainParameters = CLIENT_TARGET_PARAMETERS
    minimum_parameters: DomainParameters = CLIENT_MINIMUM_PARAMETERS
    maximum_parameters: DomainParameters = CLIENT_MAXIMUM_PARAMETERS
    calling_domain_selector: bytes = b"\x01"
    called_domain_selector: bytes = b"\x01"
    upward_flag: bool = True

    @classmethod
    def read(cls, r: Reader) -> Self:
        ber.read_application_header(r, "Connect-Initial", NUMBER_CONNECT_INITIAL)
        calling = ber.read_octet_string(r, "callingDomainSelector", MAX_DOMAIN_SELECTOR_SIZE)
        called = ber.read_octet_string(r, "calledDomainSelector", MAX_DOMAIN_SELECTOR_SIZE)
        upward = ber.read_boolean(r, "upwardFlag")
        target = r.structure(DomainParameters, "targetParameters")
        minimum = r.structure(DomainParameters, "minimumParameters")
        maximum = r.structure(DomainParameters, "maximumParameters")
        user_data = ber.read_octet_string(r, "userData", MAX_CLIENT_USER_DATA_SIZE)
        return cls(user_data, target, minimum, maximum, calling, called, upward)

    def write(self, w: Writer) -> None:
        with ber.application_header(w, "Connect-Initial", NUMBER_CONNECT_INITIAL):
            ber.write_octet_string(w, "callingDomainSelector", self.calling_domain_selector)
            ber.write_octet_string(w, "calledDomainSelector", self.called_domain_selector)
            ber.write_boolean(w, "upwardFlag", self.upward_flag)
            w.structure(self.target_parameters, "targetParameters")
            w.structure(self.minimum_parameters, "minimumParameters")
            w.structure(self.maximum_parameters, "maximumParameters")
            ber.write_octet_string(w, "userData", self.user_data)


@dataclass(frozen=True, slots=True)
class ConnectResponse:
    """MS-RDPBCGR 2.2.1.4 Server MCS Connect Response PDU: mcsCrsp, with the GCC response as user data."""

    user_data: bytes
    result: Result = Result.SUCCESSFUL
    domain_parameters: DomainParameters = SERVER_PARAMETERS
    called_connect_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        ber.read_application_header(r, "Connect-Response", NUMBER_CONNECT_RESPONSE)
        result = Result(ber.read_enumerated(r, "result"))
        called_connect_id = ber.read_integer(r, "calledConnectId")
        parameters = r.structure(DomainParameters, "domainParameters")
        user_data = ber.read_octet_string(r, "userData", MAX_SERVER_USER_DATA_SIZE)
        return cls(user_data, result, parameters, called_connect_id)

    def write(self, w: Writer) -> None:
        with ber.application_header(w, "Connect-Response", NUMBER_CONNECT_RESPONSE):
            ber.write_enumerated(w, "result", self.result)
            ber.write_integer(w, "calledConnectId", self.called_connect_id)
            w.structure(self.domain_parameters, "domainParameters")
            ber.write_octet_string(w, "userData", self.user_data)


ConnectPdu = ConnectInitial | ConnectResponse

CONNECT_PDU_TYPES: Final[dict[bytes, type[ConnectPdu]]] = {
    bytes((ber.TAG_APPLICATION, NUMBER_CONNECT_INITIAL)): ConnectInitial,
    bytes((ber.TAG_APPLICATION, NUMBER_CONNECT_RESPONSE)): ConnectResponse,
}


def decode_connect_pdu(data: bytes) -> ConnectPdu:
    """Whichever connect PDU ``data`` (an X.224 Data TPDU's user data) is."""
    cls = CONNECT_PDU_TYPES.get(data[:2])
    if cls is None:
        raise DecodeError("ConnectPdu.tag", f"unknown connect PDU {data[:2].hex()} of {len(data)} bytes", 0)
    return decode(cls, data)
