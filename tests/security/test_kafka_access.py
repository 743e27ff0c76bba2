"""The product's list of who may do what in Kafka, held against a real authorizer: it suffices, and it holds."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    for_code,
)

from streams.kafka.access import OPERATOR, PRINCIPALS, PRODUCER, SCALER, SETUP, WORKER, rules_of
from streams.kafka.security import client_options
from streams.settings import Settings, load_settings
from tests.security.authorized import on_group, on_topics
from tests.security.conftest import Cockpit
from tests.security.servers import SecuredKafka

REFUSED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
USERS = Path(__file__).parents[2] / "deploy" / "k8s" / "components" / "strimzi" / "users.yaml"


@pytest.fixture
def plain() -> Settings:
    """The product's own names of topics and group."""
    return load_settings(_env_file=None, topic_prefix="governance.", kafka_group="cockpit-streams")


def _as(kafka: SecuredKafka, principal: str) -> dict[str, Any]:
    return client_options(
        load_settings(
            _env_file=None,
            kafka_bootstrap=kafka.address("named"),
            kafka_security="SASL_SSL",
            kafka_sasl_username=principal,
            kafka_sasl_password=kafka.passwords[principal],
            kafka_tls_ca=kafka.certificates.ca,
        )
    )


@asynccontextmanager
async def _admin(kafka: SecuredKafka, principal: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**_as(kafka, principal), request_timeout_ms=10_000)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_the_authorizer_allows_the_list_and_nothing_else(
    principal: str, secured_kafka: SecuredKafka, plain: Settings
) -> None:
    """Every topic and group, every operation; what is not in the list is not even seen."""
    rules = {(rule.kind, rule.name): set(rule.operations) for rule in rules_of(plain)[principal]}
    async with _admin(secured_kafka, principal) as client:
        topics, cluster = await on_topics(client)
        groups = {group: await on_group(client, group) for group in (plain.kafka_group, "another")}
    assert topics == {name: allowed for (kind, name), allowed in rules.items() if kind == "topic"}
    assert cluster == set()
    assert groups == {group: rules.get(("group", group), set()) for group in groups}


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_nobody_rules_the_cluster(principal: str, secured_kafka: SecuredKafka, plain: Settings) -> None:
    topic = plain.topic("submissions.v1")
    async with _admin(secured_kafka, principal) as client:
        created = await client.create_topics([NewTopic("governance.x", 1, 1)])
        deleted = await client.delete_topics([topic])
        config = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "1"})
        altered = await client.alter_configs([config])
        described = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        codes = [
            *(error[1] for error in created.topic_errors),
            *(error[1] for error in deleted.topic_error_codes),
            *(resource[0] for answer in (*altered, *described) for resource in answer.resources),
        ]
    assert len(codes) == 4
    assert all(for_code(code) in REFUSED for code in codes), codes


def test_a_command_of_somebody_who_may_not_says_so_in_one_line(secured_kafka: SecuredKafka, cockpit: Cockpit) -> None:
    for principal, command in (
        (SETUP, ("topics", "create")),
        (WORKER, ("clock", "publish", "--offset-microseconds", "5")),
        (SCALER, ("clock", "publish", "--offset-microseconds", "5")),
        (PRODUCER, ("dlq", "list")),
        (SETUP, ("dlq", "list")),
        (WORKER, ("dlq", "list")),
    ):
        said = cockpit(secured_kafka.named(principal, COCKPIT_TOPIC_PREFIX="governance."), *command)
        if command == ("topics", "create"):
            assert (said.code, said.output) == (0, "all topics are there\n")
            continue
        assert said.code == 2, (principal, command, said)
        assert said.errors.count("\n") == 1, (principal, command, said)
        assert said.line.startswith("cockpit: topic governance."), said
        assert "canary" not in said.errors


def test_operators_and_producers_can_do_their_work(secured_kafka: SecuredKafka, cockpit: Cockpit) -> None:
    names_of = {"COCKPIT_TOPIC_PREFIX": "governance."}
    for principal in (OPERATOR, PRODUCER):
        said = cockpit(secured_kafka.named(principal, **names_of), "clock", "publish", "--offset-microseconds", "5")
        assert said.code == 0, said
    assert cockpit(secured_kafka.named(OPERATOR, **names_of), "dlq", "list").code == 0
    assert cockpit(secured_kafka.named(OPERATOR, **names_of), "dlq", "replay", "--dry-run").code in (0, 1)
    assert cockpit(secured_kafka.named(SETUP, **names_of), "topics", "list").code == 0
    # The same principal by its certificate.
    certificate = secured_kafka.certificates.client(OPERATOR)
    assert cockpit(secured_kafka.mutual(certificate, **names_of), "dlq", "list").code == 0


def test_strimzis_users_are_the_same_list(plain: Settings) -> None:
    found = {}
    for user in yaml.safe_load_all(USERS.read_text()):
        acls = user["spec"]["authorization"]["acls"]
        assert all(acl["resource"]["patternType"] == "literal" and acl["host"] == "*" for acl in acls)
        found[user["metadata"]["name"]] = {
            (acl["resource"]["type"], acl["resource"]["name"]): acl["operations"] for acl in acls
        }
        assert user["spec"]["authentication"] == {"type": "scram-sha-512"}
    wanted = {
        name: {(rule.kind, rule.name): list(rule.operations) for rule in rules}
        for name, rules in rules_of(plain).items()
    }
    assert found == wanted


def test_the_command_prints_the_same_list(cockpit: Cockpit, plain: Settings) -> None:
    told = json.loads(cockpit({}, "topics", "acls", "--json").output)
    assert {name: len(rules) for name, rules in told.items()} == {k: len(v) for k, v in rules_of(plain).items()}
    lines = cockpit({}, "topics", "acls").output
    assert "  group cockpit-streams  Read, Describe\n" in lines
