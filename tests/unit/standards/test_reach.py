"""Patterns that no text can hold are told apart from those that some text holds, by RE2 itself where it can tell."""

from itertools import product

import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.standards.patterns import PatternError, compile_pattern
from streams.standards.reach import branches, can_be_found

NEVER = [
    "a^",
    "$a",
    "a$b",
    "^a^b",
    r"[^\s\S]",
    r"\b\B",
    r"x\A",
    r"\zx",
    "(a$)b",
    r"[^\x00-\x{10FFFF}]",
    r"\d\b\d",
    "(^a){2}",
    "(?:a^|$b)",
    r"a(\z)+b",
    "(?m)a$b",
    r"\Qa\E^",
    "x(^)y",
    r"(?i)a\z.",
    "a$\n",
    "^abc$\n",
]
SOME = [
    "",
    "^$",
    "$^",
    "(^|a)b",
    "(?m)a$\n^b",
    r"\bfoo\b",
    "(a|^)*b",
    "(a$)?b",
    "a{0}b",
    "(^){5}a",
    r"\p{Greek}",
    "[ä-ö]",
    r"^\Q^\E$",
    r"\Qa.b",
    "(?P<x>a)(?<y>b)",
    "(?i:A)(?s-m:.)",
    "a|b$c",
    r"[]a]^?",
    "[[:alpha:]]+",
    "a{,3}",
    r"\x{1F600}",
    "a*?b+?c??d{2,3}?",
    r"[a\]b]",
    r"\B",
    "((a{1,30}){1,10}){1,3}",
]
TEXTS = ["".join(letters) for length in range(4) for letters in product("ab \n", repeat=length)]
PARTS = [
    "a",
    "b",
    "^",
    "$",
    "|",
    "(",
    ")",
    "*",
    "?",
    "{2}",
    r"\b",
    r"\B",
    "[^a]",
    ".",
    r"\A",
    r"\z",
    "(?m)",
    "(?s)",
    " ",
]


@pytest.mark.parametrize("pattern", NEVER)
def test_what_can_never_be_found(pattern):
    compile_pattern(pattern)
    assert not can_be_found(pattern)


@pytest.mark.parametrize("pattern", SOME)
def test_what_can_be_found(pattern):
    compile_pattern(pattern)
    assert can_be_found(pattern)


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
@settings(max_examples=500, deadline=None)
def test_what_re2_finds_is_never_said_to_be_impossible(pattern):
    try:
        compiled = compile_pattern(pattern)
        possible = can_be_found(pattern)
    except PatternError:
        assume(False)
    if not possible:
        assert [text for text in TEXTS if compiled.search(text)] == []


def test_characters_that_a_field_never_holds_are_counted_out():
    assert can_be_found("^src/a$")
    assert not can_be_found("^src/a$", "/")
    assert can_be_found("^[^/]+$", "/")
    assert not can_be_found(r"\.py$", "/.")


def test_branches_are_those_of_no_group():
    assert branches("^a|b$") == ["^a", "b$"]
    assert branches(r"(a|b)|[|]\|\Q|\E") == ["(a|b)", r"[|]\|\Q|\E"]
    assert re2.compile("|".join(branches("a|b")))
