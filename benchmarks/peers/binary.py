"""Bytes as an argument of `executemany`: aiomysql 0.3 fails on plain bytes with the PyMySQL that it is locked with."""

from typing import Any, NamedTuple

from pymysql import converters


class Binary(NamedTuple):
    value: bytes


def _literal(binary: Binary, mapping: Any = None) -> str:
    return f"X'{binary.value.hex()}'"


# aiomysql looks into the first, PyMySQL into the second.
converters.encoders[Binary] = _literal
converters.conversions[Binary] = _literal
