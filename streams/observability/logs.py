"""Structured logs: one JSON object a line on standard output, from us and from every library, without secrets."""

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from math import inf
from time import monotonic
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog

from streams.settings import Settings

_MASK = "***"
_SHORTEST_SECRET = 4
"""Masking every occurrence of a shorter secret would make the logs unreadable and give it away."""
_REPEATED_SECONDS = 10.0
_REMEMBERED_TEXTS = 1000


def configure(settings: Settings) -> None:
    """Send all logging through one JSON renderer that masks the settings' secrets."""
    secrets = secrets_of(settings)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _masking(secrets),
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_is_news)
    handler.addFilter(Repeats("aiokafka"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("aiokafka", "faust", "mode"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    # Its one line of this level tells that committed offsets are out of range: records were deleted, or lost.
    logging.getLogger("aiokafka.consumer.fetcher").setLevel(root.level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def secrets_of(settings: Settings) -> list[str]:
    """What must be in no line: the secrets in every form that a URL or a repr of them has, the longest first."""
    url = settings.database_url.get_secret_value()
    plain = {settings.database.password, url, settings.kafka_sasl_password.get_secret_value()}
    forms = {urlsplit(url).password or "", *plain}
    forms |= {form for secret in plain for form in _forms(secret)}
    return sorted((form for form in forms if len(form) >= _SHORTEST_SECRET), key=len, reverse=True)


def _forms(secret: str) -> Iterable[str]:
    return quote(secret), quote(secret, safe=""), unquote(secret), repr(secret)[1:-1]


def _is_news(record: logging.LogRecord) -> bool:
    """Not the service framework's running commentary ("[^--Recorder]: Starting...")."""
    return record.levelno > logging.INFO or not str(record.msg).startswith("[^")


class Repeats(logging.Filter):
    """Lets a library's warning through once in ten seconds, and says then how often it was held back.

    Without brokers aiokafka says from three loops, ten times a second each, what it said before.
    """

    def __init__(self, library: str, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(library)
        self._clock = clock
        self._said: dict[str, tuple[float, int]] = {}
        """By logger and text before its arguments: when it was let through, and how often not since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be seen; its text may grow."""
        if record.levelno < logging.WARNING or not super().filter(record):
            return True
        now, text = self._clock(), f"{record.name}: {record.msg}"
        said_at, held_back = self._said.get(text, (-inf, 0))
        if now - said_at < _REPEATED_SECONDS:
            self._said[text] = said_at, held_back + 1
            return False
        if len(self._said) >= _REMEMBERED_TEXTS:
            self._said.clear()
        self._said[text] = now, 0
        if held_back:
            record.msg = f"{record.msg} (and {held_back} times more in the {now - said_at:.0f} s before)"
        return True


def _masking(secrets: Sequence[str]) -> structlog.typing.Processor:
    def mask(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {key: _masked(value) for key, value in event.items()}

    def _masked(value: Any) -> Any:
        if isinstance(value, str):
            for secret in secrets:
                value = value.replace(secret, _MASK)
            return value
        if isinstance(value, dict):
            return {key: _masked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [_masked(item) for item in value]
        return value if isinstance(value, bool | int | float | None) else _masked(str(value))

    return mask
