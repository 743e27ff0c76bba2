"""Globs, and what RE2 makes of patterns."""

import pytest
import re2

from streams.standards.patterns import PatternError, PatternSet, compile_pattern, glob_pattern


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("**/*.py", ["a.py", "/srv/a.py", "x/y/.py"], ["a.pyc", "a.py/b"]),
        ("*.py", ["a.py", ".py"], ["x/a.py", "/a.py"]),
        ("**/ARTIFACT_*", ["ARTIFACT_1", "docs/ARTIFACT_1.md"], ["docs/XARTIFACT_1", "ARTIFACT_1/x"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["docs", "xdocs/a", "/docs/a"]),
        ("docs/**/*.md", ["docs/a.md", "docs/x/y/a.md"], ["docs.md", "docs/a.txt"]),
        ("/srv/**/src/*.c", ["/srv/src/a.c", "/srv/x/y/src/a.c"], ["/srv/xsrc/a.c", "/srv/src/x/a.c"]),
        ("**/a/**", ["a/b", "x/a/b/c"], ["a", "xa/b"]),
        ("**", ["", "a", "a/b"], []),
        ("a?c", ["abc", "aäc"], ["a/c", "ac"]),
        ("[!a]x[0-9]", ["bx1"], ["ax1", "/x1", "bxx"]),
        ("**/{ADR,adr}-*.{md,txt}", ["ADR-1.md", "x/adr-2.txt"], ["Adr-1.md", "ADR-1.rst"]),
        ("a,b", ["a,b"], ["a", "b"]),
        ("a.b+c(d)$", ["a.b+c(d)$"], ["axb+c(d)$"]),
        (r"a\*", ["a*"], ["ab"]),
        ("[.]env", [".env"], ["xenv"]),
        ("a[", ["a["], ["a"]),
        ("**/größe.md", ["x/größe.md"], ["x/grosse.md"]),
    ],
)
def test_globs_take_what_they_say(glob, inside, outside):
    pattern = re2.compile(glob_pattern(glob))
    for path in inside:
        assert pattern.search(path), path
    for path in outside:
        assert not pattern.search(path), path


@pytest.mark.parametrize("glob", ["{a", "a}", "{a,{b}", "[z-a]"])
def test_a_glob_that_is_not_one_is_refused(glob):
    with pytest.raises(PatternError, match="path_glob"):
        glob_pattern(glob)


def test_dollar_is_the_very_end():
    pattern = compile_pattern("^a$")
    assert pattern.search("a")
    assert not pattern.search("a\n")


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "a++", "(?>a)", r"a\Z", "a{1001}", "\ud800", "a" * 4097])
def test_what_re2_cannot_run_is_refused(pattern):
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_a_set_that_needs_more_memory_than_usual_gets_it():
    patterns = [f"^[a-z]{{1,{500 + n}}}$" for n in range(200)]
    found = PatternSet(patterns).matches(b"a" * 600)
    assert sorted(found) == list(range(100, 200))


def test_a_set_beyond_all_memory_is_refused_and_not_wrong(monkeypatch):
    monkeypatch.setattr("streams.standards.patterns._SET_MAX_BYTES", 1 << 20)
    with pytest.raises(PatternError, match="together need more than 1 MiB"):
        PatternSet([f"^[a-z]{{1,{500 + n}}}$" for n in range(200)])


def test_patterns_that_count_far_keep_their_place_beside_the_others():
    patterns = PatternSet(["[^/]{256}", "a", "^x{600}$", "b", "[^/]{300}"])
    assert sorted(patterns.matches(b"a/b")) == [1, 3]
    assert sorted(patterns.matches(b"b" * 299)) == [0, 3]
    assert sorted(patterns.matches(b"x" * 600)) == [0, 2, 4]
    assert list(patterns.matches(b"c")) == []
