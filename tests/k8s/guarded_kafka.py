"""A real Kafka that asks who somebody is and lets nobody do what no rule allows; rules as Strimzi would make them."""

from collections.abc import Iterable
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from streams.local.artifacts import Artifacts
from streams.local.kafka import KafkaServer
from streams.local.server import LOOPBACK
from tests.k8s.kustomize_program import Manifest
from tests.k8s.pod_process import PASSWORD

_GUARD = """\
# Whoever comes without a name, over the first listener, is the test itself.
listeners=BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller},CLIENT://127.0.0.1:{client}
advertised.listeners=BROKER://127.0.0.1:{broker},CLIENT://127.0.0.1:{client}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT
listener.name.client.sasl.enabled.mechanisms=PLAIN
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""

# The numbers that Kafka's protocol has for the words of an access rule.
_RESOURCES = {"topic": 2, "group": 3}
_LITERAL = 3
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8}
_ALLOW = 3


class GuardedKafka(KafkaServer):
    """Users by SASL on the port `client`; everything is refused that `allow` has not allowed."""

    port_names = ("broker", "controller", "client")

    def __init__(self, directory: Path, artifacts_directory: Path, users: Iterable[str]) -> None:
        super().__init__(directory, artifacts_directory)
        self._users = " ".join(f'user_{name}="{PASSWORD}"' for name in users)

    @property
    def guarded_bootstrap(self) -> str:
        """The address where clients need a name."""
        return f"{LOOPBACK}:{self.ports['client']}"

    def _prepare(self, artifacts: Artifacts) -> list[str]:
        command = super()._prepare(artifacts)
        properties = self.directory / "server.properties"
        text = properties.read_text(encoding="latin-1")
        guard = _GUARD.format(**self.ports, users=self._users)
        properties.write_text(text + guard, encoding="latin-1")  # of two lines with one name the later counts
        return ["-Dlog4j2.level=INFO" if word.startswith("-Dlog4j2.level=") else word for word in command]

    def denied(self, user: str) -> list[str]:
        """What the authorizer has refused a user, in its own words."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if f"User:{user} is Denied" in line]

    async def allow(self, users: Iterable[Manifest]) -> None:
        """Make the rules of some KafkaUser manifests."""
        requests = [
            CreateAclsRequest(
                _RESOURCES[rule["resource"]["type"]],
                rule["resource"]["name"],
                _LITERAL,
                f"User:{user['metadata']['name']}",
                rule["host"],
                _OPERATIONS[operation],
                _ALLOW,
            )
            for user in users
            for rule in user["spec"]["authorization"]["acls"]
            for operation in rule["operations"]
        ]
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await client.start()
        try:
            for request in requests:
                answer = await client._send_request(request)
                assert [response[0] for response in answer.creation_responses] == [0], answer
        finally:
            await client.close()
