"""A Kafka and a MariaDB as production has them: nobody is let in unnamed, and nothing is said in plain text."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from streams.kafka.access import PRINCIPALS, Rule, rules_of
from streams.kafka.topics import create_topics
from streams.local.artifacts import Artifacts
from streams.local.kafka import KafkaServer
from streams.local.mariadb import DATABASE, MariaDBServer, connect
from streams.local.server import LOOPBACK
from streams.settings import load_settings
from tests.security.certificates import Certificates
from tests.security.commands import told

_GUARD = """\
# Whoever comes without a name, over the first listener, is the test itself.
listeners=BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller},\
NAMED://127.0.0.1:{named},MUTUAL://127.0.0.1:{mutual},EXPIRED://127.0.0.1:{expired}
advertised.listeners=BROKER://127.0.0.1:{broker},\
NAMED://127.0.0.1:{named},MUTUAL://127.0.0.1:{mutual},EXPIRED://127.0.0.1:{expired}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,NAMED:SASL_SSL,MUTUAL:SSL,EXPIRED:SSL
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
listener.name.named.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.named.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={expired_certificate}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
# Guessing is made slow by default: half a second for every refusal that the tests provoke.
connection.failed.authentication.delay.ms=0
"""

# The numbers that Kafka's protocol has for the words of an access rule.
_RESOURCES = {"topic": 2, "group": 3}
_LITERAL = 3
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8}
_ALLOW = 3


class SecuredKafka(KafkaServer):
    """Ports `named` (SCRAM-SHA-512 over TLS), `mutual` (a client's certificate) and `expired` (as it must not be)."""

    port_names = ("broker", "controller", "named", "mutual", "expired")

    def __init__(self, directory: Path, artifacts_directory: Path, certificates: Certificates) -> None:
        super().__init__(directory, artifacts_directory)
        self.certificates = certificates
        self.passwords = {name: f"canary-{token_hex(12)}" for name in PRINCIPALS}
        self.format_options = tuple(
            part
            for name, password in self.passwords.items()
            for part in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
        )

    def _properties(self) -> str:
        files = {
            "certificate": self.certificates.server,
            "ca": self.certificates.ca,
            "expired_certificate": self.certificates.expired_server,
        }
        return super()._properties() + _GUARD.format(**self.ports, **files)

    def _prepare(self, artifacts: Artifacts) -> list[str]:
        words = super()._prepare(artifacts)  # the authorizer tells at this level whom it refuses what
        return ["-Dlog4j2.level=INFO" if word.startswith("-Dlog4j2.level=") else word for word in words]

    def denied(self, principal: str) -> list[str]:
        """What the authorizer has refused somebody, in its own words."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if f"User:{principal} is Denied" in line]

    def address(self, port: str, host: str = LOOPBACK) -> str:
        return f"{host}:{self.ports[port]}"

    def named(self, principal: str, **more: str) -> dict[str, str]:
        """The environment of somebody who comes with a password."""
        return {
            "COCKPIT_KAFKA_BOOTSTRAP": self.address("named"),
            "COCKPIT_KAFKA_SECURITY": "SASL_SSL",
            "COCKPIT_KAFKA_SASL_USERNAME": principal,
            "COCKPIT_KAFKA_SASL_PASSWORD": self.passwords.get(principal, "wrong"),
            "COCKPIT_KAFKA_TLS_CA": str(self.certificates.ca),
            **more,
        }

    def mutual(self, certificate: Path, **more: str) -> dict[str, str]:
        """The environment of somebody who comes with a certificate."""
        return {
            "COCKPIT_KAFKA_BOOTSTRAP": self.address("mutual"),
            "COCKPIT_KAFKA_SECURITY": "SSL",
            "COCKPIT_KAFKA_TLS_CA": str(self.certificates.ca),
            "COCKPIT_KAFKA_TLS_CERTIFICATE": str(certificate),
            "COCKPIT_KAFKA_TLS_KEY": str(certificate),
            **more,
        }

    async def allow(self, principal: str, rules: Iterable[Rule]) -> None:
        """Make some rules of the product's list."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await client.start()
        try:
            for rule in rules:
                for operation in rule.operations:
                    request = CreateAclsRequest(
                        _RESOURCES[rule.kind], rule.name, _LITERAL, f"User:{principal}", "*",
                        _OPERATIONS[operation], _ALLOW,
                    )  # fmt: skip
                    answer: Any = await client._send_request(request)
                    assert [response[0] for response in answer.creation_responses] == [0], answer
        finally:
            await client.close()


class SecuredMariaDB(MariaDBServer):
    """Takes TLS, with a certificate that can be changed while it runs."""

    def __init__(self, directory: Path, artifacts_directory: Path, certificates: Certificates) -> None:
        self._certificate = directory.parent / "mariadb.pem"
        small = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M")
        options = ("--ssl=ON", f"--ssl-cert={self._certificate}", f"--ssl-key={self._certificate}")
        super().__init__(directory, artifacts_directory, (*small, *options))
        self.certificates = certificates
        self._certificate.write_bytes(certificates.server.read_bytes())

    def show(self, certificate: Path) -> None:
        """Have new connections see another certificate."""
        self._certificate.write_bytes(certificate.read_bytes())
        with connect(self.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute("FLUSH SSL")

    def secured(self, url: str, *, ca: Path | None = None, host: str = LOOPBACK) -> str:
        """A URL of this server, with TLS."""
        return f"{url.replace(f'@{LOOPBACK}:', f'@{host}:')}?tls=true&ca={ca or self.certificates.ca}"

    @property
    def root_url(self) -> str:
        """The product's database, as somebody who may make users."""
        return self.admin_url.rpartition("/")[0] + "/" + DATABASE


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def secured_kafka(
    tmp_path_factory: pytest.TempPathFactory, artifacts_directory: Path, certificates: Certificates
) -> Iterator[SecuredKafka]:
    """All topics with two partitions, and the product's own list of who may do what, under the product's names."""
    server = SecuredKafka(tmp_path_factory.mktemp("secured") / "kafka", artifacts_directory, certificates)
    try:
        server.start()
        asyncio.run(_furnish(server))
        yield server
    finally:
        server.stop()


async def _furnish(server: SecuredKafka) -> None:
    settings = load_settings(kafka_bootstrap=server.bootstrap, topic_partitions=2, _env_file=None)
    await create_topics(settings)
    for principal, rules in rules_of(settings).items():
        await server.allow(principal, rules)


@pytest.fixture(scope="session")
def secured_mariadb(
    tmp_path_factory: pytest.TempPathFactory, artifacts_directory: Path, certificates: Certificates
) -> Iterator[SecuredMariaDB]:
    """A server of its own, with the product's database, which is empty."""
    server = SecuredMariaDB(tmp_path_factory.mktemp("secured") / "mariadb", artifacts_directory, certificates)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Users:
    """The database's users, by the files that `cockpit users create` wrote."""

    folder: Path

    def url(self, role: str) -> str:
        return (self.folder / f"{role}-url").read_text().strip()

    def file(self, role: str) -> dict[str, str]:
        return {"COCKPIT_DATABASE_URL_FILE": str(self.folder / f"{role}-url")}


@pytest.fixture(scope="session")
def users(secured_mariadb: SecuredMariaDB, tmp_path_factory: pytest.TempPathFactory) -> Users:
    """The database as docs/security.md has it made: users, schema by the migrator, then the other users' grants."""
    folder = tmp_path_factory.mktemp("users")
    with pytest.MonkeyPatch.context() as patch:
        root = {"COCKPIT_DATABASE_URL": secured_mariadb.secured(secured_mariadb.root_url)}
        first = told(patch, root, "users", "create", str(folder))
        assert first.code == 2
        assert "is not there yet: run `cockpit migrate` as cockpit_migrator" in first.errors
        migrated = told(patch, Users(folder).file("migrator"), "migrate")
        assert migrated.code == 0, migrated.errors
        second = told(patch, root, "users", "create", str(folder))
        assert second.code == 0, second.errors
    return Users(folder)
