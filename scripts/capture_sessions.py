"""Record real client sessions on loopback into fixtures/pcaps. Run as root: ``scripts/capture-sessions``.

One session is: a server on a small Xvfb, a client on another, tcpdump on lo between them, a short play of
keys and mouse, and an orderly end. Sessions pass our relay, which writes the TLS key log; of sessions with
standard RDP security the server's throwaway RSA key is kept.
"""

import argparse
import asyncio
import contextlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pyrdpmux.harness.capture.fixture import dissect_fixture, expected_path, transcript
from pyrdpmux.harness.display import Display
from pyrdpmux.harness.programs import Program, ProgramError, free_port
from pyrdpmux.harness.relay import Relay
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.demo.backend import DemoBackend
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.rdp.nla.accounts import Accounts

FIXTURES: Final = Path(__file__).resolve().parent.parent / "fixtures" / "pcaps"
GEOMETRY: Final = "640x480"
#: QUIRK(freerdp-shadow): does without encryption for clients from 127.0.0.1, so the relay calls from an
#: address that scripts/capture-sessions gives to the loopback device of its network namespace.
SOURCE: Final = "198.51.100.1"
TITLE: Final = "capture|rdesktop"
USER: Final = "alice"
PASSWORD: Final = "correct horse"
#: NT hash of PASSWORD: MD4 over its UTF-16LE form
NT_HASH: Final = "cfc43211ba8dc470832267827cac1407"
MAXIMUM_SIZE: Final = 300_000


@dataclass(frozen=True)
class Session:
    """What is recorded. The name of the files is made of it."""

    server: str
    security: str
    depth: int
    client: str = "xfreerdp"
    extra: str = ""
    options: tuple[str, ...] = ()
    ciphers: str | None = None
    tls_version: ssl.TLSVersion | None = None
    #: the demo VM changes its resolution at F1 to F9
    function_key: str = "F11"

    @property
    def name(self) -> str:
        words = [self.client, self.server, self.security, str(self.depth)]
        return "-".join([*words, self.extra] if self.extra else words)


def _sessions() -> list[Session]:
    matrix = [
        Session(server, security, depth)
        for server in ("shadow", "xrdp", "pyrdpmux")
        for security in ("tls", "nla", "rdp")
        for depth in (32, 24, 16)
        if (server, security) != ("xrdp", "nla")  # xrdp 0.9 has no NLA
    ]
    tls12 = ssl.TLSVersion.TLSv1_2
    return [
        *matrix,
        Session("xrdp", "tls", 15),
        Session("pyrdpmux", "tls", 16, extra="resize", function_key="F1"),
        Session("xrdp", "tls", 32, extra="slowpath", options=("-fast-path",)),
        Session("shadow", "tls", 16, extra="chacha20", ciphers="CHACHA20", tls_version=tls12),
        Session("shadow", "tls", 16, extra="tls12-cbc", ciphers="AES256-SHA", tls_version=tls12),
        Session("xrdp", "tls", 16, client="rdesktop"),
        Session("xrdp", "rdp", 16, client="rdesktop"),
        Session("shadow", "rdp", 32, extra="fips", options=("/encryption-methods:FIPS",)),
        Session("shadow", "rdp", 32, extra="rc4-56", options=("/encryption-methods:56",)),
        Session("shadow", "rdp", 32, extra="rc4-40", options=("/encryption-methods:40",)),
    ]


@dataclass(frozen=True)
class Server:
    """A running server and the keys it uses."""

    #: what it has said so far, for errors
    says: Callable[[], str]
    port: int
    certificate: Path
    private_key: Path
    #: (modulus, public exponent, private exponent) of standard RDP security
    rsa_key: tuple[int, int, int]


# -- servers -------------------------------------------------------------------------------------


@contextlib.contextmanager
def shadow_server(folder: Path, session: Session) -> Iterator[Server]:
    """freerdp-shadow-cli, showing a small display with a clock and a pair of eyes."""
    sam = folder / "sam"
    sam.write_text(f"{USER}:::{NT_HASH}:::\n", encoding="ascii")
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config"), "TZ": "UTC"}
    port = free_port()
    with Display(folder, f"{GEOMETRY}x24", "server-display") as display:
        display.command("xsetroot", "-solid", "#336699")
        argv = ["freerdp-shadow-cli", f"/port:{port}", "/bind-address:127.0.0.1", f"/sam-file:{sam}"]
        argv += ["+auth", "/sec:nla"] if session.security == "nla" else ["-auth"]
        with (
            display.start(["xeyes", "-geometry", "160x120+40+40"], folder / "xeyes.log"),
            display.start(["xterm", "-geometry", "50x12+220+200"], folder / "xterm.log"),
            display.start(argv, folder / "shadow.log", **home) as program,
        ):
            display.wait_for_window("xterm|root|#|@")
            program.wait_for_port(port)
            keys = folder / ".config" / "freerdp" / "shadow"
            key = load_pem_private_key((keys / "shadow.key").read_bytes(), None)
            if not isinstance(key, RSAPrivateKey):
                raise ProgramError("freerdp-shadow-cli made a key that is not RSA")
            numbers = key.private_numbers()
            rsa = (numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)
            yield Server(lambda: program.output, port, keys / "shadow.crt", keys / "shadow.key", rsa)


@contextlib.contextmanager
def xrdp_server(folder: Path, session: Session) -> Iterator[Server]:
    """xrdp with its login dialog; /etc/xrdp is replaced by a copy in a mount namespace of its own."""
    config = folder / "xrdp"
    shutil.copytree("/etc/xrdp", config, symlinks=True)
    for stale in ("rsakeys.ini", "cert.pem", "key.pem"):
        (config / stale).unlink(missing_ok=True)
    _run("xrdp-keygen", "xrdp", str(config / "rsakeys.ini"), "2048")
    certificate, private_key = config / "cert.pem", config / "key.pem"
    _run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=xrdp",
         "-keyout", str(private_key), "-out", str(certificate))  # fmt: skip
    port = free_port()
    settings = {
        "port": f"tcp://127.0.0.1:{port}",
        "security_layer": "tls" if session.security == "tls" else "rdp",
        "certificate": str(certificate),
        "key_file": str(private_key),
        # QUIRK(xfreerdp 2.11): salts its MACs from the first packet on, which xrdp 0.9 cannot check; FIPS
        # has no salted form.
        "crypt_level": "fips" if session.client == "xfreerdp" else "high",
    }
    lines = (config / "xrdp.ini").read_text(encoding="utf-8").splitlines()
    before, after = lines[: lines.index("[Logging]")], lines[lines.index("[Logging]") :]
    edited = [line for line in before if line.split("=")[0] not in settings]
    edited += [f"{key}={value}" for key, value in settings.items()]
    after = [f"LogFile={folder / 'xrdp.log'}" if line.startswith("LogFile=") else line for line in after]
    (config / "xrdp.ini").write_text("\n".join([*edited, *after]) + "\n", encoding="utf-8")
    script = f'mount --bind {config} /etc/xrdp && exec xrdp --nodaemon --config "$0"'
    argv = ["unshare", "--mount", "sh", "-c", script, "/etc/xrdp/xrdp.ini"]
    with Program(argv, folder / "xrdp.out") as program:
        program.wait_for_port(port)
        yield Server(
            lambda: program.output + _text(folder / "xrdp.log"),
            port,
            certificate,
            private_key,
            _xrdp_rsa_key(config / "rsakeys.ini"),
        )


def _xrdp_rsa_key(path: Path) -> tuple[int, int, int]:
    values = {}
    for line in path.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition("=")
        values[name] = int.from_bytes(bytes(int(byte, 16) for byte in value.split(",") if byte), "little")
    return values["pub_mod"], values["pub_exp"], values["pri_exp"]


@contextlib.contextmanager
def pyrdpmux_server(folder: Path, _session: Session) -> Iterator[Server]:
    """Our own daemon with the demo VM, in a thread, because its RSA key is nowhere but in memory."""
    config = Config(
        port=free_port(), state_dir=folder, security=SecuritySettings(nla=True, tls=True, rdp=True)
    )
    accounts = Accounts().with_password(USER, "", PASSWORD)
    factory = ConnectionFactory(config, accounts=accounts)
    daemon = Daemon(config, factory, [DemoBackend()])
    policy = factory.policy("demo")
    assert policy.certificate is not None
    assert policy.standard is not None
    key = policy.standard.key
    loop = asyncio.new_event_loop()
    stop, ready = asyncio.Event(), threading.Event()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(daemon.run(stop, ready.set),), daemon=True
    )
    thread.start()
    try:
        if not ready.wait(20.0):
            raise ProgramError("our daemon is not ready within 20 s")
        [console] = daemon.registry.consoles
        files = (policy.certificate.certificate_path, policy.certificate.key_path)
        rsa = (key.public.modulus, key.public.exponent, key.private_exponent)
        yield Server(lambda: "", console.port, *files, rsa)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20.0)
        loop.close()


SERVERS: Final = {"shadow": shadow_server, "xrdp": xrdp_server, "pyrdpmux": pyrdpmux_server}


# -- clients -------------------------------------------------------------------------------------


def client_command(session: Session, port: int) -> list[str]:
    if session.client == "rdesktop":
        return ["rdesktop", "-u", USER, "-p", PASSWORD, "-a", str(session.depth), "-g", GEOMETRY,
                *session.options, f"127.0.0.1:{port}"]  # fmt: skip
    return ["xfreerdp", f"/v:127.0.0.1:{port}", f"/u:{USER}", f"/p:{PASSWORD}", f"/sec:{session.security}",
            f"/bpp:{session.depth}", f"/size:{GEOMETRY}", "/cert:ignore", "/t:capture",
            "-wallpaper", "-compression", *session.options]  # fmt: skip


def play(session: Session, display: Display, client: Program) -> int:
    """What the person at the client does; returns the client's window."""
    windows: list[int] = []

    def appeared() -> bool:
        windows[:] = display.windows(TITLE)
        return bool(windows)

    client.wait_until(appeared, 20.0, "waiting for its window")
    window = windows[0]
    display.focus(window)
    time.sleep(0.6)
    for x, y in ((60, 60), (300, 250), (320, 260), (600, 400)):
        display.move(window, x, y)
        time.sleep(0.05)
    display.move(window, 330, 260)
    for button in (1, 2, 3, 4, 5):
        display.button(button)
    display.key(session.function_key)
    display.type("Echo 42")
    for key in ("Left", "BackSpace", "shift+Tab", "KP_Enter", "Super_L", "Pause"):
        display.key(key)
    time.sleep(0.5)
    if not client.is_running:
        raise client.failure("ended before the play did")
    return window


def close(display: Display, client: Program, window: int) -> None:
    """End the session by closing the client's window, so that the capture has an end as well."""
    display.xdotool("windowclose", str(window))
    with contextlib.suppress(ProgramError):
        client.wait(3.0)


# -- recording -----------------------------------------------------------------------------------


def record(session: Session, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="capture-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(SERVERS[session.server](folder, session))
        keys = folder / "keys"
        tls = (server.certificate, server.private_key, keys, session.ciphers, session.tls_version)
        port = stack.enter_context(Relay(server.port, *tls, source=SOURCE)).port
        display = stack.enter_context(Display(folder, "800x600x24", "client-display"))
        pcap = folder / "pcap"
        argv = ["tcpdump", "-i", "lo", "-U", "-Z", "root", "-s", "0", "-w", str(pcap), f"tcp port {port}"]
        dump = stack.enter_context(Program(argv, folder / "tcpdump.log"))
        dump.wait_for_output("listening on lo", 10.0)
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "client-config")}
        client = stack.enter_context(
            # rdesktop asks whether it may trust the certificate.
            display.start(client_command(session, port), folder / "client.log", stdin="yes\n", **home)
        )
        try:
            window = play(session, display, client)
        except ProgramError as error:
            raise ProgramError(f"{error}\n--- the server says:\n{server.says()}") from None
        close(display, client, window)
        client.stop()
        time.sleep(0.3)
        dump.stop()
        _keep(session, pcap, keys, server, target)


def _keep(session: Session, pcap: Path, keys: Path, server: Server, target: Path) -> None:
    size = pcap.stat().st_size
    if size > MAXIMUM_SIZE:
        raise ProgramError(f"{session.name}: {size} bytes, more than {MAXIMUM_SIZE}")
    shutil.copyfile(pcap, target / f"{session.name}.pcap")
    if session.security == "rdp":
        names = ("modulus", "public_exponent", "private_exponent")
        text = "".join(f"{name} {value:x}\n" for name, value in zip(names, server.rsa_key, strict=True))
        (target / f"{session.name}.rsakey").write_text(text, encoding="ascii")
    else:
        lines = [line for line in keys.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
        (target / f"{session.name}.keys").write_text("\n".join(lines) + "\n", encoding="ascii")
    write_expected(target / f"{session.name}.pcap")
    print(f"{session.name}: {size} bytes", flush=True)


def write_expected(pcap: Path) -> None:
    """What the replay tests compare with; to be read before it is committed."""
    expected_path(pcap).write_text(transcript(dissect_fixture(pcap)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="sessions to record (a part of the name is enough)")
    parser.add_argument("--target", type=Path, default=FIXTURES)
    parser.add_argument("--list", action="store_true", help="only print the names")
    parser.add_argument(
        "--expected", action="store_true", help="record nothing, write NAME.expected.txt anew"
    )
    options = parser.parse_args()
    if options.expected:
        for pcap in sorted(options.target.glob("*.pcap")):
            write_expected(pcap)
        return 0
    chosen = [s for s in _sessions() if not options.names or any(part in s.name for part in options.names)]
    if options.list:
        print("\n".join(session.name for session in chosen))
        return 0
    failed = 0
    for session in chosen:
        try:
            record(session, options.target)
        except (ProgramError, subprocess.CalledProcessError) as error:
            failed += 1
            print(f"{session.name}: {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
