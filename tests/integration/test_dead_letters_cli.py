"""`cockpit` as a process of its own: what reaches the terminal, the exit code and the topic."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from time import monotonic, time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.kafka.dead_letters import headers_of
from streams.kafka.topics import create_topics
from streams.plan import DeadLetter
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.unit.records import NOW_US, FakeRecord

EVIL = "e\x1b[31mvil\x1b]0;title\x07[bold red]\r\nforged line\x9b2J\u202e"
CLOCKS = "clock-sync.v1"
Headers = tuple[tuple[str, bytes | None], ...]
Cockpit = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def cockpit(settings: Settings) -> Cockpit:
    """Runs one command to its end; the database is there and empty, the topics are not."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COCKPIT_")},
        "COCKPIT_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "COCKPIT_DATABASE_URL": settings.database_url.get_secret_value(),
        "COCKPIT_TOPIC_PREFIX": settings.topic_prefix,
        "COLUMNS": "400",
    }

    def run(*arguments: str | bytes, code: int = 0, **extra: str) -> "subprocess.CompletedProcess[bytes]":
        ended = subprocess.run(
            [sys.executable, "-m", "streams", *arguments], env=environment | extra, capture_output=True, timeout=120
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert b"Traceback" not in ended.stderr
        return ended

    return run


def letter(
    settings: Settings, value: bytes | None, *, key: bytes | None = b"k", offset: int = 0, reason: str = "invalid_json",
    headers: Headers = (), source: str = CLOCKS, partition: int = 0,
) -> tuple[int, bytes | None, bytes | None, Headers]:  # fmt: skip
    """Partition, key, value and headers of a dead letter, as the worker writes it."""
    record = FakeRecord(value, settings.topic(source), partition, offset, key=key, headers=headers)
    return partition, key, value, headers_of(record, DeadLetter(reason, "decode", EVIL), "group", NOW_US)


def put(settings: Settings, *letters: tuple[int, bytes | None, bytes | None, Headers]) -> None:
    async def go() -> None:
        await create_topics(settings)
        async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, max_request_size=8_000_000) as producer:
            now_ms = int(time() * 1000)
            for number, (partition, key, value, headers) in enumerate(letters):
                # As a batch, for send() refuses a record without key and value.
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=now_ms + number, headers=list(headers))
                await (await producer.send_batch(batch, settings.topic(CLOCKS + ".dlq"), partition=partition))

    asyncio.run(go())


def inputs(settings: Settings) -> list[ConsumerRecord]:
    """All that lies in the clock input, partition by partition."""

    async def go() -> list[ConsumerRecord]:
        places = [TopicPartition(settings.topic(CLOCKS), number) for number in range(settings.topic_partitions)]
        async with AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            consumer.assign(places)
            total = sum((await consumer.end_offsets(places)).values())
            found: list[ConsumerRecord] = []
            while len(found) < total:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
        return sorted(found, key=lambda record: (record.partition, record.offset))

    return asyncio.run(go())


def assert_harmless(output: bytes) -> None:
    text = output.decode()
    assert "forged line" in text  # it was shown
    assert "\nforged line" not in text
    assert {char for char in text if not char.isprintable()} <= {"\n"}


def test_nothing_of_a_letter_acts_on_the_terminal(cockpit: Cockpit, settings: Settings) -> None:
    evil = EVIL.encode()
    put(
        settings,
        letter(settings, evil, key=evil, reason=EVIL, headers=(("trace\x1b[2J", evil), ("gone", None))),
        letter(settings, json.dumps({"subject": EVIL}, ensure_ascii=False).encode()),
    )
    listed = cockpit("dlq", "list").stdout
    assert_harmless(listed)
    assert "[bold red]" in listed.decode()
    assert_harmless(cockpit("dlq", "list", "--json").stdout)
    shown = cockpit("dlq", "show", CLOCKS, "0", "0").stdout
    assert_harmless(shown)
    assert b"gone: null" in shown
    assert_harmless(cockpit("dlq", "show", CLOCKS, "0", "1").stdout)
    assert cockpit("dlq", "show", CLOCKS, "0", "0", "--raw").stdout == evil
    for arguments in (
        ("list", evil),
        ("show", evil, "0", "0"),
        ("list", "a\udcffb".encode("utf-8", "surrogateescape")),
    ):
        told = cockpit("dlq", *arguments, code=2).stderr.decode()
        assert told.count("\n") == 1
        assert told[:-1].isprintable()


def test_the_newest_letters_are_listed_and_all_are_counted(cockpit: Cockpit, settings: Settings) -> None:
    put(settings, *(letter(settings, b"v", offset=n, partition=n % 3, source=CLOCKS) for n in range(9)))
    listed = cockpit("dlq", "list", settings.topic(CLOCKS + ".dlq"), "--limit", "2").stdout.decode()
    assert "9 dead letters, the newest 2 are shown (invalid_json: 9)" in listed
    source = settings.topic(CLOCKS)
    assert listed.index(f"{source} 1:7") < listed.index(f"{source} 2:8")
    assert f"{source} 0:6" not in listed
    everything = [json.loads(line) for line in cockpit("dlq", "list", "--json").stdout.splitlines()]
    assert sorted(row["source_offset"] for row in everything) == list(range(9))
    assert len(cockpit("dlq", "list", "--json", "--limit", "4").stdout.splitlines()) == 4
    assert cockpit("dlq", "list", "--reason", "other").stdout == b"0 dead letters\n"


def test_replay_restores_key_value_headers_and_partition(cockpit: Cockpit, settings: Settings) -> None:
    own: Headers = (("traceparent", b"00-1"), ("twice", b"1"), ("twice", b"\xff"), ("none", None))
    put(
        settings,
        letter(settings, b"\x00\xff", key=b"\xfe", headers=own, partition=2),
        letter(settings, None, key=None, partition=1),
        letter(settings, b"", key=None, partition=3),
        letter(settings, b"forged count", headers=(("dlq.replays", "²".encode()),), partition=3),
        letter(settings, b"4 times", headers=(("dlq.replays", b"4"),), partition=3),
        letter(settings, b"5 times", headers=(("dlq.replays", b"5"),), partition=3),
        letter(settings, b"", headers=(("dlq.value_sha256", b"ab"),)),
        letter(settings, b"elsewhere", source="violations.v1"),
    )
    dry = cockpit("dlq", "replay", CLOCKS, "--dry-run", code=1)
    assert dry.stdout == b"would replay 5 of 8 dead letters\n"
    assert inputs(settings) == []
    ended = cockpit("dlq", "replay", CLOCKS, code=1)
    assert ended.stdout == b"replayed 5 of 8 dead letters\n"
    told = ended.stderr.decode()
    assert told.count("not replayed") == 3
    for words in ("is a stub", "no input topic of ours", "was replayed 5 times already"):
        assert words in told
    assert [(record.partition, record.key, record.value, record.headers) for record in inputs(settings)] == [
        (1, None, None, (("dlq.replays", b"1"),)),
        (2, b"\xfe", b"\x00\xff", (*own, ("dlq.replays", b"1"))),
        (3, None, b"", (("dlq.replays", b"1"),)),
        (3, b"k", b"forged count", (("dlq.replays", b"1"),)),
        (3, b"k", b"4 times", (("dlq.replays", b"5"),)),
    ]
    assert b"replayed 1 of 1" in cockpit("dlq", "replay", CLOCKS, "--partition", "3", "--offset", "3", "--force").stdout
    assert b"no such dead letter" in cockpit("dlq", "replay", "--partition", "3", "--offset", "99", code=2).stderr
    assert b"name both" in cockpit("dlq", "replay", "--offset", "3", code=2).stderr


def test_replay_keeps_to_its_limit_and_its_rate(cockpit: Cockpit, settings: Settings) -> None:
    put(settings, *(letter(settings, str(number).encode(), offset=number) for number in range(30)))
    began = monotonic()
    assert b"replayed 20 of 20" in cockpit("dlq", "replay", "--limit", "20", "--rate", "10").stdout
    assert monotonic() - began >= 2
    assert [record.value for record in inputs(settings)] == [str(number).encode() for number in range(20)]


def test_a_record_that_its_topic_no_longer_takes_is_told_and_no_stub_is_sent(
    cockpit: Cockpit, settings: Settings
) -> None:
    put(settings, letter(settings, os.urandom(200_000)), letter(settings, b"small"))

    async def shrink() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        await admin.start()
        try:
            limit = ConfigResource(
                ConfigResourceType.TOPIC, settings.topic(CLOCKS), configs={"max.message.bytes": "100000"}
            )
            await admin.alter_configs([limit])
        finally:
            await admin.close()

    asyncio.run(shrink())
    ended = cockpit("dlq", "replay", CLOCKS, code=1)
    assert ended.stdout == b"replayed 1 of 2 dead letters\n"
    assert b"larger than the max.message.bytes" in ended.stderr
    assert [record.value for record in inputs(settings)] == [b"small"]


def test_mistakes_are_one_line(cockpit: Cockpit, settings: Settings) -> None:
    def told(*arguments: str | bytes, **extra: str) -> str:
        text = cockpit(*arguments, code=2, **extra).stderr.decode()
        assert text.startswith("cockpit: ")
        assert text.count("\n") == 1
        return text

    assert "run `cockpit topics create`" in told("dlq", "list")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes the port
        nowhere = f"127.0.0.1:{closed.getsockname()[1]}"
        for arguments in (("dlq", "list"), ("dlq", "show", CLOCKS, "0", "0"), ("dlq", "replay")):
            assert nowhere in told(*arguments, COCKPIT_KAFKA_BOOTSTRAP=nowhere)
    put(settings, letter(settings, b"v"))
    for partition, offset in (("0", "1"), ("3", "0"), ("77", "0")):
        assert "holds no dead letter" in told("dlq", "show", CLOCKS, partition, offset)
    for arguments in (("violations", "list"), ("violations", "show", "x"), ("report", "compliance"), ("report", "slo")):
        assert "cockpit migrate" in told(*arguments)


def test_nothing_of_a_violation_acts_on_the_terminal(cockpit: Cockpit, settings: Settings) -> None:
    async def fill() -> None:
        async with Database(settings) as database:
            await migrate(database)
            await insert_missing(database, seed_standards())
            (row,) = await database.fetch_all("SELECT id FROM metadata_standards WHERE code = 'CLK-OFFSET'")
            await database.execute(
                "INSERT INTO metadata_violations"
                " (id, standard_id, standard_version, subject, field, observed, expected, severity,"
                " fingerprint, evidence, ruleset_revision, event_id, source_topic, source_partition,"
                " source_offset, event_time) VALUES ('v', %s, 1, %s, 'f', %s, 'e', 'high', 'fp', %s, 1, 'e', 't', 0, 0,"
                " CURRENT_TIMESTAMP(6))",
                (row["id"], f"\\50%_{EVIL}", f"={EVIL}", json.dumps({"path": EVIL}, ensure_ascii=False)),
            )

    asyncio.run(fill())
    for arguments in (
        ("violations", "list", "--rows"), ("violations", "list", "--rows", "--json"), ("violations", "show", "v"),
        ("violations", "show", "v", "--json"), ("report", "standards"), ("report", "standards", "--format", "csv"),
        ("report", "standards", "--format", "json"),
    ):  # fmt: skip
        assert_harmless(cockpit(*arguments).stdout)
    for part, found in (("\\50%_", 1), ("%%", 0), ("50__", 0), ("'", 0), ("é", 0)):
        assert f"{found} violations\n".encode() in cockpit("violations", "list", "--rows", "--subject", part).stdout
    for unknown in ("é", "' OR 1=1 -- ", "\x1b[31m", "x" * 500):
        told = cockpit("violations", "show", unknown, code=2).stderr.decode()
        assert "no such violation" in told
        assert told[:-1].isprintable()
    slo = json.loads(cockpit("report", "slo", "--json").stdout)
    assert [(row["query_type"], row["samples"], row["p99_ms"], row["met"]) for row in slo] == [
        ("violation_check", 0, None, "not measured"),
        ("compliance_report", 0, None, "not measured"),
        ("clock_sync", 0, None, "not measured"),
    ]
