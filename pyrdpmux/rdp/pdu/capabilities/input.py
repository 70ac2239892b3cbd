"""Keyboard, mouse, pointer shapes and the beep."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntFlag, Reader, Writer

IME_FILE_NAME_SIZE: Final = 64


class InputFlags(OpenIntFlag):
    """inputFlags of MS-RDPBCGR 2.2.7.1.6."""

    SCANCODES = 0x0001
    MOUSEX = 0x0004
    FASTPATH_INPUT = 0x0008
    UNICODE = 0x0010
    FASTPATH_INPUT2 = 0x0020
    UNUSED1 = 0x0040
    MOUSE_RELATIVE = 0x0080
    MOUSE_HWHEEL = 0x0100
    QOE_TIMESTAMPS = 0x0200


class LargePointerFlags(OpenIntFlag):
    """largePointerSupportFlags of MS-RDPBCGR 2.2.7.2.7."""

    UP_TO_96X96 = 0x0001
    UP_TO_384X384 = 0x0002


@dataclass(frozen=True, slots=True)
class InputCapability:
    """MS-RDPBCGR 2.2.7.1.6 Input Capability Set (TS_INPUT_CAPABILITYSET).

    ``ime_file_name`` is the fixed field up to its null; None where the sender left the field out.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.INPUT

    input_flags: InputFlags
    keyboard_layout: int = 0
    keyboard_type: int = 0
    keyboard_sub_type: int = 0
    keyboard_function_key: int = 0
    ime_file_name: str | None = ""

    @classmethod
    def read(cls, r: Reader) -> Self:
        input_flags = InputFlags(r.u16_le("inputFlags"))
        r.pad("pad2octetsA", 2)
        keyboard_layout = r.u32_le("keyboardLayout")
        keyboard_type = r.u32_le("keyboardType")
        keyboard_sub_type = r.u32_le("keyboardSubType")
        keyboard_function_key = r.u32_le("keyboardFunctionKey")
        ime_file_name = r.utf16_padded("imeFileName", IME_FILE_NAME_SIZE) if r.remaining else None
        return cls(
            input_flags,
            keyboard_layout,
            keyboard_type,
            keyboard_sub_type,
            keyboard_function_key,
            ime_file_name,
        )

    def write(self, w: Writer) -> None:
        w.u16_le("inputFlags", self.input_flags)
        w.pad("pad2octetsA", 2)
        w.u32_le("keyboardLayout", self.keyboard_layout)
        w.u32_le("keyboardType", self.keyboard_type)
        w.u32_le("keyboardSubType", self.keyboard_sub_type)
        w.u32_le("keyboardFunctionKey", self.keyboard_function_key)
        if self.ime_file_name is not None:
            w.utf16_padded("imeFileName", self.ime_file_name, IME_FILE_NAME_SIZE)


@dataclass(frozen=True, slots=True)
class PointerCapability:
    """MS-RDPBCGR 2.2.7.1.5 Pointer Capability Set (TS_POINTER_CAPABILITYSET).

    Without ``pointer_cache_size`` (or with zero) the New Pointer Update must not be sent.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.POINTER

    color_pointer_flag: int = 1
    color_pointer_cache_size: int = 25
    pointer_cache_size: int | None = 25

    @classmethod
    def read(cls, r: Reader) -> Self:
        color_pointer_flag = r.u16_le("colorPointerFlag")
        color_pointer_cache_size = r.u16_le("colorPointerCacheSize")
        pointer_cache_size = r.u16_le("pointerCacheSize") if r.remaining else None
        return cls(color_pointer_flag, color_pointer_cache_size, pointer_cache_size)

    def write(self, w: Writer) -> None:
        w.u16_le("colorPointerFlag", self.color_pointer_flag)
        w.u16_le("colorPointerCacheSize", self.color_pointer_cache_size)
        if self.pointer_cache_size is not None:
            w.u16_le("pointerCacheSize", self.pointer_cache_size)


@dataclass(frozen=True, slots=True)
class LargePointerCapability:
    """MS-RDPBCGR 2.2.7.2.7 Large Pointer Capability Set (TS_LARGE_POINTER_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.LARGE_POINTER

    flags: LargePointerFlags

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(LargePointerFlags(r.u16_le("largePointerSupportFlags")))

    def write(self, w: Writer) -> None:
        w.u16_le("largePointerSupportFlags", self.flags)


@dataclass(frozen=True, slots=True)
class SoundCapability:
    """MS-RDPBCGR 2.2.7.1.11 Sound Capability Set (TS_SOUND_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.SOUND

    sound_flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        sound_flags = r.u16_le("soundFlags")
        r.pad("pad2octetsA", 2)
        return cls(sound_flags)

    def write(self, w: Writer) -> None:
        w.u16_le("soundFlags", self.sound_flags)
        w.pad("pad2octetsA", 2)
