"""A worker as its operator meets it: what it exports, what it says, what it refuses, what it remembers."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from streams.kafka.topics import create_topics
from streams.local.mariadb import connect
from streams.settings import Settings
from streams.store.database import Database
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, read_all, send_all

METRICS = (
    "records_total",
    "rows_written_total",
    "violations_total",
    "violation_detection_seconds",
    "store_seconds",
    "batch_records",
    "standards_lookup_seconds",
    "standards_reload_total",
    "standards_revision",
    "clock_offset_seconds",
    "clock_state",
    "drift_alerts_total",
    "consumer_lag_records",
    "oldest_unwritten_seconds",
    "compliance_query_seconds",
    "tiflash_replica_lag_seconds",
    "build_info",
)


async def consumed(settings: Settings, worker: WorkerProcess, messages: list[events.Message]) -> None:
    await send_all(settings, messages)
    await eventually(lambda: all_committed(settings, events.TOPICS), 60, f"all is consumed:\n{worker.text()[-2000:]}")


def clock(random: Random, offset: int, second: int) -> events.Message:
    at = f"2026-11-20T10:{second // 60:02d}:{second % 60:02d}Z"
    return events.message("clock-sync.v1", "api", events.reading(random, "api", offset, at))


def file(random: Random, second: int, ctime_ns: int, path: str = "/srv/a") -> events.Message:
    event = events.capture(random, "host", [path], f"2026-11-20T10:00:{second:02d}Z", inode=5, device=1)
    event["files"][0] |= {"mtime_ns": ctime_ns, "ctime_ns": ctime_ns}
    return events.message("filesystem-timestamps.v1", "host", event)


async def test_every_metric_is_exported_and_no_label_holds_data(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(1)
    worker = new_worker(COCKPIT_PROBE_SECONDS="1")
    await worker.ready()
    messages = [
        clock(random, 25_000, 1),
        events.message("submissions.v1", "s-1", events.submission(random, "s-1")),
        file(random, 1, events.BASE_NS, "/srv/very-particular-name/id_rsa"),
        ("clock-sync.v1", b"k", b"junk"),
    ]
    await consumed(deployed, worker, messages)

    async def probed() -> bool:
        return bool((await worker.metric("cockpit_compliance_query_seconds_count")).get("", 0) > 1)

    await eventually(probed, 20, "the probes have run")
    _, text = await worker.get("/metrics")
    for name in METRICS:
        assert f"# TYPE cockpit_{name.removesuffix('_total')} " in text or f"# TYPE cockpit_{name} " in text, name
    for edge in ("0.005", "0.01", "0.02", "0.05", "0.1"):
        assert f'cockpit_violation_detection_seconds_bucket{{le="{edge}"}}' in text
    assert "very-particular-name" not in text
    assert '"api"' in text
    records = await worker.metric("cockpit_records_total")
    assert sum(records.values()) == len(messages)
    assert (await worker.metric("cockpit_clock_state"))['{component="api",protocol="NTP"}'] == 1
    assert (await worker.metric("cockpit_clock_offset_seconds"))['{component="api",protocol="NTP"}'] == 0.025
    assert (await worker.get("/livez"))[0] == 200
    assert (await worker.get("/readyz"))[0] == 200
    assert (await worker.get("/nothing"))[0] == 404
    assert await worker.terminate() == 0


async def test_logs_are_json_lines_without_a_secret(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    worker = new_worker(COCKPIT_LOG_LEVEL="debug")
    await worker.ready()
    await consumed(deployed, worker, [("clock-sync.v1", b"k", b"junk\nwith a line break \x1b[31m")])
    assert await worker.terminate() == 0
    lines = worker.text().splitlines()
    assert len(lines) > 3
    for line in lines:
        assert {"event", "level", "timestamp"} <= set(json.loads(line))
    assert deployed.database.password
    assert deployed.database.password not in worker.text()


@pytest.mark.parametrize("missing", ["schema", "topics"])
async def test_what_must_be_there_first_is_named_with_its_remedy(
    settings: Settings, tmp_path: Path, missing: str, request: pytest.FixtureRequest
) -> None:
    if missing == "schema":
        await create_topics(settings)
    else:
        await _migrated(settings)
    worker = WorkerProcess(settings, tmp_path / "worker.log")
    worker.start()
    assert worker.process.wait(30) == 2
    remedy = {"schema": "cockpit migrate", "topics": "cockpit topics create"}[missing]
    assert worker.text().splitlines()[-1].startswith("cockpit: ")
    assert remedy in worker.text().splitlines()[-1]
    assert "Traceback" not in worker.text()


async def _migrated(settings: Settings) -> None:
    from streams.store.migrate import migrate

    async with Database(settings) as database:
        await migrate(database)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"COCKPIT_METRICS_PORT": "lots"}, "COCKPIT_METRICS_PORT"),
        ({"COCKPIT_DATABASE_URL": "postgres://x"}, "COCKPIT_DATABASE_URL"),
        ({"COCKPIT_KAFKA_BOOTSTRAP": "nowhere"}, "COCKPIT_KAFKA_BOOTSTRAP"),
        ({"COCKPIT_DATABASE_URL_FILE": "/nonexistent/secret"}, "COCKPIT_DATABASE_URL_FILE"),
        ({"COCKPIT_KAFKA_SECURITY": "SSL", "COCKPIT_KAFKA_TLS_CA": "/nonexistent/ca.pem"}, "COCKPIT_KAFKA_TLS_CA"),
    ],
)
async def test_a_bad_setting_is_one_line(
    deployed: Settings, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    worker = WorkerProcess(deployed, tmp_path / "worker.log", **environment)
    worker.start()
    assert worker.process.wait(30) == 2
    last = worker.text().splitlines()[-1]
    assert last.startswith("cockpit: ")
    assert said in last
    assert "Traceback" not in worker.text()


async def test_a_wrong_password_is_one_line_without_it(deployed: Settings, tmp_path: Path) -> None:
    address = deployed.database
    url = f"mysql://{address.user}:not-the-password@{address.host}:{address.port}/{address.database}"
    worker = WorkerProcess(deployed, tmp_path / "worker.log", COCKPIT_DATABASE_URL=url)
    worker.start()
    assert worker.process.wait(30) == 2
    assert "refuses us: 1045" in worker.text().splitlines()[-1]
    assert "not-the-password" not in worker.text()


async def test_a_database_that_takes_small_packets_only_is_one_line(
    deployed: Settings, tmp_path: Path, administrator_url: str
) -> None:
    with connect(administrator_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        (before,) = cursor.fetchone() or (0,)
        cursor.execute("SET GLOBAL max_allowed_packet = 1048576")
        try:
            worker = WorkerProcess(deployed, tmp_path / "worker.log")
            worker.start()
            assert worker.process.wait(30) == 2
        finally:
            cursor.execute(f"SET GLOBAL max_allowed_packet = {before}")
    assert "max_allowed_packet is 1048576 bytes: set it to 16777216 or more" in worker.text().splitlines()[-1]
    assert "Traceback" not in worker.text()


async def test_a_taken_port_is_one_line(deployed: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        worker = WorkerProcess(deployed, tmp_path / "worker.log", COCKPIT_METRICS_PORT=str(taken.getsockname()[1]))
        worker.start()
        assert worker.process.wait(30) == 2
        assert "choose another port" in worker.text().splitlines()[-1]


async def test_history_and_alerts_survive_a_restart(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(5)
    first = new_worker()
    await first.ready()
    await consumed(deployed, first, [file(random, 1, events.BASE_NS), clock(random, 25_000, 1)])
    first.kill()
    second = new_worker()
    await second.ready()
    late = file(random, 0, events.BASE_NS + 50)  # captured before the first: says nothing about it
    back = file(random, 2, events.BASE_NS - 10_000_000)
    clear = [clock(random, 10, at) for at in (40, 70, 101)]
    await consumed(deployed, second, [late, back, clock(random, 30_000, 10), *clear])
    codes = [
        (row["code"], row["event_id"])
        for row in await database.fetch_all(
            "SELECT s.code, v.event_id FROM metadata_violations v JOIN metadata_standards s ON s.id = v.standard_id"
            " WHERE s.code = 'TS-CTIME-REGRESSED'"
        )
    ]
    assert codes == [("TS-CTIME-REGRESSED", json.loads(back[2] or b"")["event_id"])]
    alerts = [json.loads(record.value) for record in await read_all(deployed, "drift-alerts.v1")]
    alerts = [alert for alert in alerts if alert["kind"] == "offset"]
    assert [alert["state"] for alert in alerts] == ["firing", "resolved"]
    assert alerts[0]["alert_id"] == alerts[1]["alert_id"]
    assert alerts[1]["peak_offset_microseconds"] == 30_000
    newest = await database.fetch_all(
        "SELECT status, offset_microseconds FROM clock_sync_status WHERE component_name = 'api'"
        " ORDER BY last_sync_at DESC LIMIT 1"
    )
    assert newest == [{"status": "synchronized", "offset_microseconds": 10}]
    assert await second.terminate() == 0


async def test_a_standard_added_by_hand_judges_the_next_event(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(6)
    worker = new_worker()
    await worker.ready()
    revision = (await worker.metric("cockpit_standards_revision"))[""]
    await database.execute(
        "INSERT INTO metadata_standards (id, code, applies_to, category, field, pattern, match_mode, status)"
        " VALUES (UUID(), 'FS-HAND-001', 'filesystem', 'path_hygiene', 'file_path', '^/forbidden/',"
        " 'must_not_match', 'active')"
    )

    async def live() -> bool:
        return (await worker.metric("cockpit_standards_revision"))[""] > revision

    await eventually(live, 3, "the new standard is live")
    await consumed(deployed, worker, [file(random, 1, events.BASE_NS, "/forbidden/x")])
    (violation,) = [json.loads(record.value) for record in await read_all(deployed, "violations.v1")]
    assert violation["standard_code"] == "FS-HAND-001"
    assert violation["ruleset_revision"] == (await worker.metric("cockpit_standards_revision"))[""]
    assert await worker.terminate() == 0
