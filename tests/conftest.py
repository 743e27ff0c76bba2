"""Fixtures of the whole suite: real servers, and a corner of them for each test."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import pytest

from streams.local.mariadb import USER, connect
from streams.local.server import LOOPBACK
from streams.local.stack import Stack, StackAddresses
from streams.settings import Settings, load_settings
from tests.security.servers import certificates, secured_kafka, secured_mariadb

__all__ = ["certificates", "secured_kafka", "secured_mariadb"]

CHECKOUT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGTERM end the suite as Ctrl-C does: fixtures are torn down and no server stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A suite started in the background inherits SIGINT ignored, and would hand that on to what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def artifacts_directory() -> Path:
    """The programs of the local stack, shared with `cockpit up`, for tests that start a server of their own."""
    return CHECKOUT / ".local" / "artifacts"


@pytest.fixture(scope="session")
def _own_stack(artifacts_directory: Path) -> Iterator[Stack]:
    """The servers that the environment does not name, started once."""
    directory = Path(tempfile.mkdtemp(prefix="cockpit-tests-"))
    stack = Stack(
        directory,
        artifacts_directory=artifacts_directory,
        kafka_bootstrap=os.environ.get("COCKPIT_KAFKA_BOOTSTRAP"),
        database_url=os.environ.get("COCKPIT_DATABASE_URL"),
    )
    atexit.register(stack.stop)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        atexit.unregister(stack.stop)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(_own_stack: Stack) -> StackAddresses:
    """The addresses of Kafka and the database; `start` on a running stack only returns them."""
    return _own_stack.start()


@pytest.fixture(scope="session")
def administrator_url(_own_stack: Stack, stack: StackAddresses) -> str:
    """Of the user who may make databases, and, of a server of our own, set its variables."""
    return _own_stack.mariadb.admin_url if _own_stack.mariadb.is_running() else stack.database_url


@pytest.fixture(scope="session")
def kafka_pid(_own_stack: Stack, stack: StackAddresses) -> int:
    """Of a broker of our own; skips where the environment names another."""
    if _own_stack.kafka.pid is None:
        pytest.skip(f"the broker at {stack.kafka_bootstrap} is somebody else's")
    return _own_stack.kafka.pid


@pytest.fixture
def database_url(_own_stack: Stack, stack: StackAddresses, administrator_url: str) -> Iterator[str]:
    """A URL of a fresh and empty database, which is dropped afterwards."""
    name = f"cockpit_test_{token_hex(4)}"
    own = _own_stack.mariadb.is_running()
    grant = [f"GRANT ALL ON {name}.* TO '{USER}'@'{LOOPBACK}'"] if own else []
    _execute(administrator_url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", *grant)
    yield urlsplit(stack.database_url)._replace(path=f"/{name}").geturl()
    _execute(administrator_url, f"DROP DATABASE {name}")


def _execute(url: str, *statements: str) -> None:
    with connect(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test's topics have."""
    return f"t{token_hex(4)}."


@pytest.fixture
def settings(stack: StackAddresses, database_url: str, topic_prefix: str) -> Settings:
    """Settings for a worker of this test alone."""
    return load_settings(
        kafka_bootstrap=stack.kafka_bootstrap,
        database_url=database_url,
        topic_prefix=topic_prefix,
        topic_partitions=4,
        kafka_group=f"cockpit-{token_hex(4)}",
        metrics_host="127.0.0.1",
        metrics_port=0,
    )
