"""What both sides say of themselves, byte by byte: whoever changes a setting sees it here.

``00*6`` stands for six bytes of zero. The values in the comments are the specification's (MS-RDPBCGR 2.2.7,
2.2.1.3.2).
"""

import re
from functools import cache
from typing import Any, Final, TypeVar

from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.client_core import ClientCoreData
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DemandActive
from pyrdpmux.rdp.pdu.capabilities import encode_capability
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, server_config
from tests.rows import unhex

#: Of a server with 800x600 and nothing else chosen. 15 04: fast-path output, long credentials, salted
#: checksums, no bitmap compression header. 80 3f: chunks of 16,256 bytes. 20: 32 bpp. 08: no alpha needed.
#: 0a, and 01 thrice: PatBlt, ScrBlt, MemBlt orders. bd 01: scancodes, extended and relative mouse, Unicode,
#: fast-path input, horizontal wheel. 19: 25 pointers. 2b 48 09: 608,299 bytes, for large pointers. 52: all
#: surface commands. NSCodec with color loss up to 3, RemoteFX in both modes and in one.
DEMAND: Final = {
    "ShareCapability": "09 00 08 00 ea 03 00 00",
    "GeneralCapability": "01 00 18 00*6 02 00 00 00 00 15 04 00*6 01 01",
    "VirtualChannelCapability": "14 00 0c 00 02 00 00 00 80 3f 00 00",
    "BitmapCapability": "02 00 1c 00 20 00 01 00 01 00 01 00 20 03 58 02 00 00 01 00 01 00 00 08 01 00 00 00",
    "OrderCapability": "03 00 58 00*21 01 00 14 00 00 00 01 00 00 00 0a 00 00 01 01 01 00*37 84 03 00*9",
    "BitmapCacheHostSupportCapability": "12 00 08 00 01 00 00 00",
    "FontCapability": "0e 00 08 00 01 00 00 00",
    "InputCapability": "0d 00 58 00 bd 01 00*82",
    "PointerCapability": "08 00 0a 00 01 00 19 00 19 00",
    "MultifragmentUpdateCapability": "1a 00 08 00 2b 48 09 00",
    "LargePointerCapability": "1b 00 06 00 03 00",
    "SurfaceCommandsCapability": "1c 00 0c 00 52 00*7",
    "BitmapCodecsCapability": """1d 00 49 00 03
        b9 1b 8d ca 0f 00 4f 15 58 9f ae 2d 1a 87 e2 d6 00 03 00 01 01 03
        12 2f 77 76 72 bd 63 44 af b3 b7 3c 9c 6f 78 86 00 04 00*5
        d4 cc 44 27 8a 9d 74 4e 80 3c 0e cb ee a1 9c 54 00 04 00*5""",
    "FrameAcknowledgeCapability": "1e 00 08 00 00 00 00 00",
}

#: Of our client. 1d: it can be reconnected. 35: no relative mouse, no horizontal wheel. 09 04: a US keyboard.
CONFIRM: Final = {
    "GeneralCapability": "01 00 18 00*6 02 00 00 00 00 1d 04 00*6 01 01",
    "BitmapCapability": "02 00 1c 00 20 00 01 00 01 00 01 00 20 03 58 02 00 00 01 00 01 00 00 08 01 00 00 00",
    "OrderCapability": "03 00 58 00*21 01 00 14 00 00 00 01 00 00 00 0a 00*42 84 03 00*9",
    "PointerCapability": "08 00 0a 00 01 00 19 00 19 00",
    "InputCapability": "0d 00 58 00 35 00 00 00 09 04 00 00 04 00*7 0c 00*67",
    "VirtualChannelCapability": "14 00 0c 00*5 40 06 00 00",
    "ShareCapability": "09 00 08 00*5",
    "FontCapability": "0e 00 08 00 01 00 00 00",
    "MultifragmentUpdateCapability": "1a 00 08 00 2b 48 09 00",
    "LargePointerCapability": "1b 00 06 00 03 00",
}

#: RDP 10.7, 1024x768, 8 bpp as of old, a US keyboard; the name; type 4 with 12 function keys; 24 bpp, all
#: depths supported. e3 04: error info, 32 bpp, a connection type (06: LAN), monitor layout, auto-detection,
#: heartbeats. 01: TLS was selected.
CORE: Final = """
    0c 00 08 00 00 04 00 03 01 ca 03 aa 09 04 00*6
    70 00 79 00 72 00 64 00 70 00 6d 00 75 00 78 00*17 04 00*7 0c 00*67
    01 ca 01 00*5 18 00 0f 00 e3 04 00*64 06 00 01 00 00 00
"""

T = TypeVar("T")


def expand(text: str) -> bytes:
    return unhex(re.sub(r"00\*(\d+)", lambda match: "00" * int(match[1]), text))


@cache
def pair() -> Linked:
    return Linked(server_config(), client_config()).run()


def sent(tracer: Any, kind: type[T]) -> T:
    assert isinstance(tracer, ListTracer)
    return next(pdu for way, _phase, pdu in tracer.entries if way == ">" and isinstance(pdu, kind))


def as_bytes(pdu: DemandActive | ConfirmActive) -> dict[str, str]:
    return {type(item).__name__: encode_capability(item).hex(" ") for item in pdu.capabilities}


def expected(golden: dict[str, str]) -> dict[str, str]:
    return {name: expand(text).hex(" ") for name, text in golden.items()}


def test_demand_active() -> None:
    demand = sent(pair().server.door.tracer, DemandActive)
    assert as_bytes(demand) == expected(DEMAND)
    assert list(as_bytes(demand)) == list(DEMAND)


def test_confirm_active() -> None:
    confirm = sent(pair().client.tracer, ConfirmActive)
    assert as_bytes(confirm) == expected(CONFIRM)
    assert list(as_bytes(confirm)) == list(CONFIRM)


def test_client_core_data() -> None:
    core = sent(pair().client.tracer, ConferenceCreateRequest).first(ClientCoreData)
    assert core is not None
    assert encode(core).hex(" ") == expand(CORE).hex(" ")
