"""Alerts of clocks over restarts, several workers and crashes: a real database and a real broker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from streams.settings import Settings
from streams.standards.standard import standard_id
from streams.store.components import clock_rows
from streams.store.database import Database
from streams.store.transaction import Transactions
from streams.sweeper import Sweeper
from tests.integration.clock_rig import SECOND, Assignment, ClockRig, rules
from tests.unit.records import NOW_US

NewRig = Callable[..., Awaitable[ClockRig]]

FIRING, RESOLVED = ("api", "offset", "firing"), ("api", "offset", "resolved")


@pytest.fixture
async def new_rig(settings: Settings, database: Database, topics: list[str]) -> AsyncIterator[NewRig]:
    """Makes workers; all are stopped in the end."""
    made: list[ClockRig] = []

    async def make(partitions: dict[int, bool] | None = None) -> ClockRig:
        made.append(await ClockRig(settings, database, partitions).start())
        return made[-1]

    yield make
    for rig in made:
        await rig.stop()


def of(alerts: list[tuple[str, str, str]], *kinds: str) -> list[tuple[str, str, str]]:
    return [alert for alert in alerts if alert[1] in kinds]


async def test_an_alert_fires_once_and_resolves_once_over_restarts(new_rig: NewRig) -> None:
    first = await new_rig()
    await first.read(("api", 20_000, 0))
    second = await new_rig()
    await second.read(("api", 30_000, 30), ("api", 0, 60))
    third = await new_rig()
    await third.read(("api", 0, 90))
    fourth = await new_rig()  # two clear readings were counted by others
    await fourth.read(("api", 0, 120), ("api", 0, 150))
    messages = [message for message in await fourth.messages() if message["kind"] == "offset"]
    assert [message["state"] for message in messages] == ["firing", "resolved"]
    assert len({message["alert_id"] for message in messages}) == 1
    assert messages[1]["peak_offset_microseconds"] == 30_000
    assert messages[1]["occurrences"] == 5


async def test_a_crash_between_the_commit_and_the_message_loses_no_alert(
    new_rig: NewRig, settings: Settings, database: Database
) -> None:
    rig = await new_rig()
    plans = await rig.plans(("api", 20_000, 0))
    await Transactions(database, 10).write(plans)  # and the worker dies before it announces
    assert await rig.alerts() == []
    again = await new_rig()
    await again.put(await again.plans(("api", 20_000, 0)))  # the record is read again, and known
    assert await again.alerts() == []
    assert await Sweeper(settings, database, again.announcer).sweep(age_seconds=0) == 1
    assert await again.alerts() == [FIRING]


async def test_a_replay_says_and_changes_nothing(new_rig: NewRig, database: Database) -> None:
    readings = [("api", 20_000, 0.0), *(("api", 0, at) for at in (30.0, 60.0, 90.0)), ("api", 20_000, 120.0)]
    rig = await new_rig()
    await rig.read(*readings)
    before = await database.fetch_all("SELECT * FROM clock_states"), await rig.alerts()
    again = await new_rig()
    await again.read(*readings)
    assert (await database.fetch_all("SELECT * FROM clock_states"), await again.alerts()) == before
    assert of(before[1], "offset") == [FIRING, RESOLVED, FIRING]


async def test_silence_is_told_by_the_timer_once_also_after_a_restart(new_rig: NewRig) -> None:
    rig = await new_rig()
    await rig.read(*(("api", 0, at) for at in (0.0, 10.0, 20.0)))
    assert await rig.look(at=80) == 0  # exactly a minute
    assert await rig.look(at=81) == 1
    assert await rig.look(at=500) == 0
    again = await new_rig()
    assert await again.look(at=600) == 0
    await again.read(("api", 0, 700))
    assert of(await again.alerts(), "stale") == [("api", "stale", "firing"), ("api", "stale", "resolved")]
    begun, ended = [message for message in await again.messages() if message["kind"] == "stale"]
    assert begun["alert_id"] == ended["alert_id"]
    assert begun["dedup_key"] == "api|NTP|stale"
    assert begun["age_seconds"] == pytest.approx(61, abs=0.01)
    assert begun["text"].startswith("api (NTP): silence: silent for 61 s")


async def test_only_the_worker_of_the_partition_tells_of_silence(new_rig: NewRig) -> None:
    left, right = await new_rig({0: True}), await new_rig({1: True})
    await right.read(("api", 0, 0), partition=1)
    assert await left.look(at=100) == 0
    assert await right.look(at=100) == 1


async def test_two_workers_that_both_believe_to_own_a_clock_tell_one_alert(new_rig: NewRig) -> None:
    left, right = await new_rig(), await new_rig()
    await left.read(("api", 0, 0))
    plans = [await rig.timer.look(rig_now) for rig, rig_now in ((left, _at(100)), (right, _at(100)))]
    assert plans == [1, 1]  # neither saw what the other was about to write
    await left.look(at=200)
    await right.look(at=200)
    messages = await left.messages()
    assert len({(message["alert_id"], message["state"]) for message in messages}) == 1
    rows = await clock_rows_of(left, "api")
    assert len(rows) == 1


def _at(second: float) -> int:
    return NOW_US + round(second * SECOND)


async def clock_rows_of(rig: ClockRig, component: str) -> list[dict[str, Any]]:
    async with Database(rig.settings) as database:
        return await clock_rows(database, component)


async def test_a_backlog_is_no_silence(new_rig: NewRig) -> None:
    rig = await new_rig()
    await rig.read(("api", 0, 0), ("other", 0, 0))
    behind = await new_rig({0: True, 1: False})  # an hour later, and the readings of that hour are still to come
    assert await behind.look(at=3600) == 0
    await behind.read(("other", 0, 59))
    assert await behind.look(at=3601) == 0
    await behind.read(("other", 0, 62))  # by now api has been silent for a minute of the partition's own time
    assert await behind.look(at=3602) == 1
    assert await behind.alerts() == [("api", "stale", "firing")]


async def test_what_waits_to_be_stored_is_not_silent(new_rig: NewRig, database: Database) -> None:
    rig = await new_rig()
    await rig.read(("api", 0, 0))
    plans = await rig.plans(("api", 0, 95))  # judged, and not yet stored
    assert await rig.timer.look(_at(100)) == 0
    await rig.put(plans)
    assert await rig.alerts() == []


async def test_partitions_that_move_while_the_timer_looks_are_left_to_their_new_worker(new_rig: NewRig) -> None:
    rig = await new_rig()
    await rig.read(("api", 0, 0))
    rig.assignment = rig.timer._partitions = Moving({0: True, 1: True})
    assert await rig.timer.look(_at(100)) == 0
    rig.assignment.partitions = {}
    assert await rig.timer.look(_at(200)) == 0
    rig.timer._partitions = Assignment({0: True, 1: True})
    assert await rig.look(at=300) == 1


class Moving(Assignment):
    """Partitions that move each time somebody asks."""

    def generation(self) -> int:
        self.number += 1
        return self.number


async def test_a_suspended_standard_tells_nothing(new_rig: NewRig) -> None:
    rig = await new_rig()
    rig.rules = rules(without="CLK-STALE")
    await rig.read(("api", 0, 0))
    assert await rig.look(at=100) == 0
    rig.rules = rules()
    assert await rig.look(at=101) == 1


async def test_an_outlier_begins_and_ends(new_rig: NewRig) -> None:
    rig = await new_rig({0: True, 1: True})
    told = {"stratum": 2, "reference_id": "A9FEA97B", "root_delay_microseconds": 900.0, "leap_status": "normal"}
    await rig.read(("a", 0, 0), ("b", 100, 0), ("c", 8_500, 0), root_dispersion_microseconds=50.0, **told)
    assert await rig.look(at=1) == 1
    assert await rig.look(at=6) == 0
    again = await new_rig({0: True, 1: True})
    assert await again.look(at=11) == 0
    await again.read(("a", 0, 20), ("b", 100, 20), ("c", 200, 20))
    for at in (21, 50, 80):
        assert await again.look(at=at) == 0
    assert await again.look(at=79) == 0
    await again.read(("a", 0, 81), ("b", 100, 81), ("c", 200, 81))
    assert await again.look(at=82) == 1
    assert of(await again.alerts(), "outlier") == [("c", "outlier", "firing"), ("c", "outlier", "resolved")]
    begun, ended = [message for message in await again.messages() if message["kind"] == "outlier"]
    assert begun["alert_id"] == ended["alert_id"]
    assert begun["evidence"] == {"clocks": 3, "distance_microseconds": 8_400}
    assert {name: begun[name] for name in told} == told
    assert begun["bound_microseconds"] == pytest.approx(8_500 + 450 + 50 + 15)  # read, and a second of wandering


async def test_a_worker_without_partition_0_leaves_the_peers_to_others(new_rig: NewRig) -> None:
    rig = await new_rig({1: True})
    await rig.read(("a", 0, 0), ("b", 100, 0), ("c", 9_000, 0))
    assert await rig.look(at=1) == 0


async def test_a_reference_that_moves_is_one_alert_and_no_storm(new_rig: NewRig, database: Database) -> None:
    rig = await new_rig()
    names = [f"clock-{number}" for number in range(10)]
    await rig.read(*((name, 0, 0.0) for name in names))
    await rig.read(*((name, 50_000 + 10 * number, 20.0) for number, name in enumerate(names)))
    assert await rig.alerts() == []
    assert await rig.look(at=21) == 1
    (told,) = await rig.messages()
    assert (told["component_name"], told["kind"], told["severity"]) == ("*", "reference_suspect", "critical")
    assert told["evidence"]["components"] == names
    # All of them are drifting nevertheless, and found so.
    states = await database.fetch_all("SELECT status FROM clock_states WHERE component_name LIKE 'clock-%'")
    assert {state["status"] for state in states} == {"drifting"}
    # The reference comes back, and one clock does not: that one is told now.
    for at in (40.0, 70.0, 101.0):
        await rig.read(*((name, 0, at) for name in names[1:]), (names[0], 50_000, at))
        await rig.look(at=at + 1)
    alerts = await rig.alerts()
    assert of(alerts, "offset") == [("clock-0", "offset", "firing")]
    assert of(alerts, "reference_suspect") == [
        ("*", "reference_suspect", "firing"),
        ("*", "reference_suspect", "resolved"),
    ]


async def test_a_storm_that_comes_reading_by_reading_is_told_by_a_few_and_then_by_one(new_rig: NewRig) -> None:
    rig = await new_rig()
    names = [f"clock-{number}" for number in range(10)]
    await rig.read(*((name, 0, 0.0) for name in names))
    for number, name in enumerate(names):
        await rig.read((name, 50_000, 20.0 + number))
    assert len(of(await rig.alerts(), "offset")) == 5  # until more than half have moved, nobody can know
    assert await rig.look(at=31) == 1


async def test_a_step_is_kept_for_those_who_ask_for_it(new_rig: NewRig, database: Database) -> None:
    rig = await new_rig()
    await rig.read(("api", 0, 0), ("api", -40_000, 10), ("api", -39_000, 20))
    rows = await database.fetch_all(
        "SELECT offset_microseconds, last_step_microseconds, certainty, bound_microseconds FROM clock_sync_status"
        " WHERE component_name = 'api' ORDER BY last_sync_at"
    )
    assert [row["last_step_microseconds"] for row in rows] == [None, -40_000, -40_000]
    assert [row["bound_microseconds"] for row in rows] == pytest.approx([0, 40_000, 39_000], abs=1)
    (state,) = await database.fetch_all("SELECT * FROM clock_states WHERE component_name = 'api'")
    assert state["last_step_microseconds"] == -40_000
    assert state["last_step_at"] is not None
    found = await database.fetch_all(
        "SELECT observed, expected FROM metadata_violations WHERE standard_id = %s", (standard_id("CLK-STEP"),)
    )
    assert found == [{"observed": "-40000", "expected": "|change| <= 10000 microseconds in 10 s"}]
