"""Valid byte streams to mutate: what each side says on the way to Active and a little beyond."""

import functools
from typing import Any, Final

from pyrdpmux.harness.peers.licensing_server import LicensingServer, asking_for_licenses
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition
from pyrdpmux.rdp.mcs.domain import DisconnectProviderUltimatum, Reason
from pyrdpmux.rdp.pdu.auto_detect import RttMeasureResponse
from pyrdpmux.rdp.pdu.display import InclusiveRectangle, RefreshRectangle, ShutdownRequest, SuppressOutput
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.pdu.pointer import PointerPosition
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import Linked, client_config, entropy, rdp_policy, rsa_key, server_config
from tests.rdp.connection.scripted import Scripted, blocks, plaintext_config

INPUT: Final = (
    KeyboardEvent(KeyboardFlags(0), 0x1E),
    KeyboardEvent(KeyboardFlags.RELEASE, 0x1E),
    MouseEvent(PointerFlags.MOVE, 3, 4),
)


class Recorder(Scripted):
    """Keeps what is sent."""

    def __init__(self) -> None:
        # It does not say which protocol was selected: the same words are said behind TLS as well.
        silent: dict[str, Any] = {"server_selected_protocol": None, "connection_type": None}
        super().__init__(plaintext_config(), blocks(b"cliprdr", b"RDPSND", **silent))
        self.sent: list[bytes] = []

    def send(self, *frames: bytes) -> None:
        self.sent += frames
        super().send(*frames)


@functools.cache
def client_stream() -> tuple[bytes, ...]:
    """The frames of a client that comes, types, asks, and leaves."""
    client = Recorder()
    client.reach("ChannelConnection")
    client.attach()
    client.join(client.user, 1003, 1006, 1004, 1005)
    client.send(client.client_info())
    client.send(client.confirm_active())
    client.send(*client.finalization())
    client.send(client.message(RttMeasureResponse(1)))
    client.send(client.fast_input(INPUT))
    client.send(client.share_data(InputEvents(INPUT)))
    client.send(client.share_data(RefreshRectangle((InclusiveRectangle(0, 0, 9, 9),))))
    client.send(client.share_data(SuppressOutput(0)))
    client.send(client.share_data(SuppressOutput(1, InclusiveRectangle(0, 0, 799, 599))))
    client.send(client.channel_message(1004, b"clipboard" * 400))
    client.send(client.share_data(ShutdownRequest()))
    assert client.server.is_active
    client.send(client.domain(DisconnectProviderUltimatum(Reason.USER_REQUESTED)))
    return tuple(client.sent)


@functools.cache
def server_stream(*, licensed: bool = False) -> tuple[bytes, ...]:
    """The frames of a server that shows something, resizes, and ends; perhaps it issues a license before."""
    exchange = LicensingServer(rsa_key(), entropy())
    pair = Linked(
        plaintext_config(licensing=asking_for_licenses(exchange) if licensed else None),
        client_config(
            protocols=SecurityProtocol.RDP,
            channels=(ChannelDefinition(b"cliprdr"), ChannelDefinition(b"RDPSND")),
        ),
    )
    frames: list[bytes] = []

    def run() -> None:
        buffer = bytearray()
        while True:
            pair.server.receive_data(pair.client.data_to_send(), pair.now)
            data = pair.server.data_to_send()
            if not data:
                return
            pair.client.receive_data(data, pair.now)
            buffer += data
            while (frame := take_frame(buffer)) is not None:
                frames.append(frame)

    run()
    pair.server.send_bitmaps([BitmapData(0, 0, 63, 63, 64, 64, 32, BitmapFlags(0), bytes(20000))])
    pair.server.send_pointer(PointerPosition(1, 2))
    pair.server.send_channel_data("cliprdr", b"clipboard" * 400)
    run()
    pair.server.set_desktop_size(640, 480, pair.now)
    run()
    pair.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "bye", pair.now)
    run()
    return tuple(frames)


def encrypted_pair() -> Linked:
    """Both ends under RC4, in Active."""
    return Linked(server_config(rdp_policy()), client_config(protocols=SecurityProtocol.RDP)).run()
