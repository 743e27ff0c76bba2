"""What a library repeats is said once in ten seconds, with how often it was held back."""

import logging
from collections.abc import Iterator

import pytest

from streams.observability.logs import Repeats

NOW = [0.0]


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Handler()
    handler.addFilter(Repeats("aiokafka", lambda: NOW[0]))
    root = logging.getLogger()
    root.addHandler(handler)
    NOW[0] = 100.0
    yield lines
    root.removeHandler(handler)


def test_a_repeated_warning_is_held_back_and_counted(said: list[str]) -> None:
    library = logging.getLogger("aiokafka.consumer.fetcher")
    for node in range(50):
        library.error("Failed fetch messages from %s: %s", node, "100 % away")
    logging.getLogger("aiokafka").error("Unable connect")
    NOW[0] += 9.9
    library.error("Failed fetch messages from %s: %s", 1, "away")
    assert said == ["Failed fetch messages from 0: 100 % away", "Unable connect"]
    NOW[0] += 0.1
    library.error("Failed fetch messages from %s: %s", 2, "away")
    assert said[2:] == ["Failed fetch messages from 2: away (and 50 times more in the 10 s before)"]
    NOW[0] += 11
    library.error("Failed fetch messages from %s: %s", 3, "away")
    assert said[3:] == ["Failed fetch messages from 3: away"]


def test_others_and_what_is_no_warning_are_all_seen(said: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for partition in (0, 0):
            logging.getLogger("aiokafka.consumer.fetcher").info("offset of %s is out of range", partition)
            logging.getLogger("streams.storing").warning("database_away")
            logging.getLogger("aiokafkaesque").warning("another library")
    assert len(said) == 6


def test_the_memory_of_what_was_said_has_a_bound(said: list[str]) -> None:
    library = logging.getLogger("aiokafka")
    for number in range(5000):
        library.warning(f"made up {number}")  # a library may format for itself
    assert len(said) == 5000
    (repeats,) = [
        one for handler in logging.getLogger().handlers for one in handler.filters if isinstance(one, Repeats)
    ]
    assert len(repeats._said) <= 1000
