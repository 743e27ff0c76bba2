"""A Kafka and a MariaDB that a fault may stop, each behind a proxy that is the workers' only way to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.local.artifacts import Artifacts
from streams.local.kafka import KafkaServer
from streams.local.mariadb import MariaDBServer
from streams.local.server import LOOPBACK
from tests.chaos.lane import Addresses
from tests.chaos.mysql_proxy import MySqlProxy
from tests.chaos.tcp_proxy import TcpProxy


class ProxiedKafka(KafkaServer):
    """Tells the workers that it is where the proxy is; the tests come straight, by a second listener."""

    port_names = ("straight", "broker", "controller")
    proxy_port = 0

    @property
    def proxied_bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.proxy_port}"

    def _prepare(self, artifacts: Artifacts) -> list[str]:
        command = super()._prepare(artifacts)
        properties = self.directory / "server.properties"
        text = properties.read_text(encoding="latin-1")
        listeners, advertised = (
            f"listeners=BROKER://127.0.0.1:{self.ports['broker']},",
            f"advertised.listeners=BROKER://127.0.0.1:{self.ports['broker']}",
        )
        straight = f"STRAIGHT://127.0.0.1:{self.ports['straight']}"
        for old, new in (
            (advertised, f"advertised.listeners=BROKER://{self.proxied_bootstrap},{straight}"),
            (listeners, f"{listeners}{straight},"),
            ("protocol.map=BROKER:PLAINTEXT,", "protocol.map=BROKER:PLAINTEXT,STRAIGHT:PLAINTEXT,"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        properties.write_text(text, encoding="latin-1")
        return command


@dataclass
class Servers:
    """Running servers and their proxies."""

    kafka: KafkaServer
    mariadb: MariaDBServer
    kafka_proxy: TcpProxy
    database_proxy: MySqlProxy

    @property
    def addresses(self) -> Addresses:
        """Workers come through the proxies."""
        database = self.mariadb.url.replace(f":{self.mariadb.port}/", f":{self.database_proxy.port}/")
        return Addresses(
            kafka=f"{LOOPBACK}:{self.kafka_proxy.port}",
            database=database,
            admin=self.mariadb.admin_url,
            straight_kafka=self.kafka.bootstrap,
            straight_database=self.mariadb.url,
        )


@asynccontextmanager
async def running(directory: Path, artifacts: Path) -> AsyncIterator[Servers]:
    """Start everything; at the end nothing is left of it."""
    kafka = ProxiedKafka(directory / "kafka", artifacts)
    mariadb = MariaDBServer(directory / "mariadb", artifacts)
    try:
        # The proxies first: a port is ours only once somebody listens on it.
        async with TcpProxy(0) as kafka_proxy, MySqlProxy(0) as database_proxy:
            kafka.proxy_port = kafka_proxy.port
            await asyncio.gather(asyncio.to_thread(kafka.start), asyncio.to_thread(mariadb.start))
            kafka_proxy.target_port, database_proxy.target_port = kafka.ports["broker"], mariadb.port
            yield Servers(kafka, mariadb, kafka_proxy, database_proxy)
    finally:
        await asyncio.gather(asyncio.to_thread(kafka.kill), asyncio.to_thread(mariadb.kill))
