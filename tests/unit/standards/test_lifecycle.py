"""The life of a version: every step that may follow, and every one that must not."""

from itertools import product

import pytest

from streams.errors import UserError
from streams.standards.lifecycle import FIRST, NEXT, require_first, require_fit, require_step
from streams.standards.standard import STATUSES, Samples
from tests.unit.standards.rules import rule

ALLOWED = {
    ("draft", "shadow"),
    ("draft", "active"),
    ("draft", "retired"),
    ("shadow", "draft"),
    ("shadow", "active"),
    ("shadow", "retired"),
    ("active", "suspended"),
    ("active", "retired"),
    ("suspended", "active"),
    ("suspended", "retired"),
}


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_each_step_is_allowed_or_refused_with_what_may_follow(before, after):
    standard = rule(status=before, version=3)
    if (before, after) in ALLOWED:
        require_step(standard, after)
        return
    with pytest.raises(UserError) as refusal:
        require_step(standard, after)
    text = str(refusal.value)
    assert text.startswith(f"standard FS-TEST-001: v3 is {before}")
    assert all(following in text for following in NEXT[before])


@pytest.mark.parametrize("status", STATUSES)
def test_a_life_begins_as_draft_shadow_or_active(status):
    if status in FIRST:
        require_first(rule(status=status))
        return
    with pytest.raises(UserError, match="a new version begins as draft, shadow, active"):
        require_first(rule(status=status))


BROKEN = [
    {"pattern": "(?=a)"},
    {"pattern": "^/a$", "samples": Samples(("/b",), ())},
    {"pattern": "^/a$", "samples": Samples((), ("/a",))},
    {"pattern": "^/a$", "path_glob": "/x/*", "samples": Samples((), ("/b",))},
    {"field": "nonsense"},
]


@pytest.mark.parametrize("changes", BROKEN)
@pytest.mark.parametrize("status", ["active", "shadow"])
def test_what_is_broken_is_neither_judged_by_nor_counted(changes, status):
    with pytest.raises(UserError, match=f"standard FS-TEST-001: v1 cannot become {status}: ") as refusal:
        require_fit(rule(status=status, **changes))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("changes", BROKEN)
@pytest.mark.parametrize("status", ["draft", "suspended", "retired"])
def test_what_nobody_judges_by_may_be_broken(changes, status):
    require_fit(rule(status=status, **changes))


def test_a_built_in_is_never_in_shadow():
    builtin = {"code": "CLK-OFFSET", "kind": "builtin", "pattern": "builtin"}
    require_fit(rule(**builtin))
    with pytest.raises(UserError, match="a built-in judge runs or does not"):
        require_fit(rule(**builtin, status="shadow"))
