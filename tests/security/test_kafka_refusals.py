"""What a person sees whom a secured Kafka does not let in, or who should not trust it: one line, soon, no secret."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from time import monotonic

import pytest

from streams.errors import RetriableError
from streams.kafka.topics import list_topics
from streams.settings import load_settings
from tests.security.certificates import Certificates
from tests.security.commands import Told, fresh_environment
from tests.security.conftest import Cockpit
from tests.security.servers import SecuredKafka, Users

_SECONDS = 10
WORKER = "cockpit-streams-worker"
OPERATOR = "cockpit-streams-operator"
Case = Callable[[SecuredKafka, Certificates], dict[str, str]]

CASES: dict[str, tuple[Case, str]] = {
    "wrong CA": (
        lambda k, c: k.named(OPERATOR, COCKPIT_KAFKA_TLS_CA=str(c.other_ca)),
        "COCKPIT_KAFKA_TLS_CA: TLS: unable to get local issuer certificate",
    ),
    "the system's CAs": (
        lambda k, _: k.named(OPERATOR) | {"COCKPIT_KAFKA_TLS_CA": ""},
        "COCKPIT_KAFKA_TLS_CA: TLS: unable to get local issuer certificate",
    ),
    "expired certificate": (
        lambda k, _: {
            "COCKPIT_KAFKA_BOOTSTRAP": k.address("expired"),
            "COCKPIT_KAFKA_SECURITY": "SSL",
            "COCKPIT_KAFKA_TLS_CA": str(k.certificates.ca),
        },
        "COCKPIT_KAFKA_TLS_CA: TLS: certificate has expired",
    ),
    "wrong host name": (
        lambda k, _: k.named(OPERATOR, COCKPIT_KAFKA_BOOTSTRAP=k.address("named", "localhost")),
        "COCKPIT_KAFKA_TLS_CA: TLS: Hostname mismatch",
    ),
    "wrong password": (
        lambda k, _: k.named(OPERATOR, COCKPIT_KAFKA_SASL_PASSWORD="canary-wrong"),
        "COCKPIT_KAFKA_SASL_PASSWORD: the broker refuses the user 'cockpit-streams-operator'",
    ),
    "unknown user": (
        lambda k, _: k.named("nobody"),
        "COCKPIT_KAFKA_SASL_PASSWORD: the broker refuses the user 'nobody'",
    ),
    "wrong mechanism": (
        lambda k, _: k.named(OPERATOR, COCKPIT_KAFKA_SASL_MECHANISM="PLAIN"),
        "COCKPIT_KAFKA_SASL_MECHANISM: the broker does not take PLAIN",
    ),
    "client of another CA": (
        lambda k, c: k.mutual(c.foreign_client(WORKER)),
        "COCKPIT_KAFKA_TLS_CERTIFICATE: the broker does not take our certificate",
    ),
    "expired client": (
        lambda k, c: k.mutual(c.expired_client(WORKER)),
        "COCKPIT_KAFKA_TLS_CERTIFICATE: the broker does not take our certificate",
    ),
    "no client certificate": (
        lambda k, c: k.mutual(c.client(WORKER)) | {"COCKPIT_KAFKA_TLS_CERTIFICATE": "", "COCKPIT_KAFKA_TLS_KEY": ""},
        "COCKPIT_KAFKA_TLS_CERTIFICATE: the broker does not take our certificate",
    ),
    "a key behind a password": (
        lambda k, c: k.mutual(c.locked_client(WORKER, "canary-key")),
        "COCKPIT_KAFKA_TLS_*: cannot load the certificates",
    ),
    "a key without its certificate": (
        lambda k, c: k.mutual(c.client(WORKER)) | {"COCKPIT_KAFKA_TLS_CERTIFICATE": ""},
        "COCKPIT_KAFKA_TLS_CERTIFICATE: is empty",
    ),
}
COMMANDS = (
    ("topics", "list"),
    ("topics", "create"),
    ("dlq", "list"),
    ("dlq", "show", "clock-sync.v1", "0", "0"),
    ("dlq", "replay"),
    ("capture", __file__, "--no-git"),
    ("clock", "publish", "--offset-microseconds", "5"),
    ("submit", __file__, "--submitter", "me"),
    ("submit", __file__, "--submitter", "me", "--wait"),
)


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_in_one_line(
    case: str, secured_kafka: SecuredKafka, certificates: Certificates, cockpit: Cockpit
) -> None:
    environment, expected = CASES[case]
    began = monotonic()
    said = cockpit(environment(secured_kafka, certificates), "topics", "list")
    assert said.line.startswith(f"cockpit: {expected}"), said
    assert monotonic() - began < _SECONDS
    _is_a_refusal(said)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_it(command: tuple[str, ...], secured_kafka: SecuredKafka, cockpit: Cockpit) -> None:
    environment, expected = CASES["wrong password"]
    said = cockpit(environment(secured_kafka, secured_kafka.certificates), *command)
    assert said.line.startswith(f"cockpit: {expected}"), said
    _is_a_refusal(said)


@pytest.mark.parametrize("case", ["wrong CA", "wrong password", "client of another CA"])
def test_a_worker_ends_and_says_it(
    case: str, secured_kafka: SecuredKafka, certificates: Certificates, users: Users
) -> None:
    """And does not wait, as it does for brokers that are away."""
    environment, expected = CASES[case]
    given = {**environment(secured_kafka, certificates), **users.file("worker"), "COCKPIT_METRICS_PORT": "0"}
    worker = subprocess.run(
        [sys.executable, "-m", "streams", "worker"],
        env=fresh_environment({**given, "COCKPIT_LOG_LEVEL": "debug"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode == 2, worker.stderr
    assert worker.stderr.startswith(f"cockpit: {expected}")
    assert worker.stderr.count("\n") == 1
    assert "canary" not in worker.stderr + worker.stdout
    assert "Traceback" not in worker.stderr + worker.stdout


def test_brokers_that_are_away_are_waited_for(secured_kafka: SecuredKafka) -> None:
    """No refusal is made up where nobody answers."""
    environment = secured_kafka.named(OPERATOR)
    settings = load_settings(
        kafka_bootstrap="127.0.0.1:9",
        kafka_security="SASL_SSL",
        kafka_sasl_username=OPERATOR,
        kafka_sasl_password=environment["COCKPIT_KAFKA_SASL_PASSWORD"],
        kafka_tls_ca=secured_kafka.certificates.ca,
    )
    with pytest.raises(RetriableError):
        asyncio.run(list_topics(settings))


def _is_a_refusal(said: Told) -> None:
    assert said.code == 2
    assert said.errors.count("\n") == 1
    assert said.output == ""
    assert "canary" not in said.errors
    assert "Traceback" not in said.errors
