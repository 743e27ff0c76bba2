"""The contestants: the same job, done with what other people use."""

from dataclasses import dataclass

_SHARED = ".venv-bench/bin/python"


@dataclass(frozen=True)
class Peer:
    name: str
    """The module in this package."""
    title: str
    python: str
    """The interpreter's path relative to the checkout; missing where the peer does not install."""
    lacks: str
    """In a line, what it does not do; what no peer does stands in README.md, once."""


PEERS = (
    Peer(
        "faust_event",
        "Faust, one event one transaction",
        _SHARED,
        "no batches; no duplicates, no dead letters; an event whose agent raises is acknowledged and lost",
    ),
    Peer(
        "faust_take",
        "Faust take",
        _SHARED,
        "no duplicates, no dead letters; a batch whose agent raises is acknowledged and lost",
    ),
    Peer(
        "aiokafka_loop",
        "hand-written aiokafka loop",
        _SHARED,
        "no duplicates, no dead letters; one bad record stops it; rows and offsets apart",
    ),
    Peer(
        "faststream_batches",
        "FastStream batch subscriber",
        _SHARED,
        "no duplicates, no dead letters; a batch with one bad record is read again for ever; rows and offsets apart",
    ),
    Peer(
        "quix_sink",
        "Quix Streams sink",
        ".venv-bench-quix/bin/python",
        "no duplicates, no dead letters; one bad record stops it; rows and offsets apart",
    ),
    Peer(
        "bytewax_flow",
        "Bytewax",
        ".venv-bench-bytewax/bin/python",
        "no consumer group of its own, no duplicates, no dead letters; one bad record stops it; rows and offsets apart",
    ),
    Peer(
        "arroyo_processor",
        "sentry-arroyo",
        _SHARED,
        "no duplicates; dead letters exist and are not set up here: one bad record stops it; rows and offsets apart",
    ),
    Peer(
        "floor",
        "floor: getmany and LOAD DATA LOCAL",
        _SHARED,
        "no peer but a bound: no validation, no standards, no violations, no derived ids",
    ),
)
