"""A message that is ready to be sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message; `topic` is the full name."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    source_partition: int | None = None
    """Dead letters: the partition of the source, which the target's follows; None: by key."""
