"""The picture of the compliance report: a PNG that any reader takes, with bars as high as the numbers say."""

import struct
import zlib
from datetime import date, timedelta

from streams.cli.compliance_chart import compliance_png

TODAY = date(2026, 11, 23)
WHITE = (255, 255, 255)


def points(png: bytes) -> list[list[tuple[int, int, int]]]:
    """The rows of points, read from the file's own parts; every part's checksum is right."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size]) == (zlib.crc32(name + content),)
        parts[name] = content
        at += 12 + size
    width, height, bits, kind, *_ = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (bits, kind, list(parts)) == (8, 2, [b"IHDR", b"IDAT", b"IEND"])
    raw = zlib.decompress(parts[b"IDAT"])
    assert len(raw) == height * (3 * width + 1)
    rows = [raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)] for y in range(height)]
    return [[tuple(row[3 * x : 3 * x + 3]) for x in range(width)] for row in rows]


def row(days_ago: int, category: str, found: int, resolved: int) -> dict[str, object]:
    day = TODAY - timedelta(days=days_ago)
    return {"day": day, "category": category, "violation_count": found, "resolved_count": resolved}


def test_bars_are_as_high_as_the_numbers() -> None:
    picture = points(compliance_png([row(0, "clock", 400, 100), row(3, "naming", 200, 0)], 6, TODAY))
    colours: dict[tuple[int, int, int], int] = {}
    for y in range(60, 490):
        for colour in picture[y][90:980]:
            colours[colour] = colours.get(colour, 0) + 1
    # Besides white and the grid: clock open, clock resolved, naming open.
    bars = sorted((count for colour, count in colours.items() if colour not in (WHITE, (222, 222, 222))), reverse=True)
    assert len(bars) == 3
    assert [round(count / bars[2], 1) for count in bars] == [3.0, 2.0, 1.0]


def test_nothing_to_show_is_a_picture_too() -> None:
    assert len(points(compliance_png([], 30, TODAY))) == 560
