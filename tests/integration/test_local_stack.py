"""The local stack: what starts, what it keeps over a crash, and that nothing of it stays behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.errors import UserError
from streams.local.artifacts import fetch, meaningful_line
from streams.local.kafka import KafkaServer
from streams.local.mariadb import MariaDBServer, connect
from streams.local.server import LOOPBACK, free_port
from streams.local.stack import Stack
from streams.settings import load_settings


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that is deleted at once, because a data directory is large; and no server from outside."""
    for name in ("COCKPIT_KAFKA_BOOTSTRAP", "COCKPIT_DATABASE_URL", "COCKPIT_DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory(prefix="cockpit-stack-") as name:
        yield Path(name).resolve()
        assert processes_of(Path(name)) == []


def processes_of(directory: Path) -> list[str]:
    """The command lines of the machine's processes that mention the directory; a zombie has none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{directory.resolve()}/" in command:
            found.append(command)
    return found


def cockpit(directory: Path, artifacts_directory: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a `cockpit` command whose stack lives in the directory."""
    (directory / ".local").mkdir(exist_ok=True)
    if not (directory / ".local" / "artifacts").exists():
        (directory / ".local" / "artifacts").symlink_to(artifacts_directory)
    command = [sys.executable, "-m", "streams", *arguments]
    return subprocess.Popen(
        command, cwd=directory, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_a_stack_starts_once_and_stops_without_a_trace(directory: Path, artifacts_directory: Path) -> None:
    first = Stack(directory, artifacts_directory=artifacts_directory)
    try:
        addresses = first.start()
        pids = [server.pid for server in first.status()]
        assert all(server.running and server.answers for server in first.status())
        assert len(processes_of(directory)) == 2

        # Another command sees the same servers and does not start them again.
        second = Stack(directory, artifacts_directory=artifacts_directory)
        assert second.start() == addresses
        assert [server.pid for server in second.status()] == pids

        env = directory / "stack.env"
        assert stat.S_IMODE(env.stat().st_mode) == 0o600
        settings = load_settings(_env_file=env)
        assert settings.kafka_bootstrap == addresses.kafka_bootstrap
        assert settings.database_url.get_secret_value() == addresses.database_url
        assert settings.database.password not in repr(addresses)

        assert sorted(second.stop()) == ["kafka", "mariadb"]
        assert processes_of(directory) == []
        assert not env.exists()
        assert not (directory / "stack.json").exists()
        assert [server.running for server in first.status()] == [False, False]
        assert second.stop() == []
        assert (directory / "mariadb" / "data").is_dir()

        second.stop(wipe=True)
        assert not (directory / "mariadb").exists()
        assert not (directory / "kafka").exists()
    finally:
        first.stop()


def test_commands_report_what_runs_by_their_exit_code(directory: Path, artifacts_directory: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        process = cockpit(directory, artifacts_directory, *arguments)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    try:
        assert run("status")[0] == 3
        code, output = run("up")
        assert code == 0, output
        password = load_settings(_env_file=directory / ".local" / "stack.env").database.password
        assert password not in output
        assert run("status")[0] == 0
        code, output = run("down")
        assert (code, "kafka" in output, "mariadb" in output) == (0, True, True)
        assert run("status")[0] == 3
        assert run("down", "--wipe")[0] == 0
        assert not (directory / ".local" / "kafka").exists()
    finally:
        run("down")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing_running(
    directory: Path, artifacts_directory: Path, number: signal.Signals
) -> None:
    fetch(artifacts_directory)
    with cockpit(directory, artifacts_directory, "up") as process:
        deadline = time.monotonic() + 60
        # The second server is launched last and takes seconds to answer.
        while len(processes_of(directory)) < 2:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert processes_of(directory) == []
    assert not (directory / ".local" / "stack.json").exists()
    assert not (directory / ".local" / "stack.env").exists()


def test_a_failed_start_names_the_log_and_leaves_nothing_running(directory: Path, artifacts_directory: Path) -> None:
    data = directory / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "bootstrap.checkpoint").write_bytes(b"not a checkpoint")
    stack = Stack(directory, artifacts_directory=artifacts_directory)
    with pytest.raises(UserError, match=r"kafka: ended while starting: .*kafka\.log") as failure:
        stack.start()
    assert "\n" not in str(failure.value)
    assert processes_of(directory) == []
    assert not (directory / "stack.json").exists()
    assert not (directory / "stack.env").exists()


def test_servers_of_ones_own_are_used_and_not_started(directory: Path, artifacts_directory: Path) -> None:
    url = "mysql://me:secret@db.example:4000/devguide_cockpit"
    stack = Stack(
        directory, artifacts_directory=artifacts_directory, kafka_bootstrap="kafka.example:9092", database_url=url
    )
    addresses = stack.start()
    assert (addresses.kafka_bootstrap, addresses.database_url) == ("kafka.example:9092", url)
    assert stack.status() == []
    assert not (directory / "stack.env").exists()


def test_a_process_that_got_a_servers_number_is_left_alone(directory: Path, artifacts_directory: Path) -> None:
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    state = {"pid": os.getpid(), "ports": {"sql": free_port()}, "command": ["/other"], "start_ticks": ticks}
    (directory / "stack.json").write_text(json.dumps({"mariadb": state}))
    stack = Stack(directory, artifacts_directory=artifacts_directory)
    assert [server.running for server in stack.status()] == [False, False]
    assert stack.stop() == []


def test_mariadb_keeps_what_it_committed_over_a_crash(directory: Path, artifacts_directory: Path) -> None:
    server = MariaDBServer(directory, artifacts_directory)
    try:
        server.start()
        url, pid = server.url, server.pid
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept (id INT PRIMARY KEY, word VARCHAR(20))")
            cursor.execute("INSERT INTO kept VALUES (1, 'über')")
            connection.begin()
            cursor.execute("INSERT INTO kept VALUES (2, 'not committed')")
            server.kill()
        assert not server.is_running()
        assert not server.answers()
        server.start()
        assert (server.url, server.pid != pid) == (url, True)
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, word FROM kept")
            assert cursor.fetchall() == ((1, "über"),)
    finally:
        server.stop()


def test_mariadb_has_the_settings_of_its_role(directory: Path, artifacts_directory: Path) -> None:
    server = MariaDBServer(directory, artifacts_directory, options=("--max-connections=77",))
    try:
        server.start()
        with connect(server.url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT @@global.time_zone, @@collation_server, @@innodb_flush_log_at_trx_commit,"
                " @@max_allowed_packet, @@bind_address, @@log_bin, @@max_connections"
            )
            assert cursor.fetchone() == ("+00:00", "utf8mb4_bin", 1, 64 << 20, LOOPBACK, 0, 77)
            cursor.execute("SHOW DATABASES")
            assert cursor.fetchall() == (("devguide_cockpit",), ("information_schema",))
        with connect(server.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT user, host FROM mysql.user WHERE user <> 'mariadb.sys' ORDER BY user")
            assert cursor.fetchall() == (("admin", LOOPBACK), ("cockpit", LOOPBACK))
        assert [path.stat().st_mode & 0o077 for path in directory.glob("*.json")] == [0]
    finally:
        server.stop()


async def test_kafka_keeps_its_records_over_a_crash(directory: Path, artifacts_directory: Path) -> None:
    server = KafkaServer(directory, artifacts_directory)
    partition = TopicPartition("kept", 0)
    value = b"x" * (2 << 20)  # a dead letter may be larger than Kafka takes by default
    try:
        server.start()
        bootstrap = server.bootstrap
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        large = {"max.message.bytes": str(3 << 20)}
        await admin.create_topics([NewTopic(partition.topic, 1, 1, topic_configs=large)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=3 << 20) as producer:
            await producer.send_and_wait(partition.topic, value)

        server.kill()
        assert not server.answers()
        server.start()
        assert server.bootstrap == bootstrap

        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            assert (await consumer.getone()).value == value
        finally:
            await consumer.stop()
    finally:
        server.stop()


async def test_the_suites_own_servers_answer(
    stack: object, settings: object, database_url: str, topic_prefix: str
) -> None:
    with connect(database_url) as connection, connection.cursor() as cursor:
        assert cursor.execute("SHOW TABLES") == 0
    assert topic_prefix.startswith("t")


def test_mavens_reason_is_told_in_one_line() -> None:
    output = (
        "[ERROR] Failed to execute goal on project local-stack: Could not resolve dependencies: "
        "Could not transfer artifact a:b:jar:1 from/to mirror (https://mirror.example/a/b): timeout -> [Help 1]\n"
        "[ERROR] \n"
        "[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.\n"
        "[ERROR] Re-run Maven using the -X switch to enable full debug logging.\n"
        "[ERROR] [Help 1] https://help.example/MAVEN/DependencyResolutionException\n"
    )
    line = meaningful_line(output)
    assert line.startswith("Failed to execute goal")
    assert line.endswith("from/to mirror: timeout")
    assert meaningful_line("") == "it said nothing"
