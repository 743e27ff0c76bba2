"""The load: seeded events of one or more files, written ahead of a run or sent at a fixed rate.

Event number n is the same for whoever knows the load's parameters, so that an observer knows the ids of the rows that
it will cause without being told. `python -m benchmarks.load` is the open-loop sender: it sends event i at t0 + i / rate
whatever happens, and never waits for an answer.
"""

import argparse
import gc
import json
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from time import monotonic, sleep
from typing import Any

import orjson

from streams.identity import digest_of, id_of
from streams.times import timestamp_text

SEED = 20_261_120
HOSTS = 40
PARTITIONS = 6
VIOLATING_EVERY = 10


@dataclass(slots=True)
class SyntheticRecord:
    """A Kafka record that was never in Kafka."""

    value: bytes | None
    offset: int
    timestamp: int
    topic: str = "governance.filesystem-timestamps.v1"
    partition: int = 0
    timestamp_type: int | None = 0
    key: bytes | None = b"build-00"
    headers: Sequence[tuple[str, bytes | None]] = ()


_ROOTS = ("/srv/repo", "/src", "/home/ci/work", "/opt/app")
_PROJECTS = ("gateway", "billing", "catalog", "identity", "search", "mailer", "ledger", "frontend")
_AREAS = ("src", "lib", "tests", "docs", "tools", "deploy")
_PACKAGES = ("core", "api", "models", "views", "storage", "events", "reports", "auth", "cli", "jobs", "schemas", "http")
_WORDS = ("parser", "client", "handler", "session", "router", "batch", "cache", "index", "policy", "token", "worker")
_EXTENSIONS = ("py", "py", "py", "ts", "go", "md", "yaml", "json", "html", "css")
_HOUR_NS = 3_600_000_000_000

Times = tuple[int, int, int]
_PREPARING_SHARE = 0.7
"""Of the time until the first event is due; the rest is for the client to connect, and for a busy machine."""
_TICKS_SECONDS = ((1000, 0.002), (3000, 0.005), (float("inf"), 0.010))
"""Up to so many events a second: how often the sender wakes up. It shares the cores with what is measured."""


@dataclass(frozen=True)
class Event:
    """What the rows of an event are made of."""

    event_id: str
    host: str
    captured_at_us: int
    files: tuple[tuple[str, Times], ...]
    """The path, and atime, mtime and ctime in nanoseconds."""
    value: bytes
    """The Kafka record's value."""

    @property
    def row_ids(self) -> list[str]:
        """The ids of the rows that whoever does the job derives from the event."""
        said = "\0".join([f"{path}\0{times[0]}\0{times[1]}\0{times[2]}" for path, times in self.files])
        cause = f"file\0{self.event_id}\0{self.host}\0{self.captured_at_us}\0{digest_of(said)}"
        return [id_of(f"{cause}\0{index}") for index in range(len(self.files))]


@dataclass(frozen=True)
class Load:
    """Event n is captured at `base_us` + n x `spacing_us`; every tenth file breaks some standard."""

    base_us: int
    spacing_us: float = 100.0
    files_per_event: int = 1
    violating_every: int = VIOLATING_EVERY
    seed: int = SEED

    def captured_at_us(self, number: int) -> int:
        """Also the timestamp of the Kafka record, there in milliseconds."""
        return self.base_us + int(number * self.spacing_us)

    def host_number(self, number: int) -> int:
        return _digest(self.seed, number)[16] % HOSTS

    def partition(self, number: int) -> int:
        """The key's partition: that of the host, for the key is the host."""
        return self.host_number(number) % PARTITIONS

    def violates(self, number: int) -> bool:
        """Whether any file of the event breaks a standard."""
        first = number * self.files_per_event
        return -first % self.violating_every < self.files_per_event

    def event(self, number: int) -> Event:
        digest = _digest(self.seed, number)
        captured_at_us = self.captured_at_us(number)
        text = digest[:16].hex()
        event_id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        host = f"build-{digest[16] % HOSTS:02}"
        first = number * self.files_per_event
        made = [self._file(digest, first + index, captured_at_us) for index in range(self.files_per_event)]
        document = {
            "event_id": event_id,
            "host": host,
            "captured_at": timestamp_text(captured_at_us).replace(" ", "T") + "Z",
            "platform": "linux",
            "filesystem_type": "ext4",
            "files": [
                {
                    "file_path": path,
                    "atime_ns": times[0],
                    "mtime_ns": times[1],
                    "ctime_ns": times[2],
                    "git_commit_sha": digest[:20].hex(),
                    "size_bytes": times[1] & 0xFFFF,
                    "inode": first + index + 1,
                    "device": 2049,
                }
                for index, (path, times) in enumerate(made)
            ],
        }
        return Event(event_id, host, captured_at_us, tuple(made), orjson.dumps(document))

    def _file(self, digest: bytes, file_number: int, captured_at_us: int) -> tuple[str, Times]:
        """One file of a source tree, unlike any other of the load; its times lie before its capture."""
        a, b, c, d, e, f = digest[17:23]
        if self.files_per_event > 1:
            d, e = d + file_number, e + file_number // 7
        folder = f"{_ROOTS[a & 3]}/{_PROJECTS[b & 7]}/{_AREAS[c % 6]}/{_PACKAGES[d % 12]}"
        name = f"{_WORDS[e % 11]}_{file_number:08x}"
        changed_ns = captured_at_us * 1000 - 1_000_003 - int.from_bytes(digest[23:28], "little") * 79
        times = (changed_ns + 503, changed_ns - (f << 20), changed_ns)
        if file_number % self.violating_every:
            return f"{folder}/{name}.{_EXTENSIONS[f % 10]}", times
        break_it = VIOLATIONS[file_number // self.violating_every % len(VIOLATIONS)]
        return break_it(folder, name, times)


def _digest(seed: int, number: int) -> bytes:
    return blake2b(b"%d:%d" % (seed, number), digest_size=32).digest()


def _path(template: str) -> Callable[[str, str, Times], tuple[str, Times]]:
    return lambda folder, name, times: (template.format(folder=folder, name=name), times)


def _mtime_set_later(folder: str, name: str, times: Times) -> tuple[str, Times]:
    return f"{folder}/{name}.py", (times[0], times[2] + _HOUR_NS, times[2])


def _ctime_in_future(folder: str, name: str, times: Times) -> tuple[str, Times]:
    return f"{folder}/{name}.py", (times[0], times[1], times[2] + 10_000 * _HOUR_NS)


VIOLATIONS: tuple[Callable[[str, str, Times], tuple[str, Times]], ...] = (
    _path("{folder}/My {name}.py"),
    _mtime_set_later,
    _path("{folder}/{name}.py.orig"),
    _path("{folder}/stage_{name}/.env"),
    _path("{folder}//{name}.py"),
    _ctime_in_future,
    _path("{folder}/{name}\\copy.py"),
    _path("{folder}/größe_{name}.md"),
    _path("{folder}/node_modules/{name}/index.ts"),
    _path("{folder}/{name}.MD"),
)
"""The ways in which a file breaks standards of the seed."""


Message = tuple[bytes | None, bytes | None, int, int]
"""Value, key, partition, and the timestamp in milliseconds."""


def preload(bootstrap: str, topic: str, load: Load, count: int, first: int = 0) -> None:
    """Write events `first` to `first + count`, and return when the broker has all of them; raises RuntimeError."""

    write(bootstrap, topic, (_message(load, number) for number in range(first, first + count)))


def _message(load: Load, number: int) -> Message:
    event = load.event(number)
    return event.value, event.host.encode(), load.partition(number), event.captured_at_us // 1000


def write(bootstrap: str, topic: str, messages: Iterable[Message], **options: Any) -> int:
    """Write messages as fast as the broker takes them and return how many; `options` are the client's own.

    Raises RuntimeError unless the broker has all of them.
    """
    producer = _producer(bootstrap, linger_ms=20, **options)
    refused: list[str] = []
    count = 0

    def answered(error: Any, _: Any) -> None:
        if error is not None:
            refused.append(str(error))

    for value, key, partition, timestamp in messages:
        while True:
            try:
                producer.produce(topic, value, key, partition=partition, timestamp=timestamp, on_delivery=answered)
                break
            except BufferError:
                producer.poll(0.05)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
    if left := producer.flush(60):
        raise RuntimeError(f"{topic}: {left} records of {count} were not acknowledged within 60 s")
    if refused:
        raise RuntimeError(f"{topic}: {len(refused)} records of {count} were refused: {refused[0]}")
    return count


def _producer(bootstrap: str, linger_ms: float, **options: Any) -> Any:
    # Imported late: who only wants the events needs no client.
    from confluent_kafka import Producer

    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": linger_ms,
            "acks": 1,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 262_144,
            "batch.num.messages": 10_000,
            "log_level": 3,
            **{name.replace("_", "."): value for name, value in options.items()},
        }
    )


def send(bootstrap: str, topic: str, load: Load, rate: float, count: int, start_monotonic: float) -> dict[str, Any]:
    """Send at a fixed rate; returns how late events were handed to the client, which is part of their latency.

    Args:
        bootstrap: host:port.
        topic: Where to; its partitions are those of `Load.partition`.
        load: What; its `base_us` is the wall clock's time at `start_monotonic`.
        rate: Events a second.
        count: Events.
        start_monotonic: When event 0 is due, by the machine's monotonic clock.
    """
    prepared = list(_prepared(load, count, start_monotonic))
    producer = _producer(bootstrap, linger_ms=0.5)
    producer.list_topics(topic, timeout=10)  # the first record shall not wait for the metadata
    gc.collect()
    gc.freeze()
    gc.disable()
    if monotonic() > start_monotonic:
        raise RuntimeError(f"the sender needed {monotonic() - start_monotonic:.1f} s more to prepare its load")
    late = list(_paced(producer, topic, prepared, rate, start_monotonic))
    sending_seconds = monotonic() - start_monotonic
    if left := producer.flush(30):
        raise RuntimeError(f"{topic}: {left} records of {count} were not acknowledged within 30 s of their sending")
    late.sort()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "sent": count,
        "seconds": round(sending_seconds, 3),
        "late_p99_ms": round(late[len(late) * 99 // 100] * 1000, 3),
        "late_max_ms": round(late[-1] * 1000, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
    }


def _prepared(load: Load, count: int, start: float) -> Iterator[Message]:
    """All messages, made evenly over most of the time until the start: a burst would take a core from what runs now."""
    began = monotonic()
    an_event = max(0.0, start - began) * _PREPARING_SHARE / max(1, count)
    for number in range(count):
        if number % 1000 == 0:
            sleep(max(0.0, began + number * an_event - monotonic()))
        yield _message(load, number)


def _paced(producer: Any, topic: str, prepared: list[Message], rate: float, start: float) -> Iterator[float]:
    """Produce what is due at every tick; yields for each tick how late its oldest event was, in seconds."""
    tick = next(seconds for limit, seconds in _TICKS_SECONDS if rate <= limit)
    sent, count, wake = 0, len(prepared), start
    while sent < count:
        now = monotonic()
        due = min(count, int((now - start) * rate) + 1) if now >= start else 0
        if due > sent:
            yield now - start - sent / rate
        for value, key, partition, timestamp in prepared[sent:due]:
            producer.produce(topic, value, key, partition=partition, timestamp=timestamp)
        sent = max(sent, due)
        producer.poll(0)
        wake = max(wake + tick, monotonic() + tick / 4)
        sleep(max(0.0, wake - monotonic()))


def main() -> None:
    """Send what the arguments say; prints one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--load", required=True, type=json.loads, help="the fields of a Load as JSON")
    parser.add_argument("--rate", required=True, type=float)
    parser.add_argument("--count", required=True, type=int)
    parser.add_argument("--start-monotonic", required=True, type=float)
    given = parser.parse_args()
    load = Load(**given.load)
    sent = send(given.bootstrap, given.topic, load, given.rate, given.count, given.start_monotonic)
    json.dump(sent, sys.stdout)


def as_argument(load: Load) -> str:
    """The load as an argument of a command."""
    return json.dumps(asdict(load))


if __name__ == "__main__":
    main()
