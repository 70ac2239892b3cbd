"""Addresses of VNC servers as people write them."""

from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.vnc.target import VncTarget, parse_target
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.wire.secret import Secret


@pytest.mark.parametrize(
    ("text", "target", "shown", "is_local"),
    [
        ("unix:/run/vm.vnc", VncTarget(path=Path("/run/vm.vnc")), "unix:/run/vm.vnc", True),
        ("unix:vm.vnc", VncTarget(path=Path("/etc/vm.vnc")), "unix:/etc/vm.vnc", True),
        ("localhost:5900", VncTarget(host="localhost", port=5900), "localhost:5900", True),
        ("127.0.0.2:5901", VncTarget(host="127.0.0.2", port=5901), "127.0.0.2:5901", True),
        ("[::1]:5901", VncTarget(host="::1", port=5901), "[::1]:5901", True),
        ("vnc.test:5901", VncTarget(host="vnc.test", port=5901), "vnc.test:5901", False),
        (
            "vnc.test:5901,any-certificate=yes",
            VncTarget(host="vnc.test", port=5901, takes_any_certificate=True),
            "vnc.test:5901",
            False,
        ),
        ("vnc.test:5901,any-certificate=no", VncTarget(host="vnc.test", port=5901), "vnc.test:5901", False),
        (
            "192.0.2.1:5901,password-file=pw,user=me,ca-file=/ca.pem,encoding=zrle",
            VncTarget(
                host="192.0.2.1",
                port=5901,
                password_file=Path("/etc/pw"),
                user="me",
                ca_file=Path("/ca.pem"),
                encoding=Encoding.ZRLE,
            ),
            "192.0.2.1:5901",
            False,
        ),
    ],
)
def test_addresses(text: str, target: VncTarget, shown: str, is_local: bool) -> None:
    assert parse_target(text, Path("/etc")) == target
    assert str(target) == shown
    assert target.is_local is is_local


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected HOST:PORT or unix:/path"),
        ("host", "expected HOST:PORT or unix:/path"),
        ("host:port", "expected HOST:PORT or unix:/path"),
        ("host:65536", "expected HOST:PORT or unix:/path"),
        ("host:²", "expected HOST:PORT or unix:/path"),
        ("host:1", "display 1 is port 5901: write that"),
        (":5900", "no host"),
        ("unix:", "expected unix:/path"),
        ("host:5900,password=x", "'password=x', expected password-file= or user="),
        ("host:5900,user=", "'user=', expected"),
        ("host:5900,encoding=tight", "encoding 'tight', expected"),
        ("host:5900,any-certificate=maybe", "any-certificate 'maybe', expected yes or no"),
        ("host:5900,any-certificate=yes,ca-file=x", "expected one of them"),
    ],
)
def test_what_is_no_address(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_target(text)


def test_the_password_is_read_for_each_connection(tmp_path: Path) -> None:
    target = parse_target(f"vnc.test:5900,password-file={tmp_path}/pw")
    with pytest.raises(BackendError, match="No such file"):
        target.rfb_config()
    for content, password in ((b"one\n", "one"), (b"two\r\nmore\n", "two"), (b"three", "three")):
        (tmp_path / "pw").write_bytes(content)
        (tmp_path / "pw").chmod(0o600)
        assert target.rfb_config().password == Secret(password)


def test_a_password_that_others_may_read_is_none(tmp_path: Path) -> None:
    target = parse_target(f"vnc.test:5900,password-file={tmp_path}/pw")
    (tmp_path / "pw").write_bytes(b"secret\n")
    (tmp_path / "pw").chmod(0o644)
    with pytest.raises(BackendError, match="mode 0644, everybody may read it: run `chmod"):
        target.rfb_config()


def test_encodings_depend_on_the_distance() -> None:
    def encodings(text: str) -> tuple[int, ...]:
        """But for those that are none."""
        return tuple(code for code in parse_target(text).rfb_config().encodings if 0 <= code < 0x1000)

    assert encodings("vnc.test:5900")[:2] == (Encoding.COPY_RECT, Encoding.ZRLE)
    assert encodings("vnc.test:5900,encoding=hextile")[:2] == (Encoding.COPY_RECT, Encoding.HEXTILE)
    assert encodings("unix:/x,encoding=hextile") == (Encoding.COPY_RECT, Encoding.HEXTILE, Encoding.RAW)


@pytest.mark.parametrize("text", ["unix:/x", "127.0.0.1:5901", "vnc.test:5900,encoding=raw"])
def test_a_server_that_is_to_send_raw_pixels_is_offered_nothing_else(text: str) -> None:
    """QUIRK(Xtigervnc 1.12): prefers ZRLE or Hextile to raw wherever they are in the list."""
    encodings = parse_target(text).rfb_config().encodings
    assert [code for code in encodings if 0 <= code < 0x1000] == [Encoding.COPY_RECT, Encoding.RAW]


def test_a_certificate_that_nobody_can_check_is_taken_if_it_is_said() -> None:
    assert not parse_target("vnc.test:5900").rfb_config().means.takes_certificate
    assert parse_target("vnc.test:5900,any-certificate=yes").rfb_config().means.takes_certificate
    assert RfbConfig(authorities="of a file").means.takes_certificate


def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name, complaint in (("ca.pem", "no certificate in it"), ("other.pem", "No such file")):
        target = parse_target(f"vnc.test:5900,ca-file={name}", tmp_path)
        with pytest.raises(BackendError, match=f"{name}: {complaint}"):
            target.rfb_config()
