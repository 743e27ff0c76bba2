"""Two workers as production has them, TLS and least privilege everywhere, under hostile events and forced failures."""

import asyncio
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pymysql
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from streams.kafka.access import OPERATOR, PRODUCER, WORKER
from streams.kafka.security import client_options
from streams.kafka.topics import names
from streams.local.mariadb import connect
from streams.settings import Settings, load_settings
from tests.e2e.events import message
from tests.e2e.worker import WorkerProcess, eventually
from tests.security import hostile
from tests.security.servers import SecuredKafka, SecuredMariaDB, Users

_BAD = (
    b"not json",
    b'{"component_name": "\x1b[31m"}',
    ('{"event": "' + "\\u001b[2J".join("abc") + '", "component_name": 7, "protocol": "=1+1"}').encode(),
)


@dataclass
class Run:
    """What was left behind."""

    kafka: SecuredKafka
    users: Users
    logs: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    """What /metrics, /livez and /readyz said, when all was well and when the database was away."""
    processes: str = ""
    """The command lines of all processes while the workers ran, by `ps` and by /proc."""
    ports: dict[str, set[int]] = field(default_factory=dict)
    records: list[ConsumerRecord] = field(default_factory=list)
    """Everything in every topic of ours."""
    codes: list[int] = field(default_factory=list)

    def environment(self, principal: str = OPERATOR, role: str = "reader", **more: str) -> dict[str, str]:
        """The settings of a person at a terminal."""
        return {**self.kafka.named(principal), **self.users.file(role), "COCKPIT_TOPIC_PREFIX": "governance.", **more}

    def of_topic(self, name: str) -> list[ConsumerRecord]:
        return [record for record in self.records if record.topic == f"governance.{name}"]


@pytest.fixture(scope="session")
def secured_run(
    secured_kafka: SecuredKafka,
    secured_mariadb: SecuredMariaDB,
    users: Users,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Of the two workers one has a password, the other a certificate; both ended well."""
    folder = tmp_path_factory.mktemp("run")
    run = Run(secured_kafka, users)
    password = folder / "kafka-password"
    password.write_text(secured_kafka.passwords[WORKER])
    common = {
        "COCKPIT_ENVIRONMENT": "production",
        "COCKPIT_LOG_LEVEL": "debug",
        "COCKPIT_DATABASE_URL": "",
        **users.file("worker"),
        "COCKPIT_PROBE_SECONDS": "1",
        "COCKPIT_INCIDENT_KEEPER_SECONDS": "0.5",
        "COCKPIT_TIFLASH_PROBE_SECONDS": "1",
    }
    named = secured_kafka.named(WORKER) | {
        "COCKPIT_KAFKA_SASL_PASSWORD": "",
        "COCKPIT_KAFKA_SASL_PASSWORD_FILE": str(password),
    }
    mutual = secured_kafka.mutual(secured_kafka.certificates.client(WORKER))
    settings = load_settings(_env_file=None, topic_prefix="governance.", kafka_bootstrap=secured_kafka.bootstrap)
    workers = {
        name: WorkerProcess(settings, folder / f"{name}.log", **{**common, **given})
        for name, given in (("named", named), ("mutual", mutual))
    }
    try:
        for worker in workers.values():
            worker.start()
        asyncio.run(_carry_out(run, settings, secured_mariadb, workers))
    finally:
        for worker in workers.values():
            worker.close()
    run.logs = {name: worker.text() for name, worker in workers.items()}
    return run


async def _carry_out(run: Run, settings: Settings, database: SecuredMariaDB, workers: dict[str, WorkerProcess]) -> None:
    await asyncio.gather(*(worker.ready() for worker in workers.values()))
    random = Random(11)
    await _send(run.kafka, settings, _hostile(random))
    await eventually(lambda: _all_committed(settings), 60, "all is consumed")
    await _keep(run, workers, "well")
    run.processes = await asyncio.to_thread(_command_lines)
    run.ports = {name: _listening(worker.process.pid) for name, worker in workers.items()}
    # The database cuts every connection, then is away, with records on their way.
    await asyncio.to_thread(_cut_connections, database)
    await asyncio.to_thread(database.kill)
    await _send(run.kafka, settings, _hostile(random))
    await eventually(lambda: _said(workers, "database_away"), 60, "both notice")
    await _keep(run, workers, "away")
    await asyncio.to_thread(database.start)
    await eventually(lambda: _all_committed(settings), 60, "all is consumed after the outage")
    run.records = await _everything(settings)
    run.codes = list(await asyncio.gather(*(worker.terminate() for worker in workers.values())))


def _hostile(random: Random) -> Iterable[tuple[str, bytes, bytes]]:
    """Both partitions of every topic get some, so that both workers have work."""
    at = datetime.now(UTC).isoformat()
    for number in range(6):
        key = f"{hostile.HOST}{number}"
        for topic, event in (
            ("filesystem-timestamps.v1", hostile.capture(random)),
            ("clock-sync.v1", hostile.reading(random, at)),
            ("submissions.v1", hostile.submission(random)),
        ):
            _, encoded, value = message(topic, key, event)
            assert encoded is not None
            assert value is not None
            yield topic, encoded, value
            yield topic, encoded, _BAD[number % len(_BAD)]


async def _send(kafka: SecuredKafka, settings: Settings, messages: Iterable[tuple[str, bytes, bytes]]) -> None:
    """As a team that publishes."""
    options = client_options(load_settings(_env_file=None, **_settings(kafka.named(PRODUCER))))
    producer = AIOKafkaProducer(**options, acks="all")
    await producer.start()
    try:
        for number, (topic, key, value) in enumerate(messages):
            headers = [("x-\x1b[31m", b"\x1b]0;owned\x07"), ("traceparent", b"00-forged\r\n")]
            await producer.send_and_wait(settings.topic(topic), value, key, partition=number // 2 % 2, headers=headers)
    finally:
        await producer.stop()


def _settings(environment: dict[str, str]) -> dict[str, Any]:
    return {name.removeprefix("COCKPIT_").lower(): value for name, value in environment.items()}


async def _all_committed(settings: Settings) -> bool:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.kafka_group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        for topic in names(settings)[:3]:
            partitions = [TopicPartition(topic, number) for number in range(2)]
            consumer.assign(partitions)
            for partition, end in (await consumer.end_offsets(partitions)).items():
                if end and (await consumer.committed(partition) or 0) < end:
                    return False
        return True
    finally:
        await consumer.stop()


async def _said(workers: dict[str, WorkerProcess], event: str) -> bool:
    return all(f'"event": "{event}"' in worker.text() for worker in workers.values())


async def _keep(run: Run, workers: dict[str, WorkerProcess], when: str) -> None:
    for name, worker in workers.items():
        for path in ("/metrics", "/livez", "/readyz"):
            run.answers[f"{name} {when} {path}"] = (await worker.get(path))[1]


def _command_lines() -> str:
    said = subprocess.run(["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=False).stdout
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                said += (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") + "\n"
            except OSError:
                continue
    return said


def _listening(pid: int) -> set[int]:
    """The TCP ports that a process listens on."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in sockets:
                ports.add(int(columns[1].rpartition(":")[2], 16))
    return ports


def _cut_connections(database: SecuredMariaDB) -> None:
    with connect(database.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'cockpit_worker'")
        for (number,) in cursor.fetchall():
            with suppress(pymysql.err.OperationalError):  # it has gone meanwhile
                cursor.execute(f"KILL {number}")


async def _everything(settings: Settings) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=4_000_000
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for name in names(settings) for number in range(2)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
        return found
    finally:
        await consumer.stop()
