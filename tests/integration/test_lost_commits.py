"""The connection is lost at COMMIT: what was committed is announced by the retry, for nobody sweeps here in time."""

import json
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from streams.clock_timer import TimerRecord
from streams.local.server import LOOPBACK
from streams.plan import Announcement, Plan
from streams.recorder import Batch
from streams.settings import Settings, load_settings
from streams.store.database import Database
from streams.sweeper import Sweeper
from tests.chaos.mysql_proxy import Action, CutAtCommit, CutInside, MySqlProxy, RefuseAtCommit, Rule, writes
from tests.e2e import events
from tests.e2e.worker import eventually, read_all
from tests.integration.recorder_rig import Event, Rig, acknowledged, capture
from tests.unit.records import NOW_US

COMMITTED = CutAtCommit()
NOT_COMMITTED: list[Action] = [RefuseAtCommit(2013), CutInside()]


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[MySqlProxy]:
    """The recorder's only way to the database; the fixture `database` goes straight."""
    if settings.database.host != LOOPBACK or settings.database.tls:
        pytest.skip("the proxy stands before a server of the suite's own")
    async with MySqlProxy(settings.database.port) as proxy:
        yield proxy


@pytest.fixture
async def rig(settings: Settings, database: Database, topics: list[str], proxy: MySqlProxy) -> AsyncIterator[Rig]:
    url = settings.database_url.get_secret_value().replace(f":{settings.database.port}/", f":{proxy.port}/")
    through = load_settings(
        kafka_bootstrap=settings.kafka_bootstrap, database_url=url, topic_prefix=settings.topic_prefix
    )
    async with Database(through) as proxied:
        rig = Rig(through, proxied)
        await rig.announcer.start()
        await rig.recorder.start()
        yield rig
        await rig.recorder.stop()
        await rig.announcer.stop()


def once(action: Action, unless: bytes = b"/old", then: Callable[[], None] = lambda: None) -> Rule:
    """The fault for the first transaction that is without this text, and what happens along with it."""
    waiting = [action]

    def rule(text: bytes) -> Action | None:
        if not waiting or not writes(text) or unless in text:
            return None
        then()
        return waiting.pop()

    return rule


async def announced(settings: Settings, topic: str) -> list[dict[str, Any]]:
    return [json.loads(message.value) for message in await read_all(settings, topic)]


async def violated_paths(settings: Settings) -> list[str]:
    return sorted(violation["subject"] for violation in await announced(settings, "violations.v1"))


async def outbox_empties(database: Database) -> None:
    async def empty() -> bool:
        return not await database.fetch_all("SELECT id FROM outbox")

    await eventually(empty, 30, "what is announced is forgotten")


@pytest.mark.parametrize("action", [COMMITTED, *NOT_COMMITTED])
async def test_a_verdict_and_a_violation_come_with_the_connection(
    action: Action, rig: Rig, settings: Settings, database: Database, proxy: MySqlProxy
) -> None:
    files = await rig.plans([capture("/tmp/x"), capture("/srv/y", 2)])
    submissions = await rig.plans([json.dumps(events.submission(Random(1), "s-1")).encode()], rig.submissions)
    proxy.rule = once(action)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, files), Batch(Event(), rig.submissions, submissions)])
    await eventually(lambda: acknowledged(event), 30, "the group is acknowledged")
    assert proxy.acted == 1
    (verdict,), (violation,) = await announced(settings, "verdicts.v1"), await announced(settings, "violations.v1")
    assert (verdict["submission_id"], verdict["verdict"]) == ("s-1", "accepted")
    assert [row["id"] for row in await rig.rows("metadata_violations")] == [violation["id"]]
    assert [row["id"] for row in await rig.rows("submissions")] == [verdict["decision_id"]]
    assert len(await rig.rows("filesystem_timestamps")) == 2
    assert not any(plan.duplicate for plan in [*files, *submissions])
    await outbox_empties(database)


async def test_what_was_stored_before_is_not_announced_again(rig: Rig, settings: Settings, proxy: MySqlProxy) -> None:
    await rig.record([capture("/tmp/old")])
    again = await rig.plans([capture("/tmp/old"), capture("/tmp/new", 2)], offset=1)
    proxy.rule = once(COMMITTED)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, again)])
    await eventually(lambda: acknowledged(event), 30, "the group is acknowledged")
    assert [plan.duplicate for plan in again] == [True, False]
    assert await violated_paths(settings) == ["host:/tmp/new", "host:/tmp/old"]


async def test_what_was_swept_meanwhile_is_left_to_the_sweeper(
    rig: Rig, settings: Settings, database: Database, proxy: MySqlProxy
) -> None:
    plans = await rig.plans([capture("/tmp/x")])
    sweeper = Sweeper(settings, database, rig.announcer)

    def goes_away() -> None:
        proxy.refuses = True

    async def swept() -> bool:
        return await sweeper.sweep(age_seconds=0) == 1

    proxy.rule = once(COMMITTED, then=goes_away)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, plans)])
    await eventually(swept, 30, "another worker sweeps")
    assert not event.acknowledged
    proxy.mend()
    await eventually(lambda: acknowledged(event), 30, "the group is acknowledged")
    assert await violated_paths(settings) == ["host:/tmp/x"]
    assert len(await rig.rows("filesystem_timestamps")) == len(await rig.rows("metadata_violations")) == 1


async def test_a_group_of_halves_is_announced_without_the_refused(
    rig: Rig, settings: Settings, database: Database, proxy: MySqlProxy
) -> None:
    await database.execute(
        "ALTER TABLE filesystem_timestamps ADD CONSTRAINT no_poison CHECK (file_path NOT LIKE '%%poison%%')"
    )
    values: list[bytes | None] = [capture(f"/tmp/{number}", number) for number in range(8)]
    values[5] = capture("/tmp/poison", 5)
    proxy.rule = once(COMMITTED, unless=b"/tmp/poison")
    await rig.record(values)
    assert proxy.acted == 1
    assert await violated_paths(settings) == [f"host:/tmp/{number}" for number in range(8) if number != 5]
    assert len(await read_all(settings, "filesystem-timestamps.v1.dlq")) == 1
    await outbox_empties(database)


async def test_a_group_whose_partitions_moved_meanwhile_is_announced_by_whoever_sweeps(
    rig: Rig, settings: Settings, database: Database, proxy: MySqlProxy
) -> None:
    event = Event()

    def moves() -> None:
        event.app.consumer_generation_id = 2

    proxy.rule = once(COMMITTED, then=moves)
    await rig.recorder.put([Batch(event, rig.flow, await rig.plans([capture("/tmp/x")]))])
    await rig.record([capture("/srv/y", 2)], offset=1)  # the next group, of a partition that stayed
    assert not event.acknowledged
    assert await violated_paths(settings) == []
    assert await Sweeper(settings, database, rig.announcer).sweep(age_seconds=0) == 1
    assert await violated_paths(settings) == ["host:/tmp/x"]


async def test_what_has_no_rows_to_be_known_by_is_recognised_too(
    rig: Rig, settings: Settings, database: Database, proxy: MySqlProxy
) -> None:
    topic = settings.topic("clock-sync.v1")
    plan = Plan(TimerRecord(topic, 0, 0, NOW_US // 1000), from_timer=True)
    plan.announcements.append(Announcement("drift-alerts.v1", "api", b'{"alert_id":"a"}'))
    proxy.rule = once(COMMITTED)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, [plan])])
    await eventually(lambda: acknowledged(event), 30, "the group is acknowledged")
    assert await announced(settings, "drift-alerts.v1") == [{"alert_id": "a"}]
    await outbox_empties(database)
