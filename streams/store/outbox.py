"""Announcements packed into bytes for the outbox table, and back. Pure."""

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import uuid4

import orjson

from streams.plan import Announcement, Plan

_PACKAGE_BYTES = 4_000_000
"""Before compression; TiDB takes no row of more than 6 MB."""


class Package(NamedTuple):
    """A row of the outbox."""

    id: str
    """Random, and not made of the content: two groups may have the same to say."""
    messages: bytes


def packages_of(plans: Iterable[Plan]) -> list[Package]:
    """What the plans announce, in their order; nothing for nothing."""
    messages = [message for plan in plans for message in plan.announcements]
    return [Package(str(uuid4()), package) for package in pack(messages)]


def pack(messages: Sequence[Announcement]) -> Iterator[bytes]:
    """Packages of messages in order; none for no messages."""
    package: list[list[object]] = []
    size = 0
    for message in messages:
        if package and size + len(message.value) > _PACKAGE_BYTES:
            yield _seal(package)
            package, size = [], 0
        headers = [[name, base64.b64encode(value).decode()] for name, value in message.headers]
        package.append([message.topic, message.key, message.value.decode(), headers])
        size += len(message.value)
    if package:
        yield _seal(package)


def _seal(package: list[list[object]]) -> bytes:
    return zlib.compress(orjson.dumps(package), level=1)


def unpack(package: bytes) -> list[Announcement]:
    """The messages of one package."""
    return [
        Announcement(topic, key, value.encode(), tuple((name, base64.b64decode(text)) for name, text in headers))
        for topic, key, value, headers in orjson.loads(zlib.decompress(package))
    ]
