"""What a producer wrote cannot act on a terminal or a spreadsheet."""

import pytest
from rich.console import Console

from streams.cli.report import as_csv, objectives
from streams.cli.terminal import cell, document, plain


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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "  =", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_csv_cells_are_no_formulas(start: str) -> None:
    text = as_csv([{"a": f"{start}cmd()", "n": -5}], ("a", "n"))
    assert text.splitlines()[1] == f"'{start}cmd(),-5"


def test_csv_writes_no_control_characters_and_keeps_cells_whole() -> None:
    assert as_csv([{"a": "\x1b[2J\n=1", "b": 'x,"y"'}], ("a", "b")) == 'a,b\n\\x1b[2J\\n=1,"x,""y"""\n'


def test_a_json_document_is_readable_and_harmless() -> None:
    assert document({"é": "a\x1b\x9b\u202e\n"}) == '{\n  "é": "a\\u001b\\x9b\\u202e\\n"\n}'


def test_an_objective_that_nobody_measured_is_a_row() -> None:
    measured = [
        {"query_type": "clock_sync", "samples": 2, "average_ms": 9.0, "p95_ms": 9.9, "p99_ms": 9.9994},
        {"query_type": "violation_check", "samples": 1, "average_ms": 50.0, "p95_ms": 50.0, "p99_ms": 50.0},
        {"query_type": "another", "samples": 1, "average_ms": 1.0, "p95_ms": 1.0, "p99_ms": 1.0},
    ]
    rows = {row["query_type"]: (row["samples"], row["target_ms"], row["met"]) for row in objectives(measured)}
    assert rows == {
        "violation_check": (1, 50.0, "no"),
        "compliance_report": (0, 1000.0, "not measured"),
        "clock_sync": (2, 10.0, "yes"),
        "another": (1, None, ""),
    }
