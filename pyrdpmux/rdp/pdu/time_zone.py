"""The client's time zone, as the Extended Info Packet carries it."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import Reader, Writer

TIME_ZONE_NAME_SIZE: Final = 64
MAX_TIME_ZONE_KEY_SIZE: Final = 254


@dataclass(frozen=True, slots=True)
class SystemTime:
    """MS-RDPBCGR 2.2.1.11.1.1.1.1.1 System Time (TS_SYSTEMTIME)."""

    year: int = 0
    month: int = 0
    day_of_week: int = 0
    day: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    milliseconds: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u16_le("wYear"),
            r.u16_le("wMonth"),
            r.u16_le("wDayOfWeek"),
            r.u16_le("wDay"),
            r.u16_le("wHour"),
            r.u16_le("wMinute"),
            r.u16_le("wSecond"),
            r.u16_le("wMilliseconds"),
        )

    def write(self, w: Writer) -> None:
        w.u16_le("wYear", self.year)
        w.u16_le("wMonth", self.month)
        w.u16_le("wDayOfWeek", self.day_of_week)
        w.u16_le("wDay", self.day)
        w.u16_le("wHour", self.hour)
        w.u16_le("wMinute", self.minute)
        w.u16_le("wSecond", self.second)
        w.u16_le("wMilliseconds", self.milliseconds)


@dataclass(frozen=True, slots=True)
class TimeZone:
    """MS-RDPBCGR 2.2.1.11.1.1.1.1 Time Zone Information (TS_TIME_ZONE_INFORMATION).

    Biases are minutes to add to local time to get UTC, negative east of Greenwich.
    """

    bias: int = 0
    standard_name: str = ""
    standard_date: SystemTime = SystemTime()
    standard_bias: int = 0
    daylight_name: str = ""
    daylight_date: SystemTime = SystemTime()
    daylight_bias: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.i32_le("Bias"),
            r.utf16_padded("StandardName", TIME_ZONE_NAME_SIZE),
            r.structure(SystemTime, "StandardDate"),
            r.i32_le("StandardBias"),
            r.utf16_padded("DaylightName", TIME_ZONE_NAME_SIZE),
            r.structure(SystemTime, "DaylightDate"),
            r.i32_le("DaylightBias"),
        )

    def write(self, w: Writer) -> None:
        w.i32_le("Bias", self.bias)
        w.utf16_padded("StandardName", self.standard_name, TIME_ZONE_NAME_SIZE)
        w.structure(self.standard_date, "StandardDate")
        w.i32_le("StandardBias", self.standard_bias)
        w.utf16_padded("DaylightName", self.daylight_name, TIME_ZONE_NAME_SIZE)
        w.structure(self.daylight_date, "DaylightDate")
        w.i32_le("DaylightBias", self.daylight_bias)


@dataclass(frozen=True, slots=True)
class DynamicTimeZone:
    """MS-RDPBCGR 2.2.1.11.1.1.1 dynamicDSTTimeZoneKeyName and dynamicDaylightTimeDisabled."""

    key_name: str = ""
    is_disabled: int | None = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        size = r.u16_le("cbDynamicDSTTimeZoneKeyName")
        if size > MAX_TIME_ZONE_KEY_SIZE:
            raise r.error("cbDynamicDSTTimeZoneKeyName", f"{size}, at most {MAX_TIME_ZONE_KEY_SIZE} allowed")
        key_name = r.utf16("dynamicDSTTimeZoneKeyName", size)
        return cls(key_name, r.u16_le("dynamicDaylightTimeDisabled") if r.remaining else None)

    def write(self, w: Writer) -> None:
        with w.length_u16_le("cbDynamicDSTTimeZoneKeyName"):
            w.utf16("dynamicDSTTimeZoneKeyName", self.key_name)
        if self.is_disabled is not None:
            w.u16_le("dynamicDaylightTimeDisabled", self.is_disabled)
