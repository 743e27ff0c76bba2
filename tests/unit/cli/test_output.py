"""What a producer wrote cannot act on a terminal or a spreadsheet."""

import pytest
from rich.console import Console

from streams.cli.report import as_csv
from streams.cli.terminal import cell, plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain text, é and 日本", "plain text, é and 日本"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("right\u202eto left", "right\\u202eto left"),
        (7, "7"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(value: object, shown: str) -> None:
    assert plain(value) == shown


def test_rich_markup_in_data_is_text() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(cell("[red]not red[/red] [link=x]"))
    assert capture.get() == "[red]not red[/red] [link=x]\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_cells_are_no_formulas(start: str) -> None:
    text = as_csv([{"a": f"{start}cmd()", "n": -5}], ("a", "n"))
    assert text.splitlines()[1] == f"'{start}cmd(),-5"
