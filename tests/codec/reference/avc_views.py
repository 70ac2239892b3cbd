"""The two views of AVC444 and AVC444v2 (MS-RDPEGFX 3.3.8.3.2, 3.3.8.3.3), pixel by pixel from areas B1 to B9.

A plane is a dictionary from (x, y) to its value.
"""

Plane = dict[tuple[int, int], int]


def main_view(y: Plane, u: Plane, v: Plane, width: int, height: int) -> tuple[Plane, Plane, Plane]:
    halves = [(x, line) for line in range(height // 2) for x in range(width // 2)]
    chroma: list[Plane] = []
    for plane in (u, v):
        chroma.append({})
        for x, line in halves:
            four = [plane[2 * x + dx, 2 * line + dy] for dx in (0, 1) for dy in (0, 1)]
            chroma[-1][x, line] = (sum(four) + 2) // 4
    return dict(y), chroma[0], chroma[1]


def auxiliary_view(u: Plane, v: Plane, width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """AVC444: macroblock by macroblock."""
    luma: Plane = {}
    first: Plane = {}
    second: Plane = {}
    for top in range(0, height, 16):
        for left in range(0, width, 16):
            for y in range(8):
                for x in range(16):
                    luma[left + x, top + y] = u[left + x, top + 2 * y + 1]
                    luma[left + x, top + 8 + y] = v[left + x, top + 2 * y + 1]
                for x in range(8):
                    first[left // 2 + x, top // 2 + y] = u[left + 2 * x + 1, top + 2 * y]
                    second[left // 2 + x, top // 2 + y] = v[left + 2 * x + 1, top + 2 * y]
    return luma, first, second


def auxiliary_view_v2(u: Plane, v: Plane, width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """AVC444v2: the whole frame."""
    luma: Plane = {}
    first: Plane = {}
    second: Plane = {}
    for y in range(height):
        for x in range(width // 2):
            luma[x, y] = u[2 * x + 1, y]
            luma[width // 2 + x, y] = v[2 * x + 1, y]
    for y in range(height // 2):
        for x in range(width // 4):
            first[x, y] = u[4 * x, 2 * y + 1]
            first[width // 4 + x, y] = v[4 * x, 2 * y + 1]
            second[x, y] = u[4 * x + 2, 2 * y + 1]
            second[width // 4 + x, y] = v[4 * x + 2, 2 * y + 1]
    return luma, first, second
