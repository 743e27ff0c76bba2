from pathlib import Path

from tests.chaos.table import Result, write_page


def test_a_part_replaces_its_rows_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- faults:begin -->\n<!-- faults:end -->\nafter\n", encoding="utf-8")
    write_page([Result("one", seen="old"), Result("two", seen="kept")], page)
    write_page([Result("one", seen="new"), Result("three")], page)  # of a checkout that knows of nothing else
    text = page.read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| ")]
    assert [(row[0], row[-1]) for row in rows[2:]] == [("| one", "new |"), ("| two", "kept |"), ("| three", " |")]
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
