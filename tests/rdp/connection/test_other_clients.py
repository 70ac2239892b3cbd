"""Whole sessions with the lengths that aardwolf and IronRDP write, as their programs do on loopback."""

from pyrdpmux.rdp.connection.events import Activated, Disconnected, InputReceived, ShutdownRequested
from pyrdpmux.rdp.mcs.connect import ConnectInitial
from pyrdpmux.rdp.mcs.gcc import T124_IDENTIFIER, ConferenceCreateRequest
from pyrdpmux.rdp.pdu.display import ShutdownRequest
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData, ShareDataBody
from pyrdpmux.wire import encode
from tests.rdp.connection.scripted import IO, SHARE_ID, Scripted

KEY = KeyboardEvent(KeyboardFlags(0), 0x1E)


class Aardwolf(Scripted):
    """0.2.16: totalLength counts the share control header twice, uncompressedLength the whole PDU."""

    def share_data(self, body: ShareDataBody) -> bytes:
        size = len(encode(ShareControl(self.user, ShareData(SHARE_ID, body))))
        share = encode(ShareControl(self.user, ShareData(SHARE_ID, body, uncompressed_length=size + 6)))
        wrong = (size + 6).to_bytes(2, "little")
        return self.data(IO, wrong + share[2:])


class IronRdp(Scripted):
    """0.7: the length of connectPDU leaves out the two bytes of the length of the user data."""

    def connect_initial(self) -> bytes:
        conference = bytearray(encode(ConferenceCreateRequest(self.client_blocks)))
        at = len(T124_IDENTIFIER)
        length = int.from_bytes(conference[at : at + 2], "big")
        assert length & 0x8000, "in two bytes, as from 128 on"
        conference[at : at + 2] = (length - 2).to_bytes(2, "big")
        return self.mcs(encode(ConnectInitial(bytes(conference))))


def test_aardwolf() -> None:
    client = Aardwolf().reach("Active")
    client.send(client.share_data(InputEvents((KEY,))))
    assert client.saw(InputReceived) == [InputReceived((KEY,))]
    client.send(client.share_data(ShutdownRequest(bytes.fromhex("01000000"))))
    assert client.saw(ShutdownRequested)
    assert not client.saw(Disconnected)


def test_ironrdp() -> None:
    client = IronRdp().reach("Active")
    assert client.saw(Activated)
