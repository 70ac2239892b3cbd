"""TLS under RFB: a server of our own, with OpenSSL at both ends."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import AuthenticationFailed, LimitExceeded, TlsFailed
from pyrdpmux.files.certificate_file import load_or_create, server_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.events import Connected, Event
from pyrdpmux.rfb.security_types import Means, VeNCryptType, choose_subtype
from pyrdpmux.rfb.vnc_password import response_to
from pyrdpmux.wire.secret import Secret
from tests.rfb.encoders import u32
from tests.rfb.scripted import VERSION_8, events_of, server_init

CHALLENGE = bytes(range(16))
PASSWORD = Secret("geheim")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vencrypt")
    load_or_create(directory, "vnc.test", datetime.now(UTC))
    return directory


def context_of(certificate: Path, kind: VeNCryptType) -> ssl.SSLContext:
    if kind.has_certificate:
        return server_context(*(next(certificate.glob(f"*.{ending}")) for ending in ("crt", "key")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


class Server:
    """VeNCrypt with one subtype."""

    def __init__(self, client: RfbClient, context: ssl.SSLContext) -> None:
        self._client = client
        self._tls = TlsEndpoint(context, True)
        self.plain = b""

    def begin(self, *kinds: VeNCryptType) -> list[bytes]:
        """Up to TLS; what the client sent in the clear."""
        said = []
        script = (
            VERSION_8,
            b"\1\x13",
            b"\0\2",
            b"\0" + bytes([len(kinds)]) + b"".join(map(u32, kinds)),
            b"\1",
        )
        for data in script:
            events_of(self._client, data)
            said.append(self._client.data_to_send())
        return said

    def exchange(self, first: bytes) -> None:
        """TLS handshake, until nobody has anything to say."""
        data = first
        while data:
            self._tls.receive_data(data)
            self.plain += self._tls.read()
            events_of(self._client, self._tls.data_to_send())
            data = self._client.data_to_send()

    def tell(self, plain: bytes) -> list[Event]:
        self._tls.write(plain)
        events = events_of(self._client, self._tls.data_to_send())
        self.exchange(self._client.data_to_send())
        return events


def client_of(**config: Any) -> RfbClient:
    return RfbClient(RfbConfig(**config))


@pytest.mark.parametrize("kind", [VeNCryptType.TLS_NONE, VeNCryptType.X509_NONE], ids=lambda k: k.name)
def test_without_a_password(certificate: Path, kind: VeNCryptType) -> None:
    client = client_of(takes_any_certificate=True)
    server = Server(client, context_of(certificate, kind))
    said = server.begin(kind)
    assert said[1:4] == [b"\x13", b"\0\2", u32(kind)]
    server.exchange(said[4])
    assert server.plain == b""
    assert server.tell(u32(0) + server_init())[0] == Connected(64, 48, "test")
    assert server.plain.startswith(b"\1\0\0\0\0\x20\x18")


@pytest.mark.parametrize("kind", [VeNCryptType.TLS_VNC, VeNCryptType.X509_VNC], ids=lambda k: k.name)
def test_with_a_vnc_password(certificate: Path, kind: VeNCryptType) -> None:
    client = client_of(password=PASSWORD, takes_any_certificate=True)
    server = Server(client, context_of(certificate, kind))
    server.exchange(server.begin(kind)[4])
    assert server.tell(CHALLENGE) == []
    assert server.plain == response_to(CHALLENGE, PASSWORD)
    assert server.tell(u32(0) + server_init())[0] == Connected(64, 48, "test")


@pytest.mark.parametrize("kind", [VeNCryptType.TLS_PLAIN, VeNCryptType.X509_PLAIN], ids=lambda k: k.name)
def test_with_user_and_password(certificate: Path, kind: VeNCryptType) -> None:
    client = client_of(user="ich", password=PASSWORD, takes_any_certificate=True)
    server = Server(client, context_of(certificate, kind))
    server.exchange(server.begin(kind)[4])
    assert server.plain == u32(3) + u32(6) + b"ichgeheim"
    assert server.tell(u32(0) + server_init())[0] == Connected(64, 48, "test")


@pytest.mark.parametrize("kind", [VeNCryptType.X509_NONE, VeNCryptType.X509_VNC], ids=lambda k: k.name)
def test_a_certificate_that_cannot_be_checked_is_not_taken(kind: VeNCryptType) -> None:
    """Whoever sits between us and the server has one too."""
    script = VERSION_8 + b"\1\x13" + b"\0\2" + b"\0\1" + u32(kind)
    with pytest.raises(AuthenticationFailed) as caught:
        events_of(client_of(password=PASSWORD), script)
    assert "ca-file=FILE" in str(caught.value)
    assert "any-certificate=yes" in str(caught.value)
    # of other things that are missing, certificates are no remedy
    script = VERSION_8 + b"\1\x13" + b"\0\2" + b"\0\1" + u32(VeNCryptType.X509_PLAIN)
    with pytest.raises(AuthenticationFailed) as caught:
        events_of(client_of(password=PASSWORD), script)
    assert "any-certificate" not in str(caught.value)


def test_rather_than_a_certificate_that_cannot_be_checked_none(certificate: Path) -> None:
    client = client_of()
    server = Server(client, context_of(certificate, VeNCryptType.TLS_NONE))
    assert server.begin(VeNCryptType.X509_NONE, VeNCryptType.TLS_NONE)[3] == u32(VeNCryptType.TLS_NONE)


def test_a_certificate_that_we_know(certificate: Path) -> None:
    client = client_of(authorities=next(certificate.glob("*.crt")).read_text(), server_name="vnc.test")
    server = Server(client, context_of(certificate, VeNCryptType.X509_NONE))
    server.exchange(server.begin(VeNCryptType.TLS_NONE, VeNCryptType.X509_NONE)[4])
    assert server.tell(u32(0) + server_init())[0] == Connected(64, 48, "test")


def test_a_certificate_that_we_do_not_know(certificate: Path, tmp_path: Path) -> None:
    load_or_create(tmp_path, "vnc.test", datetime.now(UTC))
    for ca_file, name in (
        (next(tmp_path.glob("*.crt")), "vnc.test"),
        (next(certificate.glob("*.crt")), "other.test"),
    ):
        client = client_of(authorities=ca_file.read_text(), server_name=name)
        server = Server(client, context_of(certificate, VeNCryptType.X509_NONE))
        first = server.begin(VeNCryptType.X509_NONE)[4]
        with pytest.raises(TlsFailed, match="certificate verify failed"):
            server.exchange(first)


def test_authorities_that_are_none() -> None:
    with pytest.raises(ValueError, match="no certificate in it"):
        RfbConfig(authorities="nothing").tls_context(VeNCryptType.X509_NONE)


def test_who_insists_on_a_certificate_takes_nothing_less(certificate: Path) -> None:
    authorities = next(certificate.glob("*.crt")).read_text()
    with pytest.raises(AuthenticationFailed, match="nothing with a certificate"):
        events_of(client_of(authorities=authorities), VERSION_8 + b"\1\1")
    script = VERSION_8 + b"\1\x13" + b"\0\2" + b"\0\1" + u32(VeNCryptType.TLS_NONE)
    with pytest.raises(AuthenticationFailed, match="offers TLS_NONE of VeNCrypt"):
        events_of(client_of(authorities=authorities), script)


def test_encryption_is_preferred() -> None:
    client = client_of(password=PASSWORD)
    events_of(client, VERSION_8 + b"\3\1\2\x13")
    assert client.data_to_send()[12:] == b"\x13"


@pytest.mark.parametrize(
    ("script", "error", "complaint"),
    [
        (b"\0\1", Exception, "0.1, 0.2 is the oldest"),
        (b"\0\2\1", AuthenticationFailed, "does not speak version 0.2"),
        (b"\0\2\0\0", AuthenticationFailed, "offers no type of VeNCrypt"),
        (b"\0\2\0\x41", LimitExceeded, "65, at most 64"),
        (b"\0\2\0\1" + u32(263), AuthenticationFailed, "offers UNKNOWN_0x107 of VeNCrypt"),
        (b"\0\2\0\1" + u32(257) + b"\0", AuthenticationFailed, "not ready for TLS_NONE"),
        (b"\0\2\0\1" + u32(257) + b"\1" + b"no TLS at all", TlsFailed, "TLS: "),
    ],
)
def test_what_goes_wrong(script: bytes, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        events_of(client_of(), VERSION_8 + b"\1\x13" + script)


def test_a_password_never_travels_in_the_clear() -> None:
    means = Means(has_user=True, has_password=True)
    assert choose_subtype([VeNCryptType.PLAIN], means) is None
    here = Means(has_user=True, has_password=True, is_local=True)
    assert choose_subtype([VeNCryptType.PLAIN], here) == VeNCryptType.PLAIN
    assert choose_subtype([VeNCryptType.PLAIN, VeNCryptType.TLS_VNC], here) == VeNCryptType.TLS_VNC


def test_plain_on_this_machine() -> None:
    client = client_of(user="ich", password=PASSWORD, is_local=True)
    script = VERSION_8 + b"\1\x13" + b"\0\2" + b"\0\1" + u32(VeNCryptType.PLAIN)
    events_of(client, script)
    assert client.data_to_send().endswith(u32(256) + u32(3) + u32(6) + b"ichgeheim")
