"""Who may do what in Kafka: the least that each of our principals needs, and nothing else.

The one list of it: Strimzi's users are generated from it (deploy/k8s/generate.py), `cockpit topics acls` prints it for
every other Kafka, and a test lets a broker with exactly these rules judge each principal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from streams.kafka.dead_letters import SUFFIX
from streams.kafka.topics import INPUTS, OUTPUTS, names
from streams.settings import Settings

Operation = Literal["Read", "Write", "Describe"]

WORKER, SETUP, SCALER = "cockpit-streams-worker", "cockpit-streams-setup", "cockpit-streams-scaler"
OPERATOR, PRODUCER = "cockpit-streams-operator", "cockpit-streams-producer"

PRINCIPALS = {
    WORKER: "The workers: read what comes, write what they find.",
    SETUP: "Sees whether the topics are there, made by somebody who may.",
    SCALER: "KEDA: counts how far the group is behind.",
    OPERATOR: "A person: reads everything, and writes to the inputs by `dlq replay` and `submit`.",
    PRODUCER: "The pattern for a team that publishes.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed on one topic or group, by its full name. Read and Write imply Describe in Kafka."""

    kind: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]


def rules_of(settings: Settings) -> dict[str, list[Rule]]:
    """The rules of every principal, under the names that these settings give topics and group."""
    inputs = [settings.topic(name) for name in INPUTS]
    dead_letters = [name + SUFFIX for name in inputs]
    outputs = [settings.topic(name) for name in OUTPUTS]
    group = settings.kafka_group
    return {
        WORKER: [
            *_topics(inputs, "Read", "Describe"),
            *_topics([*dead_letters, *outputs], "Write", "Describe"),
            Rule("group", group, ("Read", "Describe")),
        ],
        SETUP: _topics(names(settings), "Describe"),
        SCALER: [*_topics(inputs, "Describe"), Rule("group", group, ("Describe",))],
        OPERATOR: [
            *_topics(inputs, "Read", "Write", "Describe"),
            *_topics([*dead_letters, *outputs], "Read", "Describe"),
            Rule("group", group, ("Describe",)),
        ],
        PRODUCER: _topics(inputs, "Write", "Describe"),
    }


def _topics(topics: Iterable[str], *operations: Operation) -> list[Rule]:
    return [Rule("topic", name, operations) for name in topics]
