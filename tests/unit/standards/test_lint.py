"""Lint says in an author's words what is wrong."""

from itertools import count

import pytest

from streams.standards import speed
from streams.standards.lint import lint
from streams.standards.standard import Samples
from tests.unit.standards.rules import rule

GOOD = {
    "description": "Paths are absolute.",
    "pattern": "^/[^/]+$",
    "samples": Samples(("/a",), ("a",)),
}


def remarks(level, **changes):
    return [message.text for message in lint(rule(**(GOOD | changes))) if message.level == level]


def test_a_good_standard_has_no_remarks():
    assert lint(rule(**GOOD)) == []


@pytest.mark.parametrize(
    ("pattern", "construct"),
    [
        ("^(?=a)b$", "lookaround"),
        ("^(?!a)b$", "lookaround"),
        ("^(?<=a)b$", "lookaround"),
        ("^(?<!a)b$", "lookaround"),
        (r"^(a)\1$", "a backreference"),
        ("^(?P<n>a)(?P=n)$", "a backreference"),
        (r"^(?<n>a)\k<n>$", "a backreference"),
        ("^a++$", "a possessive quantifier"),
        ("^a*+$", "a possessive quantifier"),
        ("^a{2}+$", "a possessive quantifier"),
        ("^(?>a)$", "an atomic group"),
        (r"^a\Z", r"\Z"),
        ("^a{1001}$", "a repetition of more than 1,000"),
        (r"^\u0041$", r"\u"),
        (r"^\h+$", "an escape of PCRE"),
        ("^(?x) a$", "the flag x"),
        ("^a(?#note)$", "a comment"),
        (r"^(?R)$", "recursion"),
    ],
)
def test_what_re2_cannot_run_is_called_by_its_name(pattern, construct):
    (text,) = remarks("error", pattern=pattern)
    assert text.startswith(f"RE2 cannot run {construct} (")


def test_a_pattern_that_is_no_regex_carries_the_engines_reason():
    assert remarks("error", pattern="^[a$") == ["the pattern does not compile: missing ]: [a$"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"field": "file_pth"}, "field 'file_pth' is unknown"),
        ({"path_glob": "{a"}, "does not close its brace"),
        ({"applies_to": "clock", "field": "protocol", "path_glob": "**"}, "have no path"),
        ({"samples": Samples(("relative",), ("a",))}, "positive sample 'relative' breaks the rule"),
        ({"samples": Samples(("/a",), ("/b",))}, "negative sample '/b' passes the rule"),
        ({"path_glob": "/srv/**", "samples": Samples(("/srv/a",), ("a",))}, "sample 'a' is outside of path_glob"),
        ({"kind": "builtin", "code": "FS-NOBODY"}, "no judge of this version reports under this code"),
        ({"pattern": ".{1,900}x.{1,90}y", "match_mode": "must_not_match"}, "is slow"),
    ],
)
def test_errors(changes, words):
    assert any(words in text for text in remarks("error", **changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": "my-rule"}, "is not like FS-PATH-001"),
        ({"description": ""}, "has no description"),
        ({"samples": Samples()}, "has no positive sample"),
        ({"samples": Samples(("/a",))}, "has no negative sample"),
        ({"pattern": "/a"}, "no anchor at the start (^) and no end ($)"),
        ({"pattern": "^/"}, "no anchor at the end ($)"),
        ({"pattern": r"[$]a[^b]"}, "no anchor at the start (^) and no end ($)"),
        ({"pattern": "^a$b"}, "never matches: something stands after the end"),
        ({"pattern": "a^b$"}, "every value breaks the rule"),
        ({"pattern": "^abc$\n"}, "ends with blank space"),
        ({"pattern": r"[^\s\S]", "match_mode": "must_not_match"}, "no value ever breaks the rule"),
        ({"pattern": "a/b$", "field": "file_name"}, "never matches in file_name, which never holds /"),
        ({"pattern": r"\.py$", "field": "extension"}, "which never holds / or ."),
        ({"pattern": "^[g-z]+$", "field": "sha256"}, "which holds hexadecimal digits only"),
        ({"pattern": "^ntp$", "applies_to": "clock", "field": "protocol"}, "which is one of NTP, PTP, Browser"),
        ({"pattern": ".*"}, "never fails"),
        ({"pattern": "a*"}, "never fails"),
        ({"pattern": "^(|.*)"}, "never fails"),
        ({"pattern": r"^[\s\S]*$"}, "found in anything, also in an empty text"),
        ({"pattern": ".+"}, "found in anything but an empty text"),
        ({"pattern": "^.*$"}, "found in anything but an empty text"),
        ({"pattern": ".", "match_mode": "must_not_match"}, "forbids every value"),
        ({"pattern": "x?", "match_mode": "must_not_match"}, "forbids every value"),
        ({"pattern": "^/a|b$"}, "an anchor stands in some alternatives"),
        ({"pattern": "^[:alpha:]+$"}, "write [[:alpha:]]"),
        ({"pattern": "^[A-z]+$"}, "write A-Za-z"),
        ({"pattern": "^a{,3}$"}, "write {0,n}"),
        ({"pattern": r"\<a\>"}, r"write \b for the edge"),
        ({"pattern": "^/.+.py$"}, "the dot is any character"),
        ({"path_glob": "**/*.py"}, "sample '/a' is outside of path_glob"),
    ],
)
def test_warnings(changes, words):
    standard = rule(**{"code": "FS-TEST-001", **GOOD, **changes})
    assert any(words in m.text for m in lint(standard) if m.level == "warning")


@pytest.mark.parametrize(
    ("milliseconds", "levels", "other"), [(0.9, [], "x"), (1.5, ["warning"], "y"), (500, ["error"], "z")]
)
def test_a_pattern_that_is_slow_is_warned_of_and_one_that_is_unbearable_refused(
    monkeypatch, milliseconds, levels, other
):
    monkeypatch.setattr(speed, "thread_time", count(0, milliseconds / 1000).__next__)
    standard = rule(**(GOOD | {"pattern": f"^/[^/{other}]+$"}))  # each its own: it is timed once in a process
    assert [message.level for message in lint(standard) if "is slow" in message.text] == levels


def test_a_pattern_whose_states_never_fit_is_slow_on_any_machine():
    standard = rule(**(GOOD | {"pattern": "^(([a-z]{1,30}){1,10}){1,3}[0-9]x$"}))
    assert any("is slow" in message.text for message in lint(standard))
    assert speed.slowest_seconds(standard) > 10 * speed.slowest_seconds(rule(**GOOD))


@pytest.mark.parametrize("pattern", [r"\A/[^/]+\z", "^/[^/]+$", "(?i)^/[a-z]+$", "(^|x)/[^/]+($|x)"])
def test_anchors_in_all_their_forms_are_seen(pattern):
    assert remarks("warning", pattern=pattern) == []


def test_presence_alone_may_be_asked_for():
    standard = {"pattern": "(?s)^.*$", "required": True, "samples": Samples(("/a",), ())}
    assert remarks("error", **standard) == []


def test_errors_come_first():
    levels = [message.level for message in lint(rule(pattern="[", description="", samples=Samples()))]
    assert levels == sorted(levels)


def test_a_builtin_has_no_pattern_to_lint():
    assert lint(rule("CLK-OFFSET", kind="builtin", pattern="builtin", field="offset_microseconds")) == []


def test_a_full_match_needs_no_anchors():
    assert remarks("warning", pattern="/[^/]+", matching="full") == []


def test_an_open_ended_quotation_is_closed_for_a_full_match():
    samples = Samples(("/$a|",), ("a", "/$a|b"))
    assert lint(rule(**(GOOD | {"pattern": r"\Q/$a|", "matching": "full", "samples": samples}))) == []
