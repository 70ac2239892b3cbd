"""Where a VNC server is and how it lets us in: ``unix:/run/vm.vnc``, ``host:5901,password-file=...``."""

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.files.private_file import read_private
from pyrdpmux.rfb.config import RfbConfig, load_authorities
from pyrdpmux.rfb.encodings import FAR, NEAR, PSEUDO_ENCODINGS, Encoding
from pyrdpmux.wire.secret import Secret

MAX_CA_FILE: Final = 1 << 20
FIRST_PORT: Final = 5900
OPTIONS: Final = ("password-file", "user", "ca-file", "any-certificate", "encoding")
ENCODINGS: Final = {encoding.name.lower(): encoding for encoding in FAR if encoding != Encoding.COPY_RECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class VncTarget:
    """A server's address and options."""

    #: a socket; None: host and port
    path: Path | None = None
    host: str = ""
    port: int = 0
    #: its first line is the password; read anew for each connection
    password_file: Path | None = None
    user: str = ""
    ca_file: Path | None = None
    takes_any_certificate: bool = False
    #: preferred to what we would choose
    encoding: Encoding | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """On this machine."""
        if self.path is not None or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def rfb_config(self) -> RfbConfig:
        """Reads files. Raises BackendError if that of the password or of the authorities cannot be used."""
        return RfbConfig(
            encodings=(*self._encodings(), *PSEUDO_ENCODINGS),
            user=self.user,
            password=self._password(),
            authorities=self._authorities(),
            takes_any_certificate=self.takes_any_certificate,
            server_name=self.host or None,
            is_local=self.is_local,
        )

    def _encodings(self) -> tuple[Encoding, ...]:
        """The best first."""
        if self.encoding is Encoding.RAW:
            return NEAR
        preferred = (self.encoding,) if self.encoding is not None else ()
        return (Encoding.COPY_RECT, *preferred, *(NEAR if self.is_local else FAR)[1:])

    def _authorities(self) -> str | None:
        if self.ca_file is None:
            return None
        try:
            with self.ca_file.open("rb") as file:
                pem = file.read(MAX_CA_FILE).decode("ascii", "replace")
            load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)
        except OSError as error:
            raise BackendError(f"{self.ca_file}: {error.strerror or error}") from error
        except ValueError as error:
            raise BackendError(f"{self.ca_file}: {error}") from error
        return pem

    def password_version(self) -> tuple[int, int, int] | None:
        """Another value when the password file has become another one; None where there is none."""
        try:
            status = self.password_file.stat() if self.password_file is not None else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size) if status is not None else None

    def _password(self) -> Secret[str] | None:
        """Of a file that others may not read."""
        if self.password_file is None:
            return None
        try:
            line = read_private(self.password_file).partition(b"\n")[0]
        except ConfigError as error:
            raise BackendError(str(error)) from error
        return Secret(line.rstrip(b"\r").decode("utf-8", "replace"))


def parse_target(text: str, directory: Path = Path()) -> VncTarget:
    """Raises ConfigError. Relative paths start at ``directory``."""
    address, *options = text.split(",")
    given: dict[str, str] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if key not in OPTIONS or not equals or not value:
            raise ConfigError(f"{text!r}: {option!r}, expected {' or '.join([f'{o}=' for o in OPTIONS])}")
        given[key] = value
    encoding = given.get("encoding")
    if encoding is not None and encoding not in ENCODINGS:
        raise ConfigError(f"{text!r}: encoding {encoding!r}, expected {' or '.join(ENCODINGS)}")
    takes_any_certificate = given.get("any-certificate", "no") == "yes"
    if given.get("any-certificate", "no") not in ("yes", "no"):
        raise ConfigError(f"{text!r}: any-certificate {given['any-certificate']!r}, expected yes or no")
    if takes_any_certificate and "ca-file" in given:
        raise ConfigError(f"{text!r}: any-certificate=yes and a ca-file, expected one of them")
    path, host, port = _parse_address(text, address)
    return VncTarget(
        path=directory / path if path else None,
        host=host,
        port=port,
        password_file=directory / given["password-file"] if "password-file" in given else None,
        user=given.get("user", ""),
        ca_file=directory / given["ca-file"] if "ca-file" in given else None,
        takes_any_certificate=takes_any_certificate,
        encoding=ENCODINGS[encoding] if encoding is not None else None,
    )


def _parse_address(text: str, address: str) -> tuple[str, str, int]:
    """Path, or host and port."""
    if address.startswith("unix:"):
        if not address.removeprefix("unix:"):
            raise ConfigError(f"{text!r}: expected unix:/path/of/the/socket")
        return address.removeprefix("unix:"), "", 0
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ConfigError(f"{text!r}: expected HOST:PORT or unix:/path/of/the/socket")
    if int(port) < 100:
        raise ConfigError(f"{text!r}: display {port} is port {FIRST_PORT + int(port)}: write that")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise ConfigError(f"{text!r}: no host")
    return "", host, int(port)
