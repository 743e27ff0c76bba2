"""SQL literals of strings: read by a server as they were meant."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.converters import escape_string

from streams.store import rows


def read_by_a_server(literal: str) -> str:
    """The value of a string literal as MySQL's manual reads it, with backslash escapes on."""
    assert literal[0] == literal[-1] == "'"
    inside = literal[1:-1]
    assert "'" not in re.sub(r"\\.", "", inside, flags=re.DOTALL), "the literal ends early"
    meant = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a", "t": "\t", "b": "\b"}
    return re.sub(r"\\(.)", lambda escape: meant.get(escape[1], escape[1]), inside, flags=re.DOTALL)


@pytest.mark.parametrize("character", [chr(code) for code in range(256)])
def test_every_character_is_read_as_it_was_meant(character: str) -> None:
    assert read_by_a_server(rows.text(f"a{character}b")) == f"a{character}b"


@given(st.text(), st.sampled_from(["", "'", '"', "\\"]), st.text())
def test_every_text_is_read_as_it_was_meant(before: str, between: str, after: str) -> None:
    assert read_by_a_server(rows.text(before + between + after)) == before + between + after


@given(st.text(alphabet=st.characters(exclude_characters='"')))
def test_every_text_without_quotation_marks_is_quoted_as_the_driver_does(value: str) -> None:
    assert rows.text(value) == f"'{escape_string(value)}'"


def test_nothing_is_null() -> None:
    assert rows.text(None) == "NULL"


@given(st.lists(st.text()))
def test_a_text_in_parts_is_the_text(parts: list[str]) -> None:
    assert read_by_a_server("".join(rows.text_of(parts))) == "".join(parts)
