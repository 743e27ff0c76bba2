"""The sets of patterns answer as a plain loop over the rules does."""

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.standards.fields import extension_of, file_name_of
from streams.standards.patterns import glob_pattern
from tests.unit.standards.rules import rule, ruleset

PATTERNS = [
    "^/",
    "a",
    "b|x{600}",
    "^[^ä]{0,300}$",
    "^[ab/.]*$",
    "(^|/)b(/|$)",
    r"\.b$",
    "^$",
    "[^a]",
    "^.{2,4}$",
    "ä",
    "a|b",
    r"^\w+$",
    "(?i)A",
]
GLOBS = [None, "**/*.b", "a/**", "**/a/**", "*", "**", "{a,b}/*", "?", "**/[ab]", "/a*/**/b"]
FIELDS = ["file_path", "file_name", "extension", "host", "sha256"]

text = st.text(alphabet="ab/.ä\n", max_size=8)
value = st.none() | text | st.lists(text, max_size=3)
rules = st.lists(
    st.tuples(
        st.sampled_from(PATTERNS),
        st.sampled_from(["must_match", "must_not_match"]),
        st.sampled_from(FIELDS),
        st.sampled_from(GLOBS),
        st.booleans(),
    ),
    max_size=12,
)


def naive(standard, values, path):
    if standard.path_glob is not None and (path is None or not re2.search(glob_pattern(standard.path_glob), path)):
        return "not_applicable"
    if standard.field in ("file_name", "extension"):
        derive = file_name_of if standard.field == "file_name" else extension_of
        found = derive(path) if path is not None else None
    else:
        found = values.get(standard.field)
    if found is None or found == []:
        return "fail" if standard.required else "not_applicable"
    elements = [found] if isinstance(found, str) else found
    wanted = standard.match_mode == "must_match"
    good = all((re2.search(standard.pattern, element) is not None) is wanted for element in elements)
    return "pass" if good else "fail"


@given(rules=rules, path=st.none() | text, host=value, sha256=value)
@settings(max_examples=300, deadline=None)
def test_the_ruleset_agrees_with_one_pattern_at_a_time(rules, path, host, sha256):
    standards = [
        rule(f"R-{n:03d}", pattern=pattern, match_mode=mode, field=field, path_glob=glob, required=required)
        for n, (pattern, mode, field, glob, required) in enumerate(rules)
    ]
    values = {"file_path": path, "host": host, "sha256": sha256}
    compiled = ruleset(*standards)
    expected = [(standard.code, naive(standard, values, path)) for standard in standards]
    for _ in range(2):  # the second time some values are remembered
        results = compiled.check("filesystem", values, path)
        assert [(result.standard.code, result.status) for result in results] == expected
        failed = compiled.violations("filesystem", values, path)
        assert [result.standard.code for result in failed] == [code for code, status in expected if status == "fail"]


event = st.tuples(text, st.none() | text, st.none() | text | st.just("\ud800"))


@given(rules=rules, shadow=rules, events=st.lists(event, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_suspects_among_many_are_those_that_break_a_rule(rules, shadow, events):
    compiled = ruleset(
        *[
            rule(
                f"{status}-{n:03d}",
                pattern=pattern,
                match_mode=mode,
                field=field,
                path_glob=glob,
                status=status,
                required=required,
            )
            for status, made in (("active", rules), ("shadow", shadow))
            for n, (pattern, mode, field, glob, required) in enumerate(made)
        ]
    )
    columns = {
        "file_path": [path for path, _, _ in events],
        "file_name": [file_name_of(path) for path, _, _ in events],
        "extension": [extension_of(path) for path, _, _ in events],
        "host": [host for _, host, _ in events],
        "sha256": [sha256 for _, _, sha256 in events],
    }
    for _ in range(2):  # the second time some values are remembered
        expected = set()
        for index, (path, host, sha256) in enumerate(events):
            values = {"file_path": path, "host": host, "sha256": sha256}
            if compiled.violations("filesystem", values, path) + compiled.shadow_violations("filesystem", values, path):
                expected.add(index)
        assert compiled.suspects("filesystem", columns) == expected
