"""SQL literals of strings: as the driver would write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.converters import escape_string

from streams.store import rows


@pytest.mark.parametrize("character", [chr(code) for code in range(256)])
def test_every_character_is_quoted_as_the_driver_does(character: str) -> None:
    assert rows.text(f"a{character}b") == f"'{escape_string(f'a{character}b')}'"


@given(st.text())
def test_every_text_is_quoted_as_the_driver_does(value: str) -> None:
    assert rows.text(value) == f"'{escape_string(value)}'"


def test_nothing_is_null() -> None:
    assert rows.text(None) == "NULL"
