"""Incidents on a real database: kept by what workers store, resolved by what passes, waived and given back."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from streams.errors import UserError
from streams.identity import fingerprint
from streams.incident_keeper import IncidentKeeper
from streams.judges.incidents import STATUSES, Incident, Waiver, require_step
from streams.plan import Plan
from streams.settings import Settings
from streams.standards.planning import plan_changes
from streams.store import incident_waivers as waiving
from streams.store import incident_work as work
from streams.store import registry, reports
from streams.store.database import Database
from streams.store.incident_work import Move
from streams.store.migrate import all_migrations
from streams.store.transaction import AlreadyStored, Transactions
from streams.times import microseconds
from tests.integration.incidents_rig import BAD, CLOCK, DOCUMENT, FILE, GOOD, Rig, spec

PASSED = ("open", "resolved", "cockpit")
REOPENED = ("resolved", "open", "cockpit")


@pytest.fixture
async def rig(settings: Settings, database: Database) -> Rig:
    return await Rig.on(settings, database)


async def person(rig: Rig, to: str, name: str = FILE) -> None:
    def decide(incident: Incident) -> Move:
        require_step(incident, to)
        return Move(to, "ann", "because")

    await work.move(rig.database, [name], decide)
    assert await work.settle(rig.database, [name]) == 0


async def test_a_violation_is_counted_once_with_its_samples(rig: Rig) -> None:
    plans = await rig.store(rig.file(BAD, 10), rig.file(BAD, 30), rig.file(BAD, 20))
    incident = await rig.incident()
    assert await rig.status() == ("open", 3, ["open"] * 3)
    assert (incident["code"], incident["subject"], incident["field"]) == ("FS-INC-001", "host:/srv/a", "git_commit_sha")
    assert (incident["first_offset"], incident["last_offset"]) == (1, 2)
    assert incident["first_seen"] == (rig.base + timedelta(seconds=10)).replace(tzinfo=None)
    assert incident["last_seen"] == (rig.base + timedelta(seconds=30)).replace(tzinfo=None)
    with pytest.raises(AlreadyStored):
        await rig.transactions.write(plans)
    with pytest.raises(AlreadyStored):
        await rig.transactions.write([*await rig.plans(rig.file(BAD, 40)), plans[0]])
    assert await rig.status() == ("open", 3, ["open"] * 3)
    # Its own rows were deleted, its violations kept: only what is new is counted.
    await rig.database.execute("DELETE FROM filesystem_timestamps")
    (fresh,) = await rig.plans(rig.file(BAD, 50))
    await rig.transactions.write([*plans, fresh], over_old_violations=True)
    assert await rig.status() == ("open", 4, ["open"] * 4)


async def test_one_transaction_adds_up_the_violations_of_an_incident(rig: Rig) -> None:
    plans = await rig.plans(*(rig.file(BAD, second, f"/srv/{second % 3}") for second in range(30)))
    await rig.transactions.write(plans)
    rows = await rig.database.fetch_all("SELECT occurrences FROM violation_incidents")
    assert [row["occurrences"] for row in rows] == [10, 10, 10]


async def test_what_passes_is_resolved_and_what_breaks_again_is_reopened(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10))
    assert await rig.keeper.keep() == 0
    await rig.store(rig.file(GOOD, 20))
    assert await rig.keeper.keep() == 1
    assert await rig.keeper.keep() == 0
    assert await rig.status() == ("resolved", 1, ["resolved"])
    await rig.store(rig.file(BAD, 30))
    await rig.keeper.keep()
    assert await rig.status() == ("open", 2, ["resolved", "open"])
    assert (await rig.incident())["episode"] == 1
    await rig.store(rig.file(GOOD, 40))
    await rig.keeper.keep()
    assert await rig.log() == [PASSED, REOPENED, PASSED]
    reasons = [row["reason"] for row in await reports.incident_log(rig.database, FILE)]
    topic = rig.settings.topic("filesystem-timestamps.v1")
    assert reasons == [f"passed again: {topic} 1/2", f"violated again: {topic} 1/3", f"passed again: {topic} 1/4"]


async def test_after_the_window_a_new_episode_begins(settings: Settings, database: Database) -> None:
    rig = await Rig.on(settings, database, reopen_seconds=0)
    await rig.store(rig.file(BAD, 10), rig.file(GOOD, 20))
    await rig.keeper.keep()
    await rig.store(rig.file(BAD, 30))
    await rig.keeper.keep()
    assert await rig.status() == ("open", 2, ["resolved", "open"])
    assert (await rig.incident())["episode"] == 2
    assert await rig.log() == [PASSED, REOPENED]


async def test_records_out_of_order_resolve_and_reopen_nothing(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 20), rig.file(GOOD, 10))
    assert await rig.keeper.keep() == 0  # it passed before it broke
    await rig.store(rig.file(GOOD, 20))
    assert await rig.keeper.keep() == 0  # of the same moment: which came first is not known
    await rig.store(rig.file(GOOD, 40))
    await rig.keeper.keep()
    await rig.store(rig.file(BAD, 30))  # late: it has passed since
    await rig.keeper.keep()
    assert await rig.status() == ("resolved", 2, ["resolved"] * 2)
    assert await rig.log() == [PASSED]
    await rig.store(rig.file(BAD, 50, "/srv/b"), rig.file(GOOD, 60, "/srv/c"))
    assert await rig.keeper.keep() == 0  # of another path


async def test_a_late_violation_of_what_has_passed_since_is_resolved(rig: Rig) -> None:
    await rig.store(rig.file(GOOD, 40), rig.file(BAD, 30))
    await rig.database.execute("UPDATE standard_history SET created_at = created_at - INTERVAL 1 MINUTE")
    await rig.keeper.keep()
    assert await rig.status() == ("resolved", 1, ["resolved"])


async def test_a_capture_from_the_future_holds_no_incident_open(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 100_000))
    assert (await rig.incident())["last_seen"] < datetime.now(UTC).replace(tzinfo=None)
    await rig.store(rig.file(GOOD, 1900))  # after the arrival, and less than an hour ahead
    await rig.keeper.keep()
    assert (await rig.status())[0] == "resolved"


async def test_nothing_passes_a_rule_that_does_not_judge(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10))
    await rig.step("FS-INC-001", "suspended")
    await rig.store(rig.file(GOOD, 20))
    assert await rig.keeper.keep() == 0
    await rig.step("FS-INC-001", "active")
    assert await rig.keeper.keep() == 0  # that capture was stored while nobody judged it
    await rig.store(rig.file(BAD, 30), rig.file(GOOD, 40))
    await rig.keeper.keep()
    assert await rig.status() == ("resolved", 2, ["resolved"] * 2)


async def test_a_version_that_takes_the_subject_in_is_passed_and_one_that_looks_away_is_not(rig: Rig) -> None:
    async def change(**more: str) -> None:
        new = spec("FS-INC-001", "filesystem", "git_commit_sha", "^[ab]", status="active", **more)
        await registry.change(rig.database, "test", "", lambda versions: plan_changes(versions, [new]))
        await rig.cache.refresh()

    await rig.store(rig.file(BAD, 10))
    await change(path_glob="/opt/**")
    await rig.store(rig.file(BAD, 20))
    assert await rig.keeper.keep() == 0
    await change()
    await rig.store(rig.file(BAD, 30))
    await rig.keeper.keep()
    assert await rig.status() == ("resolved", 1, ["resolved"])


async def test_a_clock_passes_when_all_its_protocols_do(rig: Rig) -> None:
    await rig.store(rig.reading(9, 10, "Server"), rig.reading(9, 20, "NTP"))
    await rig.store(rig.reading(2, 30, "NTP"))
    assert await rig.keeper.keep() == 0  # the last reading of Server broke the rule
    await rig.store(rig.reading(2, 15, "Server"))
    assert await rig.keeper.keep() == 1
    assert await rig.status(CLOCK) == ("resolved", 2, ["resolved"] * 2)
    await rig.store(rig.reading(9, 25, "Server"))  # late beside NTP's reading, and news of Server
    await rig.keeper.keep()
    assert (await rig.status(CLOCK))[0] == "resolved"
    await rig.store(rig.reading(9, 40, "Server"))
    await rig.keeper.keep()
    assert await rig.log(CLOCK) == [PASSED, REOPENED]


async def test_a_document_passes_with_a_newer_verdict(rig: Rig) -> None:
    await rig.store(rig.submission("Lost", 10), rig.submission("Active", 5))
    assert await rig.keeper.keep() == 0
    dry = rig.submission("Active", 15) | {"dry_run": True}
    await rig.store(dry)
    assert await rig.keeper.keep() == 0  # a question, not a submission
    await rig.store(rig.submission("Active", 20))
    assert await rig.keeper.keep() == 1
    assert await rig.status(DOCUMENT) == ("resolved", 1, ["resolved"])
    await rig.store(rig.submission("Lost", 30), rig.submission("Active", 40))
    assert await rig.keeper.keep() == 1
    assert await rig.log(DOCUMENT) == [PASSED, REOPENED, PASSED]


async def test_held_categories_are_left_to_people(settings: Settings, database: Database) -> None:
    rig = await Rig.on(settings.model_copy(update={"incident_hold_categories": "other, test"}), database)
    await rig.store(rig.file(BAD, 10), rig.file(GOOD, 20))
    assert await rig.keeper.keep() == 0
    await person(rig, "resolved")
    assert await rig.log() == [("open", "resolved", "ann")]


async def test_what_people_decide_holds_for_what_comes(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10))
    await person(rig, "acknowledged")
    await rig.store(rig.file(BAD, 20))
    await rig.keeper.keep()
    assert await rig.status() == ("acknowledged", 2, ["acknowledged"] * 2)
    await person(rig, "false_positive")
    await rig.store(rig.file(BAD, 30), rig.file(GOOD, 40))
    await rig.keeper.keep()
    assert await rig.status() == ("false_positive", 3, ["false_positive"] * 3)
    await person(rig, "open")
    assert await rig.status() == ("open", 3, ["open"] * 3)
    await person(rig, "resolved")
    await rig.store(rig.file(BAD, 35))
    await rig.keeper.keep()
    assert (await rig.log())[-1] == PASSED  # opened by the violation, and passed by the capture of 40
    assert (await rig.log())[-2] == REOPENED


async def waive(rig: Rig, seconds: float, **scope: str) -> Waiver:
    ends_at_us = microseconds(datetime.now(UTC) + timedelta(seconds=seconds))
    parts = (scope.get(name) for name in ("fingerprint", "code", "field", "subject_glob"))
    waiver = Waiver(str(uuid4()), *parts, ends_at_us)
    await waiving.create(rig.database, waiver, "ann", "known", "ann", lambda incident: require_step(incident, "waived"))
    return waiver


async def end(rig: Rig, waiver: Waiver) -> None:
    """Let the waiver's time be over."""
    await rig.database.execute(
        "UPDATE violation_waivers SET ends_at = CURRENT_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = %s", (waiver.id,)
    )


async def test_a_waiver_takes_in_what_is_there_and_what_comes_until_it_ends(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10), rig.file(BAD, 10, "/opt/b"))
    waiver = await waive(rig, 3600, code="FS-INC-001", subject_glob="*:/srv/**")
    assert await rig.status() == ("waived", 1, ["waived"])
    await rig.store(rig.file(BAD, 20), rig.file(BAD, 20, "/srv/new"), rig.file(BAD, 20, "/opt/b"))
    await rig.keeper.keep()
    assert await rig.status() == ("waived", 2, ["waived"] * 2)
    counts = await rig.database.fetch_all("SELECT status, COUNT(*) AS n FROM violation_incidents GROUP BY status")
    assert {row["status"]: row["n"] for row in counts} == {"open": 1, "waived": 2}
    (report,) = await reports.compliance(rig.database, 30)
    assert (report["violation_count"], int(report["resolved_count"])) == (5, 0)
    await end(rig, waiver)
    await rig.keeper.keep()
    assert await rig.status() == ("open", 2, ["open"] * 2)
    assert await rig.log() == [("open", "waived", "ann"), ("waived", "open", "cockpit")]


async def test_a_waiver_forgives_in_the_verdict_and_the_violation_still_counts(rig: Rig) -> None:
    def verdict(plan: Plan) -> dict[str, Any]:
        (document,) = [message.value for message in plan.announcements if message.topic == "verdicts.v1"]
        return json.loads(document)  # type: ignore[no-any-return]

    (before,) = await rig.store(rig.submission("Bad", 10))
    assert (verdict(before)["verdict"], verdict(before)["counts"]["fail"]) == ("rejected", 1)
    waiver = await waive(rig, 3600, code="SUB-INC-001", subject_glob="docs/**")
    (within,) = await rig.store(rig.submission("Bad", 20))
    assert (verdict(within)["verdict"], verdict(within)["reason"]) == ("accepted", "passed_with_waivers")
    assert verdict(within)["counts"]["waived"] == 1
    assert len(verdict(within)["violation_ids"]) == 1
    await rig.keeper.keep()
    assert await rig.status(DOCUMENT) == ("waived", 2, ["waived"] * 2)  # forgiven is not passed
    await end(rig, waiver)
    (after,) = await rig.store(rig.submission("Bad", 30))
    assert verdict(after)["verdict"] == "rejected"


async def test_of_two_waivers_the_other_takes_over_and_a_revoked_one_gives_back(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10))
    first = await waive(rig, 3600, fingerprint=FILE)
    with pytest.raises(UserError, match="is waived already"):
        await waive(rig, 3600, fingerprint=FILE)
    second = await waive(rig, 7200, code="FS-INC-001")
    await end(rig, first)
    await rig.keeper.keep()
    assert ((await rig.incident())["status"], (await rig.incident())["waiver_id"]) == ("waived", second.id)
    await rig.store(rig.file(GOOD, 20))
    assert await waiving.revoke(rig.database, second.id, "bob", "fixed") == 1
    assert (await rig.status())[0] == "open"
    with pytest.raises(UserError, match="does not run"):
        await waiving.revoke(rig.database, second.id, "bob", "again")
    await rig.keeper.keep()
    assert await rig.status() == ("resolved", 1, ["resolved"])


async def test_of_two_people_one_decides(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10))
    answers = await asyncio.gather(*(person(rig, "acknowledged") for _ in range(5)), return_exceptions=True)
    assert [answer for answer in answers if answer is None] == [None]
    assert all("is acknowledged already" in str(answer) for answer in answers if answer is not None)
    assert await rig.log() == [("open", "acknowledged", "ann")]


async def test_keepers_writers_and_people_at_once_lose_nothing(settings: Settings, database: Database) -> None:
    await Rig.on(settings, database)
    async with Database(settings, connections=12) as many:
        rigs = [await Rig.on(settings, many) for _ in range(3)]
        turn = 0

        async def write(rig: Rig, number: int) -> None:
            nonlocal turn
            transactions = Transactions(many, 30)
            for second in range(20):
                made = [rig.file((BAD, GOOD)[second % 2], second + number / 10, f"/srv/{n}") for n in range(12)]
                plans = await rig.plans(*made)
                await transactions.write(plans)
                turn += 1

        writers = [asyncio.create_task(write(rig, number)) for number, rig in enumerate(rigs)]
        keepers = [IncidentKeeper(settings, many) for _ in range(2)]
        while not all(task.done() for task in writers):
            await asyncio.gather(*(keeper.keep() for keeper in keepers))
        await asyncio.gather(*writers)
        await rigs[0].keeper.keep()
        await rigs[0].keeper.keep()
    assert turn == 60
    await require_consistent(database)


async def happen(rig: Rig, random: Random, path: str, second: int, name: str, waivers: list[Waiver]) -> None:
    """One random thing."""
    match random.randrange(10):
        case 0 | 1 | 2:
            shas = random.choices((BAD, GOOD), k=random.randrange(1, 4))
            made = [rig.file(sha, second + n / 10, path) for n, sha in enumerate(shas)]
            await rig.transactions.write(await rig.plans(*made))
        case 3:
            await rig.store(rig.reading(random.choice((2, 9)), second), rig.submission("Lost", second))
        case 4 | 5:
            await rig.keeper.keep()
        case 6 | 7:
            await person(rig, random.choice(STATUSES[:3] + STATUSES[4:]), name)
        case 8:
            waivers.append(await waive(rig, 3600, code="FS-INC-001", subject_glob=f"host:{path}"))
        case _ if waivers:
            await end(rig, waivers.pop())


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_incidents_and_reports_are_what_was_recorded(rig: Rig, seed: int) -> None:
    random, waivers = Random(seed), []
    for turn in range(50):
        path, second = f"/srv/{random.randrange(4)}", random.randrange(0, 20) + turn
        name = fingerprint("FS-INC-001", f"host:{path}", "git_commit_sha")
        with suppress(UserError, AlreadyStored):  # steps that there are not, records that come again
            await happen(rig, random, path, second, name, waivers)
    for _ in range(3):
        await rig.keeper.keep()
    await require_consistent(rig.database)
    for row in await rig.database.fetch_all("SELECT fingerprint FROM violation_incidents"):
        status, log = (await rig.incident(row["fingerprint"]))["status"], await rig.log(row["fingerprint"])
        assert [step[1] for step in log[:-1]] == [step[0] for step in log[1:]]  # each step begins where one ended
        assert (log[0][0], log[-1][1]) == ("open", status) if log else status == "open"


async def test_what_was_recorded_before_has_incidents_too(rig: Rig) -> None:
    await rig.store(rig.file(BAD, 10), rig.file(BAD, 30), rig.file(BAD, 20), rig.file(BAD, 5, "/srv/b"))
    await rig.database.execute(
        "UPDATE metadata_violations SET status = 'resolved', resolved_at = CURRENT_TIMESTAMP(6) WHERE subject LIKE '%b'"
    )
    columns = "fingerprint, occurrences, first_seen, last_seen, severity, first_offset, last_offset, subject, code"
    query = f"SELECT {columns} FROM violation_incidents ORDER BY fingerprint"
    kept = await rig.database.fetch_all(query)
    await rig.database.execute("DELETE FROM violation_incidents")
    backfill = next(each for each in all_migrations() if each.number == 10).statements()[-1]
    await rig.database.execute(backfill)
    assert await rig.database.fetch_all(query) == kept
    statuses = await rig.database.fetch_all("SELECT subject, status FROM violation_incidents")
    assert {row["subject"]: row["status"] for row in statuses} == {"host:/srv/a": "open", "host:/srv/b": "resolved"}
    await rig.store(rig.file(BAD, 40, "/srv/b"))
    await rig.keeper.keep()
    await require_consistent(rig.database)


async def require_consistent(database: Database) -> None:
    """Incidents are exactly what their violations say, and settled ones agree with them."""
    kept = await database.fetch_all(
        "SELECT fingerprint, occurrences, first_seen, last_seen, first_detected_at, last_detected_at, severity"
        " FROM violation_incidents ORDER BY fingerprint"
    )
    there = await database.fetch_all(
        "SELECT fingerprint, COUNT(*) AS occurrences, MIN(event_time) AS first_seen, MAX(event_time) AS last_seen,"
        " MIN(detected_at) AS first_detected_at, MAX(detected_at) AS last_detected_at, MAX(severity) AS severity"
        " FROM metadata_violations GROUP BY fingerprint ORDER BY fingerprint"
    )
    assert kept == there
    odd = await database.fetch_all(
        "SELECT v.id, v.status, i.status AS wanted FROM metadata_violations AS v JOIN violation_incidents AS i"
        " ON i.fingerprint = v.fingerprint WHERE i.unsettled = 0 AND v.status NOT IN ('resolved', i.status)"
    )
    assert not odd
    assert not await database.fetch_all("SELECT 1 FROM violation_incidents WHERE unsettled = 1")
    assert await reports.compliance(database, 30) == await reports.compliance(database, 30, scan=True)
