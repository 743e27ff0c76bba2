"""What a change does to the registry, as a table of what is there, what is asked for, and the steps that follow."""

from dataclasses import replace

import pytest

from streams.errors import UserError
from streams.standards.planning import Changes, differences, head, plan_changes, steps_to
from streams.standards.spec import SamplesSpec, StandardSpec
from streams.standards.standard import Standard

SPEC = StandardSpec(
    code="FS-A-001",
    applies_to="filesystem",
    category="naming",
    field="file_name",
    pattern="^[a-z]+$",
    samples=SamplesSpec(positive=["a"], negative=["A"]),
)
OTHER = SPEC.model_copy(update={"severity": "high"})


def version(number: int, status: str, spec: StandardSpec = SPEC) -> Standard:
    return replace(spec.to_standard(number, "the-id"), status=status)


def steps(changes: Changes) -> list[tuple[int, str | None, str]]:
    return [(step.standard.version, step.before, step.standard.status) for step in changes.steps]


@pytest.mark.parametrize(
    ("known", "spec", "status", "expected"),
    [
        ([], SPEC, None, [(1, None, "active")]),
        ([], SPEC, "draft", [(1, None, "draft")]),
        ([(1, "active", SPEC)], SPEC, None, []),
        ([(1, "active", SPEC)], SPEC, "active", []),
        ([(1, "active", SPEC)], SPEC, "suspended", [(1, "active", "suspended")]),
        ([(1, "suspended", SPEC)], SPEC, None, []),
        ([(1, "suspended", SPEC)], SPEC, "active", [(1, "suspended", "active")]),
        ([(1, "active", SPEC)], OTHER, None, [(1, "active", "retired"), (2, None, "active")]),
        ([(1, "active", SPEC)], OTHER, "shadow", [(2, None, "shadow")]),
        ([(1, "active", SPEC)], OTHER, "draft", [(2, None, "draft")]),
        ([(1, "suspended", SPEC)], OTHER, None, [(2, None, "draft")]),
        ([(1, "suspended", SPEC)], OTHER, "active", [(1, "suspended", "retired"), (2, None, "active")]),
        ([(1, "draft", SPEC)], OTHER, None, [(1, "draft", "retired"), (2, None, "draft")]),
        ([(1, "active", SPEC), (2, "shadow", OTHER)], OTHER, None, []),
        ([(1, "active", SPEC), (2, "shadow", OTHER)], SPEC, None, []),
        (
            [(1, "active", SPEC), (2, "shadow", OTHER)],
            OTHER,
            "active",
            [(1, "active", "retired"), (2, "shadow", "active")],
        ),
        ([(1, "retired", SPEC)], SPEC, None, []),
        ([(1, "retired", SPEC)], SPEC, "retired", []),
        ([(1, "retired", SPEC)], SPEC, "active", [(2, None, "active")]),
        ([(1, "retired", SPEC), (2, "active", OTHER)], SPEC, None, [(2, "active", "retired"), (3, None, "active")]),
    ],
)
def test_steps(known, spec, status, expected):
    registry = {"FS-A-001": [version(*entry) for entry in known]} if known else {}
    changes = plan_changes(registry, [spec.model_copy(update={"status": status})])
    assert steps(changes) == expected
    assert bool(changes) is bool(expected)
    assert len(changes.unchanged) == (not expected)


def test_applying_the_result_again_changes_nothing():
    changes = plan_changes({"FS-A-001": [version(1, "active")]}, [OTHER])
    after = {"FS-A-001": [step.standard for step in changes.steps]}
    assert not plan_changes(after, [OTHER])


def test_at_most_one_version_governs_and_one_is_on_trial_whatever_is_asked_for():
    known: dict[int, Standard] = {}
    for number, status in enumerate(["draft", "shadow", "active", "draft", "active", "shadow", "draft"]):
        spec = SPEC.model_copy(update={"status": status, "owner": str(number)})
        for step in plan_changes({"FS-A-001": list(known.values())}, [spec]).steps:
            known[step.standard.version] = step.standard
        statuses = [standard.status for standard in known.values()]
        assert statuses.count("active") <= 1
        assert statuses.count("draft") + statuses.count("shadow") <= 1
    assert head(known.values()).status == "active"


def test_a_changed_standard_keeps_the_id_that_its_row_has():
    changes = plan_changes({"FS-A-001": [version(1, "active")]}, [OTHER])
    assert {step.standard.id for step in changes.steps} == {"the-id"}
    assert changes.replaced["FS-A-001"].version == 1


def test_differences_are_of_the_content_and_not_of_the_place_in_life():
    assert differences(version(1, "active"), version(2, "draft", OTHER)) == [("severity", "medium", "high")]


@pytest.mark.parametrize(
    ("status", "wanted", "words"),
    [
        ("active", "draft", "v1 is active and cannot become draft"),
        ("retired", "active", "which is final"),
        ("draft", "suspended", "cannot become suspended: what may follow is shadow or active or retired"),
    ],
)
def test_a_step_that_must_not_be_is_refused(status, wanted, words):
    with pytest.raises(UserError, match=words):
        steps_to([version(1, status)], version(1, status), wanted)


def test_a_new_version_with_failing_samples_is_not_planned():
    broken = SPEC.model_copy(update={"samples": SamplesSpec(positive=["A"])})
    with pytest.raises(UserError, match="v2 cannot become active: positive sample 'A' breaks the rule"):
        plan_changes({"FS-A-001": [version(1, "active")]}, [broken])
    assert steps(plan_changes({}, [broken.model_copy(update={"status": "draft"})])) == [(1, None, "draft")]
