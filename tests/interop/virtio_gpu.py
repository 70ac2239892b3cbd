"""A guest's driver for a virtio-gpu with several outputs, beside a guest that only halts.

QEMU's qtest protocol lets a test read and write ports and memory of a machine, also of one that runs. The
device is the real one, as are its scanouts, its EDID and what its display tells listeners. Numbers are those
of the Virtual I/O Device (VIRTIO) Specification 1.2, sections 4.1.4 (PCI), 2.7 (split queues) and 5.7 (GPU).
"""

import base64
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.codec.color import Words
from pyrdpmux.harness.programs import wait_until

PATIENCE: Final = 60.0

CONFIG_ADDRESS: Final = 0xCF8
CONFIG_DATA: Final = 0xCFC
VIRTIO_GPU_ID: Final = 0x1050_1AF4
BAR: Final = 4
MEMORY_AND_MASTER: Final = 0x6
VENDOR_CAPABILITY: Final = 0x09
COMMON, NOTIFY = 1, 2

FEATURE_EDID: Final = 1 << 1
FEATURE_VERSION_1: Final = 1 << 32
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8

RING: Final = 0x10_0000
QUEUE_SIZE: Final = 8
REQUEST: Final = 0x20_0000
RESPONSE: Final = 0x21_0000
RESPONSE_SIZE: Final = 2048
BACKING: Final = 0x40_0000
BACKING_SIZE: Final = 0x40_0000
"""Of each output's picture; memory has 64 MiB."""

GET_DISPLAY_INFO, CREATE_2D, UNREF, SET_SCANOUT, FLUSH, TRANSFER, ATTACH = range(0x100, 0x107)
GET_EDID: Final = 0x10A
FIRST_OK: Final = 0x1100
FORMAT_BGRX: Final = 2
HEADER: Final = struct.Struct("<IIQII")

BOOT_SIGNATURE: Final = 0x7DFE
"""Where it is in memory, once a boot sector is loaded."""

#: cli, hlt, jump back
_HALT: Final = bytes.fromhex("FA F4 EBFD")


@dataclass(frozen=True)
class OutputInfo:
    """What the device would like an output to be. Where, QEMU 7.2 does not tell: always at (0, 0)."""

    width: int
    height: int
    is_enabled: bool


class VirtioGpu:
    """Drives the only virtio-gpu of a QEMU that was started with ``halting_guest``."""

    def __init__(self, folder: Path) -> None:
        path = _socket_path(folder)
        wait_until(path.exists, PATIENCE, "QEMU's qtest socket")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(os.fspath(path))
        self._lines = self._socket.makefile("rb")
        self._regions: dict[int, int] = {}
        self._notify_multiplier = 0
        self._count = 0
        self._resources: dict[int, int] = {}
        self._next_resource = 1
        try:
            wait_until(lambda: self._get(BOOT_SIGNATURE, "w") == 0xAA55, PATIENCE, "the firmware's end")
            self._find()
            self._begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    # -- what a guest does -----------------------------------------------------------------------

    def outputs(self) -> list[OutputInfo]:
        answer = self._command(GET_DISPLAY_INFO)
        found = [struct.unpack_from("<6I", answer, at * 24) for at in range(16)]
        return [OutputInfo(width, height, bool(enabled)) for _, _, width, height, enabled, _ in found]

    def pixels_per_inch(self, output: int) -> float:
        """By the EDID of its monitor: pixels of the preferred timing, and its size in millimeters."""
        answer = self._command(GET_EDID, struct.pack("<II", output, 0))
        timing = answer[8 + 54 : 8 + 72]
        width = timing[2] | (timing[4] & 0xF0) << 4
        width_mm = timing[12] | (timing[14] & 0xF0) << 4
        return width / (width_mm / 25.4)

    def show(self, output: int, picture: Words) -> None:
        """(height, width) uint32, from now on."""
        height, width = picture.shape
        resource, self._next_resource = self._next_resource, self._next_resource + 1
        address = BACKING + output * BACKING_SIZE
        self._command(CREATE_2D, struct.pack("<4I", resource, FORMAT_BGRX, width, height))
        self._command(ATTACH, struct.pack("<IIQII", resource, 1, address, width * height * 4, 0))
        self._write(address, picture.tobytes())
        area = struct.pack("<4I", 0, 0, width, height)
        self._command(TRANSFER, area + struct.pack("<QII", 0, resource, 0))
        self._command(SET_SCANOUT, area + struct.pack("<II", output, resource))
        self._command(FLUSH, area + struct.pack("<II", resource, 0))
        self._forget(output)
        self._resources[output] = resource

    def switch_off(self, output: int) -> None:
        self._command(SET_SCANOUT, struct.pack("<6I", 0, 0, 0, 0, output, 0))
        self._forget(output)

    def _forget(self, output: int) -> None:
        if (resource := self._resources.pop(output, None)) is not None:
            self._command(UNREF, struct.pack("<II", resource, 0))

    # -- the device ------------------------------------------------------------------------------

    def _find(self) -> None:
        slot = next(slot for slot in range(32) if self._config(slot, 0) == VIRTIO_GPU_ID)
        bar = self._config(slot, 0x10 + 4 * BAR) & ~0xF | self._config(slot, 0x14 + 4 * BAR) << 32
        self._set_config(slot, 0x04, MEMORY_AND_MASTER)
        at = self._config(slot, 0x34) & 0xFF
        while at:
            head = self._config(slot, at)
            if head & 0xFF == VENDOR_CAPABILITY and self._config(slot, at + 4) & 0xFF == BAR:
                kind = head >> 24
                self._regions[kind] = bar + self._config(slot, at + 8)
                if kind == NOTIFY:
                    self._notify_multiplier = self._config(slot, at + 16)
            at = head >> 8 & 0xFF

    def _begin(self) -> None:
        common = self._regions[COMMON]
        for status in (0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER):
            self._put(common + 20, "b", status)
        for half in (0, 1):
            self._put(common + 8, "l", half)
            self._put(common + 12, "l", (FEATURE_EDID | FEATURE_VERSION_1) >> 32 * half & 0xFFFFFFFF)
        self._put(common + 20, "b", ACKNOWLEDGE | DRIVER | FEATURES_OK)
        self._put(common + 22, "w", 0)
        self._put(common + 24, "w", QUEUE_SIZE)
        self._write(RING, bytes(0x3000))
        for place, offset in ((32, 0), (40, 0x1000), (48, 0x2000)):
            self._put(common + place, "l", RING + offset)
            self._put(common + place + 4, "l", 0)
        self._put(common + 28, "w", 1)
        self._put(common + 20, "b", ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)

    def _command(self, kind: int, body: bytes = b"") -> bytes:
        """What the device answers, without its header."""
        request = HEADER.pack(kind, 0, 0, 0, 0) + body
        self._write(REQUEST, request)
        self._write(RESPONSE, bytes(RESPONSE_SIZE))
        self._write(RING, struct.pack("<QIHH", REQUEST, len(request), 1, 1))
        self._write(RING + 16, struct.pack("<QIHH", RESPONSE, RESPONSE_SIZE, 2, 0))
        self._count += 1
        self._write(RING + 0x1000, struct.pack("<HH", 0, self._count & 0xFFFF) + bytes(2 * QUEUE_SIZE))
        self._put(self._regions[NOTIFY], "w", 0)
        wait_until(
            lambda: self._get(RING + 0x2002, "w") == self._count & 0xFFFF, PATIENCE, "an answer of the device"
        )
        answer = self._read(RESPONSE, RESPONSE_SIZE)
        [told] = struct.unpack_from("<I", answer)
        assert FIRST_OK <= told < FIRST_OK + 0x100, f"{kind:#x} is answered with {told:#x}"
        return answer[HEADER.size :]

    # -- the machine -----------------------------------------------------------------------------

    def _config(self, slot: int, offset: int) -> int:
        self._ask(f"outl {CONFIG_ADDRESS:#x} {0x8000_0000 | slot << 11 | offset & 0xFC:#x}")
        return int(self._ask(f"inl {CONFIG_DATA:#x}"), 16) >> 8 * (offset & 3)

    def _set_config(self, slot: int, offset: int, value: int) -> None:
        self._ask(f"outl {CONFIG_ADDRESS:#x} {0x8000_0000 | slot << 11 | offset:#x}")
        self._ask(f"outl {CONFIG_DATA:#x} {value:#x}")

    def _put(self, address: int, size: str, value: int) -> None:
        self._ask(f"write{size} {address:#x} {value:#x}")

    def _get(self, address: int, size: str) -> int:
        return int(self._ask(f"read{size} {address:#x}"), 16)

    def _write(self, address: int, data: bytes) -> None:
        self._ask(f"b64write {address:#x} {len(data):#x} {base64.b64encode(data).decode()}")

    def _read(self, address: int, size: int) -> bytes:
        return base64.b64decode(self._ask(f"b64read {address:#x} {size:#x}"))

    def _ask(self, line: str) -> str:
        self._socket.sendall(line.encode() + b"\n")
        answer = self._lines.readline().decode().split()
        assert answer[:1] == ["OK"], f"{line[:40]}: {answer}"
        return answer[1] if len(answer) > 1 else ""


def halting_guest(folder: Path) -> list[str]:
    """Options of a QEMU whose guest halts as soon as the firmware has done its work."""
    floppy = folder / "halt.img"
    floppy.write_bytes(_HALT.ljust(510, b"\0") + b"\x55\xaa" + bytes((1440 << 10) - 512))
    options = ["-qtest", f"unix:{_socket_path(folder)},server=on,wait=off", "-qtest-log", "/dev/null"]
    return [*options, "-drive", f"if=floppy,format=raw,file={floppy}", "-boot", "a"]


def _socket_path(folder: Path) -> Path:
    return folder / "qtest.sock"
