"""docs/operations.md is true: its commands exist, its links lead somewhere, and its way back from a backup is gone."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import time
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.cli.app import build_cli
from streams.local.artifacts import fetch
from streams.local.mariadb import connect
from streams.settings import Settings
from tests.e2e import events
from tests.e2e.conftest import database, deployed, new_worker  # noqa: F401  # fixtures
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all
from tests.go_programs import CHECKOUT

DOCUMENTS = ("docs/operations.md", "deploy/k8s/README.md", "README.md")
KEPT = (  # what no producer could send again, and what every reader looks at
    "SELECT id FROM filesystem_timestamps",
    "SELECT id FROM metadata_violations",
    "SELECT id FROM clock_sync_status",
    "SELECT submission_id, verdict FROM submissions",
    "SELECT fingerprint, status FROM violation_incidents",
)


# --- its words


def _commands(document: str) -> list[str]:
    """Every `cockpit …` in code."""
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0] for block in blocks for line in re.split(r"\n|&&|\|", block)]
    spans = re.findall(r"`([^`\n]*)`", text)
    found = [re.search(r"(?:^|-- |exec worker )cockpit( .*)?$", part.strip()) for part in (*lines, *spans)]
    return sorted({match[1].strip() for match in found if match and match[1]})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_exists_with_its_options(document: str) -> None:
    commands = _commands(document)
    assert commands
    for text in commands:
        words = [word for word in shlex.split(text) if word != "…"]
        command: Any = typer.main.get_command(build_cli())
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{document}: cockpit {text}: there is no {words[0]}"
            command, words = command.commands[words[0]], words[1:]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, f"{document}: cockpit {text}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    path = CHECKOUT / document
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        # Written by `scripts/bench --docs` from its results.
        assert target.endswith("performance.md") or (path.parent / target).exists(), target


def test_every_anchor_is_a_heading() -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


# --- back up, restore


def _dump(url: str, artifacts_directory: Path) -> str:
    """The backup that operations.md asks for."""
    settings = Settings(database_url=url)  # type: ignore[arg-type]
    address = settings.database
    command = [fetch(artifacts_directory).mariadb / "bin" / "mariadb-dump", "--no-defaults"]
    command += ["--single-transaction", "--hex-blob", "--routines", "--triggers"]
    command += [f"--host={address.host}", f"--port={address.port}", f"--user={address.user}", address.database]
    environment = {**os.environ, "MYSQL_PWD": address.password}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _statements(dump: str) -> list[str]:
    """As the `mariadb` client would send them: triggers come under another delimiter."""
    statements, delimiter, gathered = [], ";", ""
    for line in dump.splitlines():
        if match := re.fullmatch(r"DELIMITER (\S+)", line):
            delimiter = match[1]
        elif line.endswith(delimiter):
            statements.append(gathered + line.removesuffix(delimiter))
            gathered = ""
        elif not line.startswith("--") and line:
            gathered += line + "\n"
    return statements


def _replace_database(url: str, dump: str) -> None:
    name = Settings(database_url=url).database.database  # type: ignore[arg-type]
    with connect(url) as connection, connection.cursor() as cursor:
        for statement in (f"DROP DATABASE {name}", f"CREATE DATABASE {name}", f"USE {name}", *_statements(dump)):
            cursor.execute(statement)


def _rows(url: str) -> dict[str, set[Any]]:
    with connect(url) as connection, connection.cursor() as cursor:
        found = {}
        for query in KEPT:
            cursor.execute(query)
            found[query] = set(cursor.fetchall())
        return found


def _cockpit(settings: Settings, *arguments: str) -> str:
    environment = {**os.environ, "COCKPIT_DATABASE_URL": settings.database_url.get_secret_value()}
    done = subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def _rewind(settings: Settings, to_milliseconds: int) -> None:
    """What `kafka-consumer-groups.sh --reset-offsets --to-datetime … --execute` does, on every input."""
    # Committing by itself, it would set the group back to where it was when it stops.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.kafka_group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(settings.topic(topic), number)
            for topic in events.TOPICS
            for number in range(settings.topic_partitions)
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, to_milliseconds))
        await consumer.commit({tp: found[tp].offset if found[tp] else ends[tp] for tp in partitions})
    finally:
        await consumer.stop()


def _some(random: Random, number: int) -> list[events.Message]:
    now = datetime.now(UTC).isoformat()
    good_and_bad = events.capture(random, f"h-{number}", [f"/srv/{number}/a", f"/srv/{number}/tmp~"], now)
    return [
        events.message("filesystem-timestamps.v1", f"h-{number}", good_and_bad),
        events.message("clock-sync.v1", f"c-{number}", events.reading(random, f"c-{number}", 25_000, now)),
        events.message("submissions.v1", f"s-{number}", events.submission(random, f"s-{number}", status="Whatever")),
    ]


async def test_what_was_stored_after_the_backup_comes_again_from_kafka(
    deployed: Settings,  # noqa: F811
    new_worker: Callable[..., WorkerProcess],  # noqa: F811
    artifacts_directory: Path,
) -> None:
    random, url = Random(9), deployed.database_url.get_secret_value()

    async def stored(numbers: range) -> None:
        await send_all(deployed, [message for number in numbers for message in _some(random, number)])
        await eventually(lambda: all_committed(deployed, events.TOPICS), 60, "everything is committed")

    worker = new_worker()
    await worker.ready()
    await stored(range(3))
    moment = int(time() * 1000)  # a little before the backup: some of what follows is in it
    await stored(range(3, 5))
    dump = await asyncio.to_thread(_dump, url, artifacts_directory)
    at_backup = _rows(url)
    await stored(range(5, 10))
    assert await worker.terminate() == 0
    before = _rows(url)
    report = _cockpit(deployed, "report", "compliance", "--format", "json")
    assert all(at_backup[query] < before[query] for query in KEPT)

    _replace_database(url, dump)
    assert _rows(url) == at_backup
    _cockpit(deployed, "migrate", "--recount")
    await _rewind(deployed, moment)
    again = new_worker()
    await again.ready()
    await eventually(lambda: all_committed(deployed, events.TOPICS), 60, "what came after the backup is read again")
    assert _rows(url) == before
    assert (await again.metric("cockpit_records_total")).items() >= {
        f'{{outcome="{outcome}",topic="{deployed.topic(topic)}"}}': count
        for topic in events.TOPICS
        for outcome, count in (("duplicate", 2), ("stored", 5))
    }.items()
    assert _cockpit(deployed, "report", "compliance", "--format", "json") == report
