from pathlib import Path

import pytest

from streams.local.stack import Stack, StackAddresses
from tests.chaos.lane import Addresses


@pytest.fixture(scope="session")
def own_stack(_own_stack: Stack, stack: StackAddresses) -> Stack:
    """The suite's servers; faults are not done to servers that the environment names."""
    if not (_own_stack.mariadb.is_running() and _own_stack.kafka.is_running()):
        pytest.skip("faults need servers of their own")
    return _own_stack


@pytest.fixture
def addresses(own_stack: Stack) -> Addresses:
    """The servers without a proxy."""
    mariadb = own_stack.mariadb
    return Addresses(own_stack.kafka.bootstrap, mariadb.url, mariadb.admin_url)


@pytest.fixture(scope="session")
def chaos_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")
