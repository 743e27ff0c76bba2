"""The load is what it says: the same for everybody, honest nine times of ten, with ids that the product gives too."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchmarks.load import HOSTS, PARTITIONS, VIOLATIONS, Load
from benchmarks.verification import Expectation, judge
from schemas.events import FilesystemTimestamps
from streams.flows.filesystem import FilesystemFlow
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store.recall import Recall
from tests.unit.records import FakeRecord

LOAD = Load(1_760_000_000_000_000)


@pytest.fixture(scope="module")
def rules() -> Ruleset:
    return Ruleset.compile([spec.to_standard() for spec in seed_standards()], 1, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("load", [LOAD, replace(LOAD, violating_every=3), replace(LOAD, files_per_event=7)])
def test_exactly_the_events_break_standards_that_are_said_to(load: Load, rules: Ruleset) -> None:
    for number in range(500):
        assert bool(judge(load.event(number).value, rules)) == load.violates(number)


def test_every_way_of_breaking_a_standard_is_found_and_they_differ(rules: Ruleset) -> None:
    found = {
        tuple(finding.standard.code for finding in judge(LOAD.event(number * 10).value, rules))
        for number in range(len(VIOLATIONS))
    }
    assert () not in found
    assert len(found) == len(VIOLATIONS)


def test_events_are_reproducible_and_no_two_are_alike() -> None:
    events = [LOAD.event(number) for number in range(3000)]
    assert events == [Load(LOAD.base_us).event(number) for number in range(3000)]
    assert events[0] != replace(LOAD, seed=1).event(0)
    assert len({path for event in events for path, _ in event.files}) == 3000
    assert len({event.event_id for event in events}) == 3000
    assert len({event.host for event in events}) == HOSTS


def test_paths_of_large_events_are_unique_too() -> None:
    load = replace(LOAD, files_per_event=100)
    assert len({path for number in range(50) for path, _ in load.event(number).files}) == 5000


def test_a_host_stays_on_its_partition() -> None:
    of_host: dict[str, set[int]] = {}
    for number in range(1000):
        of_host.setdefault(LOAD.event(number).host, set()).add(LOAD.partition(number))
    assert all(len(partitions) == 1 for partitions in of_host.values())
    assert set.union(*of_host.values()) == set(range(PARTITIONS))


@pytest.mark.parametrize("files_per_event", [1, 5])
def test_rows_have_the_ids_that_the_product_gives_them(files_per_event: int, rules: Ruleset) -> None:
    flow = FilesystemFlow(Recall(None), 0)  # judging asks no database
    for number in range(50):
        event = replace(LOAD, files_per_event=files_per_event).event(number)
        parsed = FilesystemTimestamps.model_validate_json(event.value)
        rows = flow.judge(FakeRecord(event.value), parsed, rules, LOAD.base_us).rows["filesystem_timestamps"]
        assert len(rows) == len(event.row_ids)
        assert all(row_id in row for row, row_id in zip(rows, event.row_ids, strict=True))


def test_the_expectation_of_a_part_is_that_of_the_records_before_it() -> None:
    whole, part = Expectation(LOAD, 600), Expectation(LOAD, 300)
    assert whole.files == 600
    for partition in range(PARTITIONS):
        marks = part._row_marks[partition]
        assert whole._row_marks[partition][: len(marks)] == marks
        assert whole._violations[partition][len(marks) - 1] == part._violations[partition][-1]
        assert len(set(whole._row_marks[partition])) == len(whole._row_marks[partition])
