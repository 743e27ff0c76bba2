"""Quix Streams with a sink of its own: one transaction a checkpoint, and the checkpoint then commits the offsets."""

import tempfile
from typing import Any

from quixstreams import Application
from quixstreams.sinks import BaseSink

from benchmarks.peers.database import connect, load_job, write
from benchmarks.peers.job import Job
from benchmarks.peers.settings import PeerSettings, load_peer_settings

_BATCH_RECORDS = 2000
_BATCH_SECONDS = 0.5


class DatabaseSink(BaseSink):
    """A BatchingSink would write each partition in a transaction of its own."""

    def __init__(self, settings: PeerSettings, job: Job) -> None:
        super().__init__()
        self._settings = settings
        self._job = job
        self._records: list[tuple[bytes, int, int]] = []

    def setup(self) -> None:
        self._connection = connect(self._settings)

    def add(
        self, value: bytes, key: Any, timestamp: int, headers: Any, topic: str, partition: int, offset: int
    ) -> None:
        self._records.append((value, partition, offset))

    def flush(self) -> None:
        records, self._records = self._records, []
        if records:
            write(self._connection, *self._job.rows_of(records))

    def on_paused(self) -> None:
        self._records.clear()


def main() -> None:
    settings = load_peer_settings()
    app = Application(
        broker_address=settings.bootstrap,
        consumer_group=settings.group,
        auto_offset_reset="earliest",
        commit_every=_BATCH_RECORDS,
        commit_interval=_BATCH_SECONDS,
        consumer_poll_timeout=0.1,
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=tempfile.gettempdir(),
        loglevel="WARNING",
    )
    topic = app.topic(settings.topic, key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(topic).sink(DatabaseSink(settings, load_job(settings)))
    app.run()


if __name__ == "__main__":
    main()
