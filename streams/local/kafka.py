"""A real Kafka: broker and controller in one JVM."""

import base64
import os
import re
import shutil
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from streams.errors import UserError
from streams.local.artifacts import Artifacts
from streams.local.server import LOOPBACK, Server, uninterrupted

_LEAST_JAVA = 17
_METADATA_API = 3

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=BROKER://127.0.0.1:{broker}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
# Relative to the working directory: this file's encoding knows no more than Latin-1.
log.dirs=data
auto.create.topics.enable=false
# A dead letter carries headers over the size that its record had.
message.max.bytes=3145728
replica.fetch.max.bytes=3145728
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
# After a SIGKILL the broker may register again only when its old session has ended.
broker.session.timeout.ms=6000
# The default is sized for a server with many topics.
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""

_BEGINS_QUICKLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class KafkaServer(Server):
    """One broker on 127.0.0.1; topics are created only on request, at one replica."""

    name = "kafka"
    port_names = ("broker", "controller")
    java_options: tuple[str, ...] = _BEGINS_QUICKLY
    """For a broker of minutes: the thorough compiler would take a core for the first of them."""
    format_options: tuple[str, ...] = ()
    """Further arguments of the tool that formats an empty storage."""

    @property
    def bootstrap(self) -> str:
        """The address for clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        """True when the broker is part of its own cluster's metadata, which is when it serves clients."""
        return broker_answers(self.port)

    def _prepare(self, artifacts: Artifacts) -> list[str]:
        java = find_java()
        properties = self.directory / "server.properties"
        properties.write_text(self._properties(), encoding="latin-1")
        if not (self.directory / "data" / "bootstrap.checkpoint").exists():
            self._format(java, artifacts, properties)
        return [
            java,
            "-Xmx512m",
            *self.java_options,
            "-Dlog4j2.level=WARN",
            "-cp",
            artifacts.kafka_classpath,
            "kafka.Kafka",
            str(properties),
        ]

    def _properties(self) -> str:
        """The configuration file; of two lines with one name the later counts."""
        return _PROPERTIES.format(**self.ports)

    def _format(self, java: str, artifacts: Artifacts, properties: Path) -> None:
        """Make an empty storage with a cluster id of its own, by Kafka's own tool."""
        # An interrupted formatting leaves a directory that the tool refuses.
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        # A leading dash would be taken for an option.
        cluster_id = "c" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        command = [java, *_BEGINS_QUICKLY, "-cp", artifacts.kafka_classpath]
        command += ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties), *self.format_options]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            formatting = None
            try:
                with uninterrupted():
                    formatting = subprocess.Popen(
                        command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                    )
                code = formatting.wait()
            finally:
                if formatting is not None:
                    formatting.kill()  # nothing, unless we were interrupted
                    formatting.wait()
        if code != 0:
            raise UserError(f"kafka: cannot format its storage: {self._last_words()} (log: {self.log})")


def find_java() -> str:
    """The path of a `java` that is new enough: JAVA_HOME's, else the one on PATH; raises UserError."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise UserError(f"java: not found: run scripts/setup, or install a Java runtime >= {_LEAST_JAVA}")
    run = subprocess.run([java, "-version"], capture_output=True, text=True, errors="replace", check=False)
    version = re.search(r'version "(\d+)', run.stderr)
    if version is None or int(version[1]) < _LEAST_JAVA:
        found = version[1] if version else "an unknown version"
        raise UserError(f"java: {java} is {found}: install a Java runtime >= {_LEAST_JAVA} or set JAVA_HOME to one")
    return java


def broker_answers(port: int) -> bool:
    """Ask for the cluster's metadata, without topics, and see whether a broker is in it."""
    # Spoken by hand, because a Kafka client would retry and log by its own rules. Metadata, version 1: the
    # request is an empty list of topics; the answer begins with the correlation id and the number of brokers.
    request = struct.pack(">hhihi", _METADATA_API, 1, 0, -1, 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.makefile("rb").read(12)
    except OSError:
        return False
    return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0
