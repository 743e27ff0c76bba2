"""Faust with `take_events`: lists of up to so many events, or what came within so many seconds."""

from typing import Any

from benchmarks.peers import async_database
from benchmarks.peers.database import load_job
from benchmarks.peers.faust_app import make_app, run
from benchmarks.peers.settings import load_peer_settings

_BATCH_RECORDS = 2000
_WITHIN_SECONDS = 0.05


def main() -> None:
    settings = load_peer_settings()
    job = load_job(settings)
    app = make_app(settings)

    @app.agent(app.topic(settings.topic, value_serializer="raw"))
    async def judge(stream: Any) -> None:
        connection = await async_database.connect(settings)
        async for events in stream.take_events(_BATCH_RECORDS, within=_WITHIN_SECONDS):
            records = [(event.value, event.message.partition, event.message.offset) for event in events]
            await async_database.write(connection, *job.rows_of(records))

    run(app)


if __name__ == "__main__":
    main()
