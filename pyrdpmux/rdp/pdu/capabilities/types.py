"""The numbers of the capability sets; each class has its own as ``TYPE``."""

from pyrdpmux.wire import OpenIntEnum


class CapabilitySetType(OpenIntEnum):
    """capabilitySetType of MS-RDPBCGR 2.2.1.13.1.1.1."""

    GENERAL = 0x01
    BITMAP = 0x02
    ORDER = 0x03
    BITMAP_CACHE = 0x04
    CONTROL = 0x05
    ACTIVATION = 0x07
    POINTER = 0x08
    SHARE = 0x09
    COLOR_CACHE = 0x0A
    SOUND = 0x0C
    INPUT = 0x0D
    FONT = 0x0E
    BRUSH = 0x0F
    GLYPH_CACHE = 0x10
    OFFSCREEN_CACHE = 0x11
    BITMAP_CACHE_HOST_SUPPORT = 0x12
    BITMAP_CACHE_REV2 = 0x13
    VIRTUAL_CHANNEL = 0x14
    DRAW_NINE_GRID_CACHE = 0x15
    DRAW_GDI_PLUS = 0x16
    RAIL = 0x17
    WINDOW = 0x18
    DESKTOP_COMPOSITION = 0x19
    MULTIFRAGMENT_UPDATE = 0x1A
    LARGE_POINTER = 0x1B
    SURFACE_COMMANDS = 0x1C
    BITMAP_CODECS = 0x1D
    FRAME_ACKNOWLEDGE = 0x1E
