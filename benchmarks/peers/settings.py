"""What the harness tells a contestant, by its environment."""

import os
from dataclasses import dataclass

from streams.settings import DatabaseAddress


@dataclass(frozen=True)
class PeerSettings:
    bootstrap: str
    """host:port"""
    database_url: str
    topic: str
    group: str

    @property
    def database(self) -> DatabaseAddress:
        return DatabaseAddress(self.database_url)

    @property
    def brokers(self) -> list[str]:
        return self.bootstrap.split(",")


def load_peer_settings() -> PeerSettings:
    """Raises KeyError with the name of a variable that is missing."""
    return PeerSettings(
        bootstrap=os.environ["BENCH_BOOTSTRAP"],
        database_url=os.environ["BENCH_DATABASE_URL"],
        topic=os.environ["BENCH_TOPIC"],
        group=os.environ["BENCH_GROUP"],
    )
