"""SIGTERM while all of Kafka is away, with announcements unsent and offsets uncommitted."""

from pathlib import Path

from tests.chaos.faults.stops import stopped, waiting_worker
from tests.chaos.faults.under_load import PER_SECOND
from tests.chaos.lane import new_lane
from tests.chaos.servers import running


async def test_workers_stop_by_themselves_while_kafka_is_away_and_nothing_is_lost(
    chaos_directory: Path, artifacts_directory: Path
) -> None:
    directory = chaos_directory / "stops"
    async with running(directory, artifacts_directory) as servers, new_lane(servers.addresses, directory, 1) as lane:
        worker = await lane.ready_worker(COCKPIT_DRAIN_SECONDS="1")
        await lane.send(2 * PER_SECOND)
        await lane.stored(PER_SECOND // 4)
        servers.kafka_proxy.refuses = True
        servers.kafka_proxy.cut()
        await lane.send(PER_SECOND)
        starting = await waiting_worker(lane)
        codes, _ = await stopped(worker, starting)
        assert codes == [0, 0], worker.text()[-3000:]
        assert "stopped without waiting for" not in worker.text()

        servers.kafka_proxy.mend()
        worker = await lane.ready_worker()
        await lane.drained(ages_outbox=True)
        account = await lane.account()
        assert not account.remarks
        assert await worker.terminate() == 0
