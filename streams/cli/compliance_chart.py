"""The compliance report as a picture: a bar a day, its violations by category, the resolved ones in a lighter shade."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from streams.cli.terminal import plain

Colour = tuple[int, int, int]

_WIDTH, _HEIGHT = 1280, 560
_LEFT, _TOP, _BOTTOM = 90, 60, 70
_LEGEND = 300
_INK: Colour = (40, 40, 40)
_GRID: Colour = (222, 222, 222)
_COLOURS: tuple[Colour, ...] = (
    (31, 119, 180), (214, 96, 20), (44, 140, 44), (190, 40, 40), (128, 90, 170), (120, 80, 70), (200, 90, 170),
    (90, 90, 90), (150, 150, 30), (20, 150, 165),
)  # fmt: skip
_MOST_NAMED = 12
_DAY_WIDTH = 48


class _Picture:
    """A white picture that boxes and lines of text are put on."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self._image)

    def box(self, left: int, top: int, width: int, height: int, colour: Colour) -> None:
        if width > 0 and height > 0:
            self._draw.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)

    def text(self, left: int, top: int, text: str, *, size: int = 14, anchor: str = "la") -> None:
        self._draw.text((left, top), text, fill=_INK, font=ImageFont.load_default(size), anchor=anchor)

    def png(self) -> bytes:
        file = BytesIO()
        self._image.save(file, "PNG", optimize=True)
        return file.getvalue()


def compliance_png(rows: Sequence[Mapping[str, Any]], days: int, today: date) -> bytes:
    """The rows of `reports.compliance` as a PNG; days without violations have no bar."""
    totals: dict[str, int] = defaultdict(int)
    by_day: dict[date, list[tuple[str, int, int]]] = defaultdict(list)
    for row in rows:
        found, resolved = int(row["violation_count"]), int(row["resolved_count"])
        totals[row["category"]] += found
        by_day[row["day"]].append((row["category"], found, resolved))
    categories = sorted(totals, key=lambda name: (-totals[name], name))
    colour_of = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(categories)}
    picture = _Picture(_WIDTH, _HEIGHT)
    picture.text(_LEFT, 16, f"Violations of the last {days} days, to {today} (UTC)", size=24)
    most = _round_up(max((sum(found for _, found, _ in parts) for parts in by_day.values()), default=1))
    _axis(picture, most)
    first = min([today - timedelta(days=days), *by_day])
    shown = [first + timedelta(days=place) for place in range((today - first).days + 1)]
    _bars(picture, shown, by_day, colour_of, most)
    _legend(picture, categories, totals, colour_of, sum(int(row["resolved_count"]) for row in rows))
    return picture.png()


def _axis(picture: _Picture, most: int) -> None:
    for part in range(5):
        value, y = most * part // 4, _y(most * part // 4, most)
        picture.box(_LEFT, y, _WIDTH - _LEGEND - _LEFT, 1, _GRID)
        label = f"{value:,}"
        picture.text(_LEFT - 8, y - 7, label, anchor="ra")


def _bars(
    picture: _Picture,
    shown: Sequence[date],
    by_day: Mapping[date, Sequence[tuple[str, int, int]]],
    colour_of: Mapping[str, Colour],
    most: int,
) -> None:
    order = list(colour_of)
    width = (_WIDTH - _LEGEND - _LEFT) / len(shown)
    every = -(-len(shown) * _DAY_WIDTH // (_WIDTH - _LEGEND - _LEFT))
    for place, day in enumerate(shown):
        left, right = _LEFT + round(place * width), _LEFT + round((place + 1) * width)
        below = 0
        for category, found, resolved in sorted(by_day.get(day, ()), key=lambda part: order.index(part[0])):
            colour = colour_of[category]
            for count, shade in ((found - resolved, colour), (resolved, _lighter(colour))):
                top, base = _y(below + count, most), _y(below, most)
                picture.box(left + 1, top, max(1, right - left - 2), base - top, shade)
                below += count
        if place % every == 0:
            picture.text(left, _HEIGHT - _BOTTOM + 10, f"{day:%m-%d}")


def _legend(
    picture: _Picture,
    categories: Sequence[str],
    totals: Mapping[str, int],
    colour_of: Mapping[str, Colour],
    resolved: int,
) -> None:
    left, top = _WIDTH - _LEGEND + 24, _TOP
    for category in categories[:_MOST_NAMED]:
        picture.box(left, top, 12, 12, colour_of[category])
        picture.text(left + 20, top - 2, f"{plain(category)[:26]} {totals[category]:,}")
        top += 22
    if len(categories) > _MOST_NAMED:
        picture.text(left + 20, top - 2, f"and {len(categories) - _MOST_NAMED} more categories")
        top += 22
    found = sum(totals.values())
    share = f"{100 * resolved / found:.1f} %" if found else "none"
    picture.text(left, top + 14, f"{found:,} violations")
    picture.text(left, top + 32, f"{resolved:,} resolved ({share}), lighter")


def _lighter(colour: Colour) -> Colour:
    red, green, blue = ((part + 2 * 255) // 3 for part in colour)
    return red, green, blue


def _y(value: int, most: int) -> int:
    return _HEIGHT - _BOTTOM - round((_HEIGHT - _BOTTOM - _TOP) * value / most)


def _round_up(value: int) -> int:
    """The next number of one digit and noughts that four parts divide."""
    step = 4
    while step * 25 < value:
        step *= 10
    return max(4, -(-value // step) * step)
