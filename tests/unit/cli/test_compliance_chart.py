"""The picture of the compliance report: a PNG that any reader takes, with bars as high as the numbers say."""

from datetime import date, timedelta
from io import BytesIO

from PIL import Image

from streams.cli.compliance_chart import compliance_png

TODAY = date(2026, 11, 23)
WHITE = (255, 255, 255)


def points(png: bytes) -> list[list[tuple[int, int, int]]]:
    """The rows of points of a picture."""
    with Image.open(BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        width, height = image.size
        raw = image.tobytes()
    colours = [(raw[at], raw[at + 1], raw[at + 2]) for at in range(0, len(raw), 3)]
    return [colours[y * width : (y + 1) * width] for y in range(height)]


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
