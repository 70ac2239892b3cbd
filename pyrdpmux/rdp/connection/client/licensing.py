"""Licensing, from the client's side: the exchange of MS-RDPELE on the I/O channel."""

from __future__ import annotations

import hashlib

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.client.activation import CapabilitiesExchange
from pyrdpmux.rdp.connection.client.link import ClientLink
from pyrdpmux.rdp.connection.client.session import SessionPhase
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.secure import unseal
from pyrdpmux.rdp.licensing.client import PLATFORM_ID, ClientIdentity, LicensingClient
from pyrdpmux.rdp.pdu.licensing import LicensingPdu, PreambleFlags
from pyrdpmux.rdp.pdu.licensing.challenge import ClientHardwareId
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.wire import decode, encode


def begin_licensing(link: ClientLink) -> Phase:
    """The Client Info PDU is sent: what a license is asked for, and by whom, is known."""
    config = link.config
    data = config.hardware_data or hashlib.md5(config.client_name.encode(), usedforsecurity=False).digest()
    security = link.facts.server_security
    return Licensing(
        link,
        LicensingClient(
            ClientIdentity(
                user_name=config.user,
                machine_name=config.client_name,
                hardware_id=ClientHardwareId(PLATFORM_ID, data),
            ),
            config.entropy,
            config.license_store,
            security.server_certificate if security is not None else None,
        ),
    )


class Licensing(SessionPhase):
    """1.3.1.1 Licensing: a license is shown or asked for, unless the server does without at once."""

    def __init__(self, link: ClientLink, exchange: LicensingClient) -> None:
        super().__init__(link)
        self.exchange = exchange
        #: the server reads licensing PDUs that are encrypted
        self.encrypts = False

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def decode_io(self, data: bytes) -> object:
        flags, body = unseal(self.link.standard, data, has_header=True)
        if not flags & SecurityFlags.LICENSE_PKT:
            raise SequenceError(self.name, f"security header with {flags!r}", ("LICENSE_PKT",))
        self.encrypts = bool(flags & SecurityFlags.LICENSE_ENCRYPT)
        return decode(LicensingPdu, body)

    def on_licensing(self, pdu: LicensingPdu) -> Phase:
        try:
            self.exchange.receive(pdu.message)
        finally:
            self._send_answers()
        return CapabilitiesExchange(self.link) if self.exchange.is_complete else self

    def _send_answers(self) -> None:
        for message in self.exchange.take_answers():
            pdu = LicensingPdu(message, flags=PreambleFlags.EXTENDED_ERROR_MSG_SUPPORTED)
            self.link.send_licensing(encode(pdu), pdu, encrypts=self.encrypts)

    HANDLERS = {**SessionPhase.HANDLERS, LicensingPdu: on_licensing}
