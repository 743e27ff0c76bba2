"""Tampering is caught, honest work raises no alarm, and the document says what is so."""

from pathlib import Path

import pytest

from tests.forensics.corpus import Outcome, run, set_up
from tests.forensics.operations import OPERATIONS
from tests.forensics.table import answer, written_answers


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    set_up()
    root: Path = tmp_path_factory.mktemp("corpus")
    return run(OPERATIONS, root)


def test_tampering_is_caught(outcomes: list[Outcome]) -> None:
    tampering = [one for one in outcomes if one.operation.is_tampering]
    missed = [one.operation.name for one in tampering if not one.is_caught]
    assert len(missed) <= 0.05 * len(tampering), missed


def test_honest_work_raises_no_alarm(outcomes: list[Outcome]) -> None:
    alarms = {
        one.operation.name: [f"{found.standard.code} {found.evidence['condition']}" for found in one.alarms]
        for one in outcomes
        if one.alarms
    }
    assert alarms == {}


def test_honest_work_is_not_called_stomped(outcomes: list[Outcome]) -> None:
    assert {one.operation.name: one.accused for one in outcomes if one.accused} == {}


def test_every_finding_has_a_positive_margin_and_says_what_it_rests_on(outcomes: list[Outcome]) -> None:
    everything = [found for one in outcomes for per_file in one.findings.values() for found in per_file]
    assert len({found.standard.code for found in everything}) >= 15
    for found in everything:
        evidence = found.evidence
        assert evidence["condition"]
        assert evidence["technique"] == "T1070.006"
        assert evidence["delta_ns"] is None or evidence["margin_ns"] > 0
        if found.standard.code in ("TS-CTIME-REGRESSED", "TS-MTIME-REGRESSED", "TS-RETROACTIVE-MTIME"):
            assert evidence["previous"]["offset"] is not None


def test_the_document_says_what_is_caught(outcomes: list[Outcome]) -> None:
    """Run `python -m tests.forensics` after a change of the corpus or of a rule."""
    assert written_answers() == {one.operation.name: answer(one) for one in outcomes}
