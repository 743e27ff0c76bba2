"""What the tests of security share."""

import gc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.security.commands import Told, told
from tests.security.secured_run import secured_run
from tests.security.servers import users

__all__ = ["secured_run", "users"]

Cockpit = Callable[..., Told]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kafka's and MySQL's clients leave a TLS connection that was refused to the collector: so it is on their side."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="module", autouse=True)
def _leave_nothing_to_others() -> Iterator[None]:
    """What a module's refused connections left must not be collected, and told, in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def cockpit(monkeypatch: pytest.MonkeyPatch) -> Cockpit:
    """`cockpit(environment, *arguments)`: runs one command and returns what a person saw."""
    return partial(told, monkeypatch)
