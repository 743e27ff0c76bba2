"""A stock Faust agent, as in its own tutorial: one event, one transaction."""

from typing import Any

from benchmarks.peers import async_database
from benchmarks.peers.database import load_job
from benchmarks.peers.faust_app import make_app, run
from benchmarks.peers.settings import load_peer_settings


def main() -> None:
    settings = load_peer_settings()
    job = load_job(settings)
    app = make_app(settings)

    @app.agent(app.topic(settings.topic, value_serializer="raw"))
    async def judge(stream: Any) -> None:
        connection = await async_database.connect(settings)
        async for event in stream.events():
            message = event.message
            await async_database.write(connection, *job.rows(event.value, message.partition, message.offset))

    run(app)


if __name__ == "__main__":
    main()
