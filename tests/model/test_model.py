"""Duplicates, reordering and crashes at every moment, in any order that hypothesis thinks of, against a plain oracle.

COCKPIT_MODEL_EXAMPLES=5000 runs it for longer than the suite has time for.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pymysql.err
from hypothesis import HealthCheck, Phase, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from streams.settings import Settings
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.sweeper import Sweeper
from tests.bad_input.case import event_id
from tests.model import oracle
from tests.model.oracle import CLOCKS, FILES, SUBMISSIONS, Sent
from tests.model.worker import Life, Moment, Topics

EXAMPLES = int(os.environ.get("COCKPIT_MODEL_EXAMPLES", "250"))
TABLES = (
    "filesystem_timestamps", "clock_sync_status", "clock_states", "submissions", "metadata_violations",
    "violation_incidents", "violation_transitions", "violation_counts", "outbox",
)  # fmt: skip
PARTITIONS = 2
HOSTS = ("build-00", "build-01")
"""One in each partition, as their keys are."""
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
BAD = (
    (None, "tombstone"),
    (b"{", "invalid_json"),
    (b"\xff", "invalid_encoding"),
    (b"{}", "invalid"),
    (b"x" * 20_000, "too_large"),
)
MOMENTS: tuple[Moment, ...] = ("never", "never", "judged", "writing", "committed", "announced")


class Servers:
    """A loop and a database that all examples share."""

    def __init__(self, settings: Settings, runner: asyncio.Runner) -> None:
        self.settings, self.runner = settings, runner
        self.database = Database(settings)
        self.onlooker = Database(settings, connections=2)
        """Of the test itself: its connections are not cut."""

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)


@contextmanager
def serving(settings: Settings) -> Iterator[Servers]:
    with asyncio.Runner() as runner:
        servers = Servers(settings, runner)

        async def begin() -> None:
            await servers.onlooker.open()
            await migrate(servers.onlooker)
            await servers.database.open()

        runner.run(begin())
        try:
            yield servers
        finally:
            runner.run(servers.database.close())
            runner.run(servers.onlooker.close())


class Machine(RuleBasedStateMachine):
    """A log for each partition of each topic, offsets that are committed, and one worker at a time."""

    servers: Servers

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Sent] = []
        self.places = {(topic, n): 0 for topic in (FILES, CLOCKS, SUBMISSIONS) for n in range(PARTITIONS)}
        self.committed = dict(self.places)
        self.topics = Topics()
        self.numbers = 0

    @initialize()
    def begin(self) -> None:
        async def begin() -> None:
            for table in TABLES:
                await self.servers.onlooker.execute(f"DELETE FROM {table}")

        self.servers.run(begin())
        self._live()

    def _live(self) -> None:
        self.life = Life(self.servers.settings, self.servers.database, self.topics)

        async def start() -> None:
            self.life.start()

        self.servers.run(start())

    # --- what producers do

    @rule(
        host=st.sampled_from(HOSTS),
        paths=st.lists(st.sampled_from(["/tmp/a", "/a", "/b", "/tmp/b"]), min_size=1, max_size=3),
        minute=st.integers(0, 1000),
        mtime=st.integers(-5, 5),
    )
    def capture(self, host: str, paths: list[str], minute: int, mtime: int) -> None:
        """Of any time, so that captures come late as well."""
        files = [
            {"file_path": path, "atime_ns": 1, "mtime_ns": mtime, "ctime_ns": 3 + n} for n, path in enumerate(paths)
        ]
        event = {"host": host, "captured_at": self._at(minute), "files": files}
        self._send(FILES, HOSTS.index(host), host, event)

    @rule(
        clock=st.sampled_from(HOSTS),
        minute=st.integers(0, 500),
        offset=st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
    )
    def reading(self, clock: str, minute: int, offset: int) -> None:
        at = self._at(minute, self.numbers)  # no two readings of one moment: which is newer would be open
        event = {"component_name": clock, "protocol": "NTP", "offset_microseconds": offset, "last_sync_at": at}
        self._send(CLOCKS, HOSTS.index(clock), clock, event)

    @rule(number=st.integers(0, 3), version=st.sampled_from(["1.0.0", "1.0.1", "one"]), dry=st.booleans())
    def submit(self, number: int, version: str, dry: bool) -> None:
        document = {"path": "docs/a.md", "sha256": "ab" * 32, "metadata": {"version": version}}
        event = {"submission_id": f"s-{number}", "submitter": "a", "submitted_at": self._at(1), "dry_run": dry,
                 "documents": [document]}  # fmt: skip
        self._send(SUBMISSIONS, number % PARTITIONS, f"s-{number}", event)

    @rule(topic=st.sampled_from([FILES, CLOCKS, SUBMISSIONS]), partition=st.integers(0, 1), bad=st.sampled_from(BAD))
    def send_bad(self, topic: str, partition: int, bad: tuple[bytes | None, str]) -> None:
        self._append(topic, partition, "k", *bad)

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A producer that did not hear the acknowledgement."""
        if self.log:
            sent = data.draw(st.sampled_from(self.log))
            self._append(sent.topic, sent.partition, sent.key.decode(), sent.value, sent.reason)

    def _send(self, topic: str, partition: int, key: str, event: dict[str, Any]) -> None:
        self.numbers += 1
        event = {"event_id": event_id(self.numbers), **event}
        self._append(topic, partition, key, json.dumps(event).encode(), "")

    def _append(self, topic: str, partition: int, key: str, value: bytes | None, reason: str) -> None:
        offset = sum((sent.topic, sent.partition) == (topic, partition) for sent in self.log)
        self.log.append(Sent(topic, partition, offset, key.encode(), value, reason))

    def _at(self, minute: int, microseconds: int = 0) -> str:
        return (MIDNIGHT + timedelta(minutes=minute, microseconds=microseconds)).isoformat()

    # --- what the worker does, and what is done to it

    @rule(topic=st.sampled_from([FILES, CLOCKS, SUBMISSIONS]), most=st.integers(1, 8), end=st.sampled_from(MOMENTS),
          after=st.sampled_from([0.0, 0.001, 0.003, 0.01]))  # fmt: skip
    def work(self, topic: str, most: int, end: Moment, after: float) -> None:
        """Take up to so many records of both partitions, and perhaps die of it."""
        batches = [batch for number in range(PARTITIONS) if (batch := self._waiting(topic, number)[:most])]
        if not batches:
            return
        if self.servers.run(self.life.take(batches, end, after)):
            for batch in batches:
                self.places[topic, batch[0].partition] = batch[-1].offset + 1
        else:
            note(f"died when {end}")
            self._die()

    def _waiting(self, topic: str, partition: int) -> list[Sent]:
        place = self.places[topic, partition]
        return [
            sent for sent in self.log if (sent.topic, sent.partition) == (topic, partition) and sent.offset >= place
        ]

    @rule()
    def commit(self) -> None:
        self.committed = dict(self.places)

    @rule()
    def die(self) -> None:
        """With nothing in hand: what was not committed comes again."""
        self._die()

    def _die(self) -> None:
        self.servers.run(self.life.crash())
        self.places = dict(self.committed)
        self._live()

    @rule()
    def rebalance(self) -> None:
        """Partitions move away and back: uncommitted records come again, and memory must not be trusted."""
        self.life.forget()
        self.places = dict(self.committed)

    @rule(topic=st.sampled_from([FILES, CLOCKS, SUBMISSIONS]))
    def wake_as_zombie(self, topic: str) -> None:
        """A batch of an earlier generation is judged and put: it must leave no trace."""
        if waiting := self._waiting(topic, 0)[:3]:
            before = self.servers.run(self._sizes())
            self.servers.run(self.life.put_of_another_generation(waiting))
            assert self.servers.run(self._sizes()) == before

    async def _sizes(self) -> dict[str, int]:
        """How many rows each table has. Announced packages are deleted at any time."""
        fetch = self.servers.onlooker.fetch_all
        counted = {table: await fetch(f"SELECT COUNT(*) AS n FROM {table}") for table in TABLES if table != "outbox"}
        return {table: row["n"] for table, (row,) in counted.items()}

    @rule()
    def lose_connections(self) -> None:
        """The database closes every connection of the pool."""

        async def kill() -> None:
            async with self.servers.onlooker.connection() as connection, connection.cursor() as cursor:
                await cursor.execute(
                    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
                )
                for (number,) in await cursor.fetchall():
                    with suppress(pymysql.err.OperationalError):  # it may have closed itself meanwhile
                        await cursor.execute(f"KILL {int(number)}")

        self.servers.run(kill())

    # --- what must be true in the end

    def teardown(self) -> None:
        if not hasattr(self, "life"):
            return
        for topic in (FILES, CLOCKS, SUBMISSIONS):
            while batches := [batch for number in range(PARTITIONS) if (batch := self._waiting(topic, number)[:50])]:
                assert self.servers.run(self.life.take(batches, "never", 0.0))
                for batch in batches:
                    self.places[topic, batch[0].partition] = batch[-1].offset + 1
        self.servers.run(self.life.crash())
        self.servers.run(self._compare())

    async def _compare(self) -> None:
        await Sweeper(self.servers.settings, self.servers.onlooker, self.topics).sweep(age_seconds=0)  # type: ignore[arg-type]
        log, fetch = self.log, self.servers.onlooker.fetch_all
        assert oracle.files(log) == sorted(
            (row["event_id"], row["host"], row["file_path"], row["mtime_ns"])
            for row in await fetch("SELECT * FROM filesystem_timestamps")
        )
        assert oracle.readings(log) == sorted(
            (row["event_id"], row["component_name"], row["offset_microseconds"])
            for row in await fetch("SELECT * FROM clock_sync_status")
        )
        assert oracle.clocks(log) == {
            row["component_name"]: row["offset_microseconds"] for row in await fetch("SELECT * FROM clock_states")
        }
        stored = await fetch("SELECT * FROM submissions")
        verdicts = {
            (row["submission_id"], _version(row), bool(row["dry_run"])): (row["verdict"], row["reason"])
            for row in stored
        }
        assert (len(stored), verdicts) == (len(verdicts), oracle.submissions(log))
        await self._compare_announced(stored)

    async def _compare_announced(self, stored: list[dict[str, Any]]) -> None:
        fetch = self.servers.onlooker.fetch_all
        rows = await fetch("SELECT v.id, v.subject FROM metadata_violations v")
        sent = [message for message in self.topics.sent if message.topic.endswith("violations.v1")]
        said = {json.loads(message.value or b"")["id"]: json.loads(message.value or b"") for message in sent}
        assert said.keys() == {row["id"] for row in rows}, "each violation is announced, and nothing else"
        assert sorted((one["standard_code"], one["subject"]) for one in said.values()) == oracle.violations(self.log)
        (counted,) = await fetch("SELECT COALESCE(SUM(violation_count), 0) AS n FROM violation_counts")
        assert counted["n"] == len(rows)
        verdicts: dict[str, set[bytes | None]] = {}
        for message in self.topics.sent:
            if message.topic.endswith("verdicts.v1"):
                verdicts.setdefault(json.loads(message.value or b"")["decision_id"], set()).add(message.value)
        assert verdicts.keys() == {row["id"] for row in stored}, "each submission is answered"
        assert Counter(map(len, verdicts.values())).keys() <= {1}, "and never in two ways"
        letters = {}
        for message in self.topics.sent:
            if message.topic.endswith(".dlq"):
                headers = {name: (value or b"").decode() for name, value in message.headers}
                place = message.topic.removesuffix(".dlq"), message.source_partition, headers["__dlq.errors.offset"]
                letters[place] = headers["dlq.reason"]
        topic_of = self.servers.settings.topic
        assert letters == {
            (topic_of(topic), partition, str(offset)): reason
            for (topic, partition, offset), reason in oracle.dead(self.log).items()
        }


def _version(row: dict[str, Any]) -> str:
    return str(json.loads(row["document_contents"])[0]["metadata"]["version"])


def run_histories(settings: Settings, most: int, *phases: Phase) -> None:
    """So many histories of up to 40 steps; raises what the first wrong one raises."""
    with serving(settings) as servers:
        machine = type("Machine", (Machine,), {"servers": servers})
        run_state_machine_as_test(
            machine,
            settings=hypothesis_settings(
                max_examples=most,
                stateful_step_count=40,
                deadline=None,
                derandomize=most <= 250,
                phases=phases,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_nothing_is_lost_doubled_or_said_in_two_ways(settings: Settings) -> None:
    run_histories(settings, EXAMPLES, Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
